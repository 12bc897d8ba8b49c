import ClusterModel
import Replication

/// What members were asked and have not answered so far.
struct OpenQuestions: Sendable {
    private struct Open {
        var connection: ConnectionID
        var assembly = InventoryAssembly()
        var answer: AsyncStream<Result<Inventory, Refusal>>.Continuation
    }

    private var open: [Int: Open] = [:]
    private var last = 0

    /// Opens a question on a connection; what comes of it arrives in the stream.
    mutating func ask(
        _ values: [EntryName], on connection: ConnectionID
    ) -> (question: Question, answer: AsyncStream<Result<Inventory, Refusal>>) {
        last += 1
        let (stream, continuation) = AsyncStream<Result<Inventory, Refusal>>.makeStream(bufferingPolicy: .bufferingOldest(1))
        open[last] = Open(connection: connection, answer: continuation)
        return (Question(number: last, values: values), stream)
    }

    /// Takes a frame of an answer. Refuses what nobody asked on this connection, and an answer that does not end.
    ///
    /// An answer that is late is passed over.
    mutating func take(_ part: InventoryPart, on connection: ConnectionID) throws(Refusal) {
        guard part.question > 0, part.question <= last else {
            throw Refusal(.invalid, "The field inventory.question of a frame is \(part.question), which nobody asked.")
        }
        guard var asked = open[part.question] else { return }
        guard asked.connection == connection else {
            throw Refusal(.invalid, "The field inventory.question of a frame is \(part.question), which was asked on another connection.")
        }
        do throws(Refusal) {
            let inventory = try asked.assembly.take(part)
            open[part.question] = asked
            if let inventory { finish(part.question, .success(inventory)) }
        } catch {
            finish(part.question, .failure(Refusal(.limit, "its answer is larger than an inventory can be: \(error.reason)")))
            throw error
        }
    }

    /// Nobody waits for the answer any more.
    mutating func forget(_ number: Int) {
        open.removeValue(forKey: number)?.answer.finish()
    }

    /// The connection is gone, and with it what was asked there.
    mutating func close(_ connection: ConnectionID) {
        for (number, asked) in open where asked.connection == connection {
            finish(number, .failure(Refusal(.unavailable, "its connection was lost before it answered")))
        }
    }

    private mutating func finish(_ number: Int, _ result: Result<Inventory, Refusal>) {
        guard let asked = open.removeValue(forKey: number) else { return }
        asked.answer.yield(result)
        asked.answer.finish()
    }
}

/// Who wants to hear that something about a member changed. One word is enough for whatever happened since the last.
struct FleetWatchers: Sendable {
    private var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
    private var last = 0

    mutating func add() -> (id: Int, news: AsyncStream<Void>) {
        last += 1
        let (news, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        watchers[last] = continuation
        return (last, news)
    }

    mutating func remove(_ id: Int) { watchers.removeValue(forKey: id)?.finish() }

    func tell() {
        for watcher in watchers.values { watcher.yield() }
    }
}

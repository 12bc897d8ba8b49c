import ClusterModel
import Replication
import Synchronization

// What a member holds, and repair.
extension FleetService {
    /// Asks a member what it holds, or for the values of some entries. Refuses with the reason when there is no answer, in time.
    func ask(_ membership: MembershipID, values: [EntryName] = []) async throws(Refusal) -> Inventory {
        let (question, answer) = try inner.withLock { inner throws(Refusal) in
            let connection = try inner.publisher.reach(membership)
            let asked = inner.questions.ask(values, on: connection)
            inner.links[connection]?.send(.question(asked.question))
            return asked
        }
        defer { inner.withLock { $0.questions.forget(question.number) } }
        let result = await first(of: answer, within: .seconds(Limits.answerSeconds))
        guard let result else {
            throw Refusal(.unavailable, "it did not answer within \(Limits.answerSeconds) seconds; look at its agent's log")
        }
        return try result.get()
    }

    /// A frame of an answer. A member that says what nobody asked, or more than it may, is refused.
    func take(_ part: InventoryPart, on connection: ConnectionID) {
        do throws(Refusal) {
            try inner.withLock { inner throws(Refusal) in try inner.questions.take(part, on: connection) }
            decide { $0.heard(connection, now: $1) }
        } catch {
            inner.withLock { inner in
                inner.links[connection]?.send(.refused(error.code, reason: error.reason))
                inner.links[connection]?.close()
            }
        }
    }

    /// Has a machine lay out everything anew, and waits for its word on that. Nil when none came in time.
    func resend(_ membership: MembershipID) async throws(Refusal) -> MachineRecord? {
        let (id, news) = inner.withLock { $0.watchers.add() }
        defer { inner.withLock { $0.watchers.remove(id) } }
        try decide { publisher, now throws(Refusal) in try publisher.resend(membership, now: now) }
        let isAnswered = await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                for await _ in news {
                    switch self.inner.withLock({ $0.publisher.isAnswered(membership) }) {
                    case true?: return true
                    case nil: return false
                    case false?: continue
                    }
                }
                return false
            }
            tasks.addTask { [clock] in
                // The sleep throws when the answer is there.
                try? await clock.sleep(for: .seconds(Limits.applySeconds + Limits.answerSeconds))
                return false
            }
            let first = await tasks.next() ?? false
            tasks.cancelAll()
            return first
        }
        return isAnswered ? inner.withLock { $0.publisher.record(of: membership) } : nil
    }

    /// The first element of a stream; nil when there is none in time.
    private func first<Element: Sendable>(of stream: AsyncStream<Element>, within wait: Duration) async -> Element? {
        await withTaskGroup(of: Element?.self) { tasks in
            tasks.addTask { await stream.first { _ in true } }
            tasks.addTask { [clock] in
                // The sleep throws when the answer is there.
                try? await clock.sleep(for: wait)
                return nil
            }
            let first = await tasks.next() ?? nil
            tasks.cancelAll()
            return first
        }
    }

    /// A word for whatever changed about members since the last.
    func news() -> AsyncStream<Void> { inner.withLock { $0.watchers.add().news } }
}

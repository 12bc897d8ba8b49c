import Foundation

/// What a process answers to one order: numbers by name.
typealias Answer = [String: Double]

/// Something that went wrong in a measurement, in words.
struct BenchmarkError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Another process of this program in one of its roles. It reads an order a line and answers with a line.
final class Child {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()
    private let role: String
    /// Milliseconds to wait for an answer.
    private static let patience: CInt = 120_000

    /// Starts the role and waits until it is ready.
    init(_ role: String, _ arguments: String...) throws {
        self.role = role
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [role] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        _ = try answer()
    }

    /// Gives an order and waits for the answer.
    @discardableResult
    func ask(_ order: String) throws -> Answer {
        try begin(order)
        return try answer()
    }

    /// Gives an order; its answer is read later.
    func begin(_ order: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((order + "\n").utf8))
    }

    /// The next answer.
    func answer() throws -> Answer {
        let line = try line()
        guard !line.hasPrefix("error ") else { throw BenchmarkError("\(role): \(line.dropFirst(6))") }
        var answer: Answer = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=")
            if parts.count == 2 { answer[String(parts[0])] = Double(parts[1]) }
        }
        return answer
    }

    private func line() throws -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread = unread[(end + 1)...] }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            var descriptor = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&descriptor, 1, Child.patience) > 0 else {
                throw BenchmarkError("\(role) did not answer within \(Child.patience / 1000) seconds")
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw BenchmarkError("\(role) ended too early") }
            unread += more
        }
    }

    /// Ends the process without a word, as a crash would, and waits until it is gone.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

extension Answer {
    /// A number that must be there.
    func number(_ name: String) throws -> Double {
        guard let number = self[name] else { throw BenchmarkError("no \(name) in an answer") }
        return number
    }
}

/// The other end: reads orders until there are no more. The process ends then, whatever it is waiting for.
struct OrderLoop {
    /// Says that the role is ready, then answers order by order.
    func run(_ perform: (_ verb: String, _ words: [String]) async throws -> Answer) async {
        let (lines, feed) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            while let line = readLine() { feed.yield(line) }
            exit(0)
        }
        say("ready=1")
        for await line in lines {
            let words = line.split(separator: " ").map(String.init)
            guard let verb = words.first else { continue }
            do {
                let answer = try await perform(verb, Array(words.dropFirst()))
                say(answer.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
            } catch {
                say("error \("\(error)".split(separator: "\n").joined(separator: " "))")
            }
        }
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

import SMTPFixtures
import Synchronization

/// Clients that send mail to a Postfix under TLS, message after message, each in a session of its own.
package final class MailLoad: Sendable {
    /// Sessions that ended as they should.
    package struct Count: Sendable {
        package var sessions = 0
        /// What went wrong in the others.
        package var failures: [String] = []
    }

    private let state = Mutex((count: Count(), isOver: false))

    /// Runs a body while three clients send mail.
    package static func during(_ lab: PostfixLab, _ body: () async throws -> Void) async throws -> Count {
        let load = MailLoad()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 2...4 {
                tasks.addTask { await load.send(to: lab.address, from: "\(lab.network).\(number)") }
            }
            defer { load.state.withLock { $0.isOver = true } }
            try await body()
        }
        return load.state.withLock { $0.count }
    }

    private func send(to address: String, from source: String) async {
        while !state.withLock({ $0.isOver }) {
            do {
                let peer = try await Peer.connect(to: address, from: source)
                _ = try await peer.secure()
                for line in ["MAIL FROM:<a@sender.test>", "RCPT TO:<u@inbound.test>", "DATA"] { try await peer.say(line) }
                guard try await peer.say("Subject: test\r\n\r\ntest\r\n.").last?.hasPrefix("250") == true else { throw Peer.Closed() }
                await peer.close()
                state.withLock { $0.count.sessions += 1 }
            } catch {
                state.withLock { $0.count.failures.append("\(error)") }
            }
        }
    }
}

import ClusterModel
import Foundation
package import Gateways
import Glibc
import Logging
import NIOPosix
import SMTPFixtures
import Subprocess
import SystemPackage

/// A real Postfix instance with directories and addresses of its own, driven by the gateway under test.
package struct PostfixLab: Sendable {
    /// Its own network within 127.0.0.0/8, so that several run side by side.
    package let network: String
    package let root: String
    package let gateway: PostfixGateway

    /// Whether this process may run Postfix. CI must: there it is tried, and fails if it cannot.
    package static var isPossible: Bool {
        // CI must.
        unsafe getenv("CI") != nil || geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/sbin/postfix")
    }

    package var configuration: String { "\(root)/etc" }
    /// Where its listeners are.
    package var address: String { "\(network).1" }

    /// Runs the body beside an instance that is not started yet; nothing is left of it afterwards.
    ///
    /// `main` are hand-made settings besides those that every instance here has. With `resolver`, Postfix asks that server for names.
    package static func with<Result>(main: String = "", resolver: String? = nil, _ body: (PostfixLab) async throws -> Result) async throws
        -> Result
    {
        let network = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250))"
        // Short, for sockets lie below it, and with nothing in it that means something in Postfix's files.
        let root = "/tmp/muster-postfix-\(UInt32.random(in: 0 ... .max))"
        let manager = FileManager.default
        defer { try? manager.removeItem(atPath: root) }
        try manager.createDirectory(atPath: "\(root)/etc", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        // Postfix makes all else that it needs.
        try manager.createDirectory(atPath: "\(root)/queue", withIntermediateDirectories: false)
        try (PostfixLab.usual(root) + (resolver == nil ? "smtpd_peername_lookup = no\nsmtp_dns_support_level = disabled\n" : "") + main)
            .write(toFile: "\(root)/etc/main.cf", atomically: false, encoding: .utf8)
        let commands = try commands(below: root, resolver: resolver)
        let options = try PostfixOptions(["config-dir": "\(root)/etc", "command-dir": commands])
        let lab = PostfixLab(network: network, root: root, gateway: PostfixLab.gateway(options))
        do {
            let result = try await body(lab)
            await lab.postfix("stop")
            return result
        } catch {
            await lab.postfix("stop")
            throw error
        }
    }

    /// Another gateway on the same instance, as after a restart of the agent.
    package func another(commands: String = "/usr/sbin") throws -> PostfixGateway {
        PostfixLab.gateway(try PostfixOptions(["config-dir": configuration, "command-dir": commands]))
    }

    /// Postfix's commands, but `reload` has its processes read the first generation, whatever was switched to, and says that it worked.
    package func commandsThatReadTheFirst() throws -> String {
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root)/idle", withIntermediateDirectories: true)
        for command in ["postconf", "postmap"] {
            try manager.createSymbolicLink(atPath: "\(root)/idle/\(command)", withDestinationPath: "/usr/sbin/\(command)")
        }
        try "#!/bin/sh\n[ \"$3\" = reload ] && ln -sfn gen/1 \(configuration)/current\nexec /usr/sbin/postfix \"$@\"\n".write(
            toFile: "\(root)/idle/postfix", atomically: false, encoding: .utf8)
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root)/idle/postfix")
        return "\(root)/idle"
    }

    private static func gateway(_ options: PostfixOptions) -> PostfixGateway {
        PostfixGateway(
            options, group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func usual(_ root: String) -> String {
        """
        compatibility_level = 3.6
        queue_directory = \(root)/queue
        data_directory = \(root)/data
        maillog_file_prefixes = \(root)
        maillog_file = \(root)/log
        mynetworks = 127.0.0.0/8
        mydestination = inbound.test
        local_recipient_maps =
        local_transport = discard

        """
    }

    /// Postfix's commands. With a resolver, its processes get a list of resolvers of their own, as nothing else makes them ask another.
    private static func commands(below root: String, resolver: String?) throws -> String {
        guard let resolver else { return "/usr/sbin" }
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root)/sbin", withIntermediateDirectories: true)
        try "nameserver \(resolver)\n".write(toFile: "\(root)/resolv.conf", atomically: false, encoding: .utf8)
        for command in ["postconf", "postmap"] {
            try manager.createSymbolicLink(atPath: "\(root)/sbin/\(command)", withDestinationPath: "/usr/sbin/\(command)")
        }
        let script = """
            #!/bin/sh
            exec unshare -m sh -c 'mount --bind \(root)/resolv.conf /etc/resolv.conf && exec /usr/sbin/postfix "$@"' postfix "$@"

            """
        try script.write(toFile: "\(root)/sbin/postfix", atomically: false, encoding: .utf8)
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root)/sbin/postfix")
        return "\(root)/sbin"
    }

    @discardableResult
    package func postfix(_ command: String) async -> Bool {
        let result = try? await run(
            .path("/usr/sbin/postfix"), arguments: ["-c", configuration, command], output: .discarded, error: .discarded)
        return result?.terminationStatus.isSuccess ?? false
    }

    /// Hands it a message for each recipient.
    package func send(to recipients: [String]) async throws {
        let peer = try await Peer.connect(to: address, from: "\(network).2")
        _ = try await peer.reply()
        try await peer.say("EHLO client.test")
        for recipient in recipients {
            for line in ["MAIL FROM:<a@sender.test>", "RCPT TO:<\(recipient)>", "DATA"] { try await peer.say(line) }
            let answer = try await peer.say("Subject: test\r\n\r\ntest\r\n.").last ?? ""
            guard answer.hasPrefix("250") else { throw NotSeen(description: "the message was not taken: \(answer)") }
        }
        await peer.close()
    }

    // MARK: - What it says

    package func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: "\(root)/\(path)").map { String(decoding: $0, as: UTF8.self) }
    }

    package func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(path)")) ?? []).sorted()
    }

    package struct NotSeen: Error, CustomStringConvertible {
        package var description: String
    }

    /// The first line of the log that a test waits for, within half a minute.
    package func logged(_ what: String, times: Int = 1, _ isIt: (String) -> Bool) async throws -> String {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(30))
        while true {
            let lines = (read("log") ?? "").split(separator: "\n").map(String.init).filter(isIt)
            if lines.count >= times { return lines[times - 1] }
            guard clock.now < deadline else {
                throw NotSeen(description: "not in the log: \(what)\n\((read("log") ?? "").suffix(4000))")
            }
            try await clock.sleep(for: .milliseconds(20))
        }
    }

    /// Waits until something is so, half a minute at most.
    package func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(30))
        while try await !isSo() {
            guard clock.now < deadline else { throw NotSeen(description: "still not so: \(what)\n\((read("log") ?? "").suffix(4000))") }
            try await clock.sleep(for: .milliseconds(20))
        }
    }

    /// Ends the main process without a word, as if it had crashed.
    package func killMaster() throws {
        guard let process = Int32((read("queue/pid/master.pid") ?? "").filter(\.isNumber)) else {
            throw NotSeen(description: "the number of the main process")
        }
        kill(process, SIGKILL)
    }

    /// What the log says of the certificate that a message was delivered under: the last word on TLS of the process that sent it.
    package func verdict(on recipient: String) -> String? {
        let lines = (read("log") ?? "").split(separator: "\n")
        func process(_ line: Substring) -> Substring? { line.split(separator: " ").first { $0.contains("/smtp[") } }
        func isDelivery(_ line: Substring) -> Bool { line.contains("to=<") && line.contains("status=") }
        guard let end = lines.firstIndex(where: { $0.contains("to=<\(recipient)>") && $0.contains("status=sent") }) else { return nil }
        let before = lines[..<end].filter { process($0) == process(lines[end]) }.reversed().prefix { !isDelivery($0) }
        guard let line = before.first(where: { $0.contains(" TLS connection established to ") }),
            let start = line.ranges(of: "]: ").first?.upperBound
        else { return nil }
        return String(line[start...].prefix { $0 != " " })
    }

    /// What became of a message to an address: the status, with its reason, in the words of the log.
    package func outcome(of recipient: String, attempt: Int = 1) async throws -> String {
        let line = try await logged("attempt \(attempt) for \(recipient)", times: attempt) {
            $0.contains("to=<\(recipient)>") && $0.contains("status=")
        }
        return String(line[(line.ranges(of: "status=").first?.upperBound ?? line.startIndex)...])
    }
}

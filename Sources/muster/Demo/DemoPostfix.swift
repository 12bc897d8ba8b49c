import ClusterModel
import Subprocess

import FoundationEssentials
import Glibc
import SystemPackage

/// A Postfix instance of the demo: all that it has lies below one directory, and it takes mail in to throw it away.
struct DemoPostfix: Sendable {
    let directory: String

    var configuration: String { "\(directory)/etc" }
    var log: String { "\(directory)/log" }

    private static let commands = "/usr/sbin"

    /// Refuses where no instance can be run: who asks, what is missing, a place that Postfix cannot use.
    static func check(below place: String) throws(Refusal) {
        var obstacles: [String] = []
        let missing = ["postfix", "postconf", "postmap"].filter { !FileManager.default.isExecutableFile(atPath: "\(commands)/\($0)") }
        if !missing.isEmpty {
            obstacles.append(
                "Postfix is not installed: \(commands) has no \(missing.joined(separator: ", ")). Install the package: apt-get install postfix"
            )
        }
        if geteuid() != 0 {
            obstacles.append("Postfix obeys root only. Run the demo as root: sudo \(CommandLine.arguments.joined(separator: " "))")
        }
        if let obstacle = obstacle(of: place) { obstacles.append(obstacle) }
        guard obstacles.isEmpty else {
            throw Refusal(
                .invalid, "The demo cannot run Postfix here; without --gateway postfix it needs none.", details: obstacles)
        }
    }

    /// Postfix's files give a meaning to some characters of a path, its sockets want it short, and its processes are not root's.
    private static func obstacle(of place: String) -> String? {
        let isPlain = place.utf8.allSatisfy { byte in
            "/._-".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        var isOpen = true
        var path = place
        while path.count > 1 {
            var facts = stat()
            isOpen = unsafe isOpen && stat(path, &facts) == 0 && facts.st_mode & 0o001 != 0
            path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        }
        if isPlain, isOpen, place.utf8.count <= longestPlace { return nil }
        return
            "Postfix can have nothing below \(place): the path must be short and plain, and all may pass through it. Name another: TMPDIR=/tmp"
    }

    /// A socket's path has 107 bytes at most, and the longest below an instance takes some 50.
    private static let longestPlace = 55

    /// Makes it; the agent starts it.
    func layOut(for machine: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: configuration, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        // Postfix makes all else that it needs.
        try manager.createDirectory(atPath: "\(directory)/queue", withIntermediateDirectories: false)
        let settings = """
            # The Postfix of \(machine) in a demo of Muster. It asks no DNS, and mail that comes in goes nowhere.
            compatibility_level = 3.6
            queue_directory = \(directory)/queue
            data_directory = \(directory)/data
            maillog_file_prefixes = \(directory)
            maillog_file = \(log)
            mynetworks = 127.0.0.0/8
            mydestination =
            default_transport = discard
            relay_transport = discard
            alias_maps =
            alias_database =
            smtpd_peername_lookup = no
            smtp_dns_support_level = disabled

            """
        try settings.write(toFile: "\(configuration)/main.cf", atomically: false, encoding: .utf8)
    }

    /// The command line that has it do something.
    func command(_ word: String) -> String { "\(DemoPostfix.commands)/postfix -c \(configuration) \(word)" }

    /// Stops it if it runs; false when it still does.
    func stop() async -> Bool {
        // One that cannot be looked at was never laid out.
        guard FileManager.default.fileExists(atPath: configuration) else { return true }
        for word in ["stop", "stop", "abort"] {
            guard await isDone("status") else { return true }
            _ = await isDone(word)
        }
        return await !isDone("status")
    }

    private func isDone(_ word: String) async -> Bool {
        // A command that cannot be run has done nothing. It goes on when the demo is told to stop: it is part of stopping.
        let status = await Task { [configuration] in
            try? await Subprocess.run(
                .path(FilePath("\(DemoPostfix.commands)/postfix")), arguments: ["-c", configuration, word], input: .none,
                output: .discarded, error: .discarded
            ).terminationStatus
        }.value
        return status?.isSuccess == true
    }
}

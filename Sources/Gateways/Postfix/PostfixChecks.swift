import ClusterModel
import Glibc

/// Looks at a generation on the disk with Postfix's own programs before anything is switched to it.
struct PostfixChecks: Sendable {
    let tools: PostfixTools
    let store: PostfixStore

    /// Where Postfix keeps the programs that it runs.
    func programs(in generation: String) async throws(Refusal) -> String {
        let answer = try await tools.ask("postconf", ["-c", generation, "-h", "daemon_directory"])
        guard answer.isFine, let line = answer.output.split(separator: "\n").first else {
            throw Refusal(.invalid, "Postfix cannot read the configuration.", details: answer.errorLines.map(PostfixChecks.told))
        }
        return String(line)
    }

    /// Everything that Postfix's programs have against a plan that lies in a directory.
    func objections(to plan: PostfixPlan, in generation: String, programs: String) async throws(Refusal) -> (
        reasons: [String], remarks: [String]
    ) {
        var reasons: [String] = []
        var remarks: [String] = []
        for kind in ["-n", "-M"] {
            let answer = try await tools.ask("postconf", ["-c", generation, kind])
            let lines = answer.errorLines.map(PostfixChecks.told)
            if answer.isFine { remarks += lines } else { reasons += lines.isEmpty ? ["postconf \(kind) fails"] : lines }
        }
        guard reasons.isEmpty else { return (reasons, remarks) }
        for table in plan.tables { reasons += try await objections(to: table, in: generation) }
        reasons += try await fatalities(of: plan, in: generation, programs: programs)
        return (reasons, remarks)
    }

    /// Whether each key of a table leads to what it should. A line that Postfix skips, as it does with networks it cannot read, would
    /// leave a group without its policy.
    private func objections(to table: PostfixPlan.Table, in generation: String) async throws(Refusal) -> [String] {
        guard !table.answers.isEmpty else { return [] }
        let keys = table.answers.keys.sorted()
        let answer = try await tools.ask(
            "postmap", ["-c", generation, "-q", "-", "\(table.type):\(generation)/\(table.file)"],
            input: keys.map { $0 + "\n" }.joined())
        var found: [String: String] = [:]
        for line in answer.output.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            if parts.count == 2 { found[parts[0]] = parts[1] }
        }
        return answer.errorLines.map { "\(table.file): \(PostfixChecks.told($0))" }
            + keys.filter { found[$0] != table.answers[$0] }.map { "\(table.file): Postfix does not find what \($0) leads to" }
    }

    /// What ends Postfix's SMTP server at its start, listener by listener: there is no other way to hear of it than its log.
    private func fatalities(of plan: PostfixPlan, in generation: String, programs: String) async throws(Refusal) -> [String] {
        let folder = "\(store.directory)/check"
        let log = CheckLog(folder: folder)
        defer { log.close() }
        try log.prepare(plan, generation: generation)
        var reasons: [String] = []
        let runs: [(name: String, options: [PostfixProcess.Option])] =
            plan.listeners.isEmpty ? [("smtpd", [])] : plan.listeners.map { ("listener/\($0.name)", $0.process.options) }
        for listener in runs {
            let options = listener.options.flatMap { ["-o", "\($0.name)=\($0.value)"] }
            let (answer, lines) = try await heard(log) { () throws(Refusal) in
                try await tools.ask("\(programs)/smtpd", ["-S"] + options, configuration: folder)
            }
            guard !answer.isFine else { continue }
            let told = lines.filter { $0.contains("fatal") || $0.contains("panic") }.map(PostfixChecks.told)
            reasons += (told.isEmpty ? ["Postfix's SMTP server does not start; see its log"] : told).map { "\(listener.name): \($0)" }
        }
        return Array(Set(reasons)).sorted()
    }

    /// What a program logs while it runs. It waits when nobody hears it.
    private func heard<Answer: Sendable>(
        _ log: CheckLog, _ body: @escaping @Sendable () async throws(Refusal) -> Answer
    ) async throws(Refusal) -> (Answer, [String]) {
        let listening = Task { [clock = tools.clock] in
            var lines: [String] = []
            repeat { lines += log.lines() } while (try? await clock.sleep(for: .milliseconds(10))) != nil  // cancelled: it has ended
            return lines + log.lines()
        }
        defer { listening.cancel() }
        let answer = try await body()
        listening.cancel()
        return (answer, await listening.value)
    }

    /// What a program said, without its own name.
    private static func told(_ line: String) -> String {
        var line = line[...]
        for word in ["fatal: ", "warning: ", "error: "] {
            if let range = line.ranges(of: word).first { line = line[range.upperBound...] }
        }
        return String(line.prefix(Limits.reasonLength))
    }
}

/// A directory in which a program of Postfix can be started for a look, with a socket in the place of its log.
private struct CheckLog: DurableDirectory {
    let directory: String
    private let socket: Int32

    static let directoryMode = PostfixStore.directoryMode
    static let fileMode = PostfixStore.fileMode
    static let age = PostfixStore.age

    init(folder: String) {
        directory = folder
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    }

    /// The generation's parameters, but for where the log goes: without a socket its words would get lost in the log of the instance.
    func prepare(_ plan: PostfixPlan, generation: String) throws(Refusal) {
        var parameters = try PostfixParameters(parsing: plan.files["main.cf"]?.text ?? "")
        // Tables behind Postfix's own process for them, which is not there: nothing is looked up.
        for name in parameters.names {
            let words = parameters[name]?.split(separator: " ") ?? []
            parameters[name] = words.map { $0.hasPrefix("proxy:") ? "static:none" : String($0) }.joined(separator: " ")
        }
        parameters["local_recipient_maps"] = "static:none"
        let queue = parameters["queue_directory"] ?? "/var/spool/postfix"
        parameters["queue_directory"] = directory
        parameters["maillog_file"] = "\(directory)/log"
        parameters["maillog_file_prefixes"] = directory
        try remove("")
        try makeDirectory("")
        try makeDirectory("public")
        // Where Postfix runs, its own process for TLS answers there: without one, each look waits a second for it and leaves TLS out.
        try link("private", to: "\(queue)/private")
        try create("main.cf", parameters.text)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(directory)/public/postlog".utf8)
        // Below a path that is too long for a socket nothing is heard, and the answer is less clear.
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// What was said since the last look.
    func lines() -> [String] {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return lines }
            lines.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
    }

    func close() {
        _ = Glibc.close(socket)
        // What is left is removed at the next look.
        try? remove("")
    }
}

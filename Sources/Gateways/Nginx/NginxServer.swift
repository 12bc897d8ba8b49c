import ClusterModel
import FoundationEssentials
import Glibc

/// One nginx, told of generations: checked by its own program, then reloaded, or started when it does not run.
struct NginxServer: GenerationServer {
    let program: LocalProgram
    let folder: GenerationFolder
    let processes: NginxProcesses
    let quotation: Quotation
    let clock: any Clock<Duration>
    /// How long its log was before the change.
    let logSize: Int

    /// Milliseconds between two looks at its processes.
    private static let pause = 20

    init(_ options: NginxOptions, folder: GenerationFolder, quotation: Quotation, clock: any Clock<Duration>) {
        program = LocalProgram(path: options.command, seconds: Limits.nginxCommandSeconds, clock: clock)
        self.folder = folder
        self.quotation = quotation
        self.clock = clock
        processes = NginxProcesses(configuration: "\(options.directory)/current/nginx.conf", run: "\(options.directory)/run")
        logSize = NginxServer.log(processes.run).count
    }

    /// The modules that this nginx was built without. Refuses one that cannot serve TLS.
    func missingModules() async throws(Refusal) -> Set<String> {
        let ending = try await program.run(["-V"])
        guard ending.isFine, ending.output.contains("--with-http_ssl_module") else {
            throw Refusal(
                .unavailable, "\(program.path) cannot serve HTTPS: it was built without http_ssl_module, or is no nginx.",
                details: ending.isFine ? [] : quotation.lines(of: ending.output))
        }
        return Set(NginxPlan.modules.filter { ending.output.contains("--without-http_\($0)_module") })
    }

    func check(_ number: Int, over serving: Int?) async throws(Refusal) {
        let ending = try await program.run(["-t", "-q", "-c", "\(folder.path(of: number))/nginx.conf"])
        var reasons = ending.isFine ? [] : quotation.lines(of: ending.output).filter { !$0.hasSuffix("test failed") }
        if !ending.isFine, reasons.isEmpty { reasons = ["nginx -t \(ending.description(seconds: program.seconds))"] }
        // Its own check passes over ports that are in use, which may be its own.
        let isOurs = processes.master != nil || !processes.orphans.isEmpty
        let held = isOurs ? serving.map { Set(places(in: $0)) } ?? [] : []
        for endpoint in places(in: number) where !held.contains(endpoint) {
            if let reason = endpoint.reasonAgainstListening { reasons.append("https at \(endpoint): \(reason)") }
        }
        guard reasons.isEmpty else {
            throw Refusal(.invalid, "nginx cannot use the configuration; the one before stays in force.", details: reasons)
        }
    }

    func take(_ number: Int?, over before: Int?) async throws(Refusal) {
        let wanted = number.map { places(in: $0) } ?? []
        guard let master = processes.master else {
            // With nothing to serve there is nothing to start.
            return wanted.isEmpty ? () : try await start()
        }
        guard number != nil else {
            _ = kill(master, SIGQUIT)
            return
        }
        let old = Set(processes.workers(of: master).filter { !$0.isLeaving }.map(\.id))
        _ = kill(master, SIGHUP)
        try await wait { [processes] in
            let now = processes.workers(of: master).filter { !$0.isLeaving }.map(\.id)
            return !now.isEmpty && old.isDisjoint(with: now)
        }
    }

    func isRunning() async -> Bool {
        processes.master != nil || folder.current.map { places(in: $0).isEmpty } ?? true
    }

    func words() -> [String] {
        let said = String(decoding: NginxServer.log(processes.run).dropFirst(logSize), as: UTF8.self)
        let grave = said.split(separator: "\n").filter { line in ["[emerg]", "[alert]", "[crit]", "[error]"].contains { line.contains($0) }
        }
        return quotation.lines(of: grave.joined(separator: "\n")).map { "nginx says: \($0)" }
    }

    private func start() async throws(Refusal) {
        for orphan in processes.orphans { _ = kill(orphan.id, SIGQUIT) }
        let ending = try await program.run(["-c", processes.configuration])
        guard ending.isFine else {
            throw Refusal(
                .unavailable, "nginx cannot be started: it \(ending.description(seconds: program.seconds)).",
                details: quotation.lines(of: ending.output).map { "nginx says: \($0)" })
        }
        try await wait { [processes] in processes.master.map { !processes.workers(of: $0).isEmpty } ?? false }
    }

    /// Waits until its processes are as they should be, or throws what it says when they do not come to it.
    private func wait(until isDone: @Sendable () -> Bool) async throws(Refusal) {
        var left = Limits.serviceSightSeconds * 1000 / NginxServer.pause
        while !isDone() {
            left -= 1
            // Interrupted means that nobody waits any more.
            guard left > 0, (try? await clock.sleep(for: .milliseconds(NginxServer.pause))) != nil, !words().contains(where: isEmergency)
            else {
                throw Refusal(.wouldBreak, "nginx does not take the configuration; the one before is in force.", details: words())
            }
        }
    }

    /// Whether nginx gave up over it. A port that it cannot have yet it tries again, and says at the end that it could not.
    private func isEmergency(_ line: String) -> Bool {
        line.contains("[emerg]") && (!line.contains(" bind() ") || line.contains("still could not bind"))
    }

    /// Where a generation listens, by what nginx reads.
    private func places(in number: Int) -> [Endpoint] {
        (folder.text(of: "nginx.conf", number) ?? "").split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "listen", let colon = words[1].lastIndex(of: ":"),
                let port = Int(words[1][words[1].index(after: colon)...])
            else { return nil }
            let address = words[1][..<colon].filter { !"[]".contains($0) }
            return IPAddress(address).map { Endpoint(address: $0, port: port) }
        }
    }

    private static func log(_ run: String) -> Data { FileManager.default.contents(atPath: "\(run)/error.log") ?? Data() }
}

import ClusterModel
import FoundationEssentials
import Glibc
import SeededRandomness
import Testing

/// How long the faults last, and the seed that they come from.
///
/// In CI they last a little longer than the silence after which a peer counts as gone. For longer:
/// `MUSTER_HOSTILE_SECONDS=900 swift test --filter HostileNetworkTests`; `MUSTER_HOSTILE_SEED` repeats the choice of faults.
private struct Terms {
    var seconds = 95
    var seed = UInt64.random(in: 1...999_999)

    static let shared: Terms = {
        var terms = Terms()
        let environment = ProcessInfo.processInfo.environment
        if let seconds = environment["MUSTER_HOSTILE_SECONDS"].flatMap(Int.init) { terms.seconds = max(95, seconds) }
        if let seed = environment["MUSTER_HOSTILE_SEED"].flatMap(UInt64.init) { terms.seed = seed }
        return terms
    }()

    /// Bounds the whole test: to come up, to suffer, to converge.
    var minutes: Int { seconds / 60 + 8 }
}

/// Says something to whoever runs the tests.
func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

@Suite(
    "Real agents and a real manager on a hostile network", .serialized,
    .enabled(if: Lab.isPossible, "network namespaces need root and /dev/net/tun"))
struct HostileNetworkTests {
    private let terms = Terms.shared

    @Test(.timeLimit(.minutes(Terms.shared.minutes)))
    func `whatever happens, what is served was meant, synced means proved, and all converge`() async throws {
        say("hostile network: seed \(terms.seed), \(terms.seconds) s of faults")
        try await Cluster.with(agents: ["mx1", "mx2", "mx3", "mx4", "mx5"], seed: terms.seed) { cluster, chronicle in
            #expect(!cluster.manager.text.contains("clockSkew"))
            let conductor = Conductor(cluster, chronicle, seed: terms.seed)
            let observers = Observers(cluster: cluster, chronicle: chronicle, conductor: conductor)
            conductor.begin()
            try await suffer(cluster, chronicle, conductor, observers)
            try await conductor.healAll()
            try await converge(cluster, chronicle)
            try await expectAnswersKept(cluster, chronicle)
            say("hostile network: \(chronicle.tally.text); frames: \(cluster.lab.cables.tally.text)")
            let story = chronicle.findings.isEmpty ? "" : chronicle.lines.suffix(200).joined(separator: "\n")
            #expect(chronicle.findings.isEmpty, "seed \(terms.seed)\n\(story)\n\(cluster.manager.text.suffix(4000))")
        }
    }

    /// Faults, changes and eyes, all at once, until the time is over.
    private func suffer(_ cluster: Cluster, _ chronicle: Chronicle, _ conductor: Conductor, _ observers: Observers) async throws {
        let end = ContinuousClock.now + .seconds(terms.seconds)
        let scripts = scripts(isLong: terms.seconds > 300)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, script) in scripts {
                guard let node = cluster.lab.nodes[name] else { continue }
                group.addTask { try await conductor.play(script, on: node, until: end) }
            }
            for agent in cluster.agents.values { group.addTask { try await observers.watchService(of: agent, until: end) } }
            group.addTask { try await observers.commit(until: end) }
            group.addTask { try await observers.watchList(until: end) }
            if let agent = cluster.agents["mx2"] {
                group.addTask { try await Departure(cluster: cluster, chronicle: chronicle).play(agent, after: .seconds(5)) }
            }
            try await group.waitForAll()
        }
    }

    /// What every run has, machine by machine, and chance behind it.
    private func scripts(isLong: Bool) -> [String: [Episode]] {
        let silence = Duration.seconds(Limits.silenceSeconds + 15)
        var scripts: [String: [Episode]] = [
            // A running machine's clock goes wrong; when the manager is back, it must say so.
            "mx1": [Episode(after: .seconds(1), fault: .clock(600), lasting: .seconds(20))],
            "manager": [
                Episode(after: .seconds(3), fault: .kill, lasting: .seconds(2)),
                Episode(after: .seconds(14), fault: .clock(-1800), lasting: .seconds(6)),
                Episode(after: .seconds(4), fault: .pause, lasting: .seconds(5)),
            ],
            "mx3": [Episode(after: .seconds(2), fault: .cut(from: true, to: false), lasting: .seconds(8))],
            // Longer than a connection may be silent, and begun when the manager is back and hears them.
            "mx4": [Episode(after: .seconds(15), fault: .linkDown, lasting: silence)],
            "mx5": [Episode(after: .seconds(16), fault: .pause, lasting: silence)],
            "mx2": [], "admin": [],
        ]
        var dice = SplitMix64(seed: terms.seed)
        let troubled = isLong ? ["mx1", "mx2", "mx3", "mx4", "mx5", "manager"] : ["mx1", "mx3"]
        for name in troubled {
            scripts[name, default: []] += (0..<terms.seconds).map { _ in
                var episode = Episode.random(&dice, isLongAllowed: isLong)
                // A manager that is in trouble all the time proves nothing.
                if name == "manager" { episode.after += .seconds(dice.between(10, 60)) }
                return episode
            }
        }
        return scripts
    }

    /// After the last fault every machine is synced in bounded time: silence is noticed, and the longest wait for a connection is over.
    private func converge(_ cluster: Cluster, _ chronicle: Chronicle) async throws {
        let start = ContinuousClock.now
        var machines: [JSONValue] = []
        let synced: Bool? = try await poll(within: .seconds(120), every: .milliseconds(500)) {
            machines = try await cluster.machines() ?? []
            return machines.count == cluster.agents.count && machines.allSatisfy { $0["state"]?.text == "synced" } ? true : nil
        }
        let words = machines.map { "\($0["name"]?.text ?? ""): \($0["state"]?.text ?? ""), \($0["reasons"]?.canonicalText ?? "")" }
        if synced != true { chronicle.found("not all converged: \(words)") }
        say("hostile network: converged in \(ContinuousClock.now - start)")
        for (name, agent) in cluster.agents {
            let target = machines.first { $0["name"]?.text == name }?["services"]?.items?.first { $0["service"]?.text == "listener/public" }
            let seen = try await cluster.served(by: agent.node)
            if seen == nil || seen != target?["fingerprint"]?.text {
                chronicle.found("\(name) serves something else than its target in the end")
            }
            if (seen.flatMap(chronicle.age) ?? -1) < (chronicle.newestAnswered ?? 0) {
                chronicle.found("\(name) serves an old certificate in the end")
            }
        }
    }

    /// Every answered commit is in the history under its revision, and the log is whole.
    private func expectAnswersKept(_ cluster: Cluster, _ chronicle: Chronicle) async throws {
        let kept = try await cluster.history()
        for change in chronicle.changes {
            guard let revision = change.revision else { continue }
            if !kept.contains("\(revision) \(change.comment)") {
                chronicle.found("revision \(revision), \(change.comment), was answered and is lost")
            }
        }
        let verification = try await cluster.run(["audit", "verify"], seconds: 90)
        #expect(verification.isGood, "\(verification.output)\(verification.error)")
        #expect(cluster.manager.text.contains("clockSkew"), "a clock was off by ten minutes, and no alarm was raised")
        #expect(chronicle.tally.counts["silent machines seen offline", default: 0] > 0)
        #expect(chronicle.tally.counts["commits answered", default: 0] > 0)
        #expect(chronicle.tally.counts["returns", default: 0] > 0)
    }
}

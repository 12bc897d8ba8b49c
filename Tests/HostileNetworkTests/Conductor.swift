import ClusterModel
import SeededRandomness
import Synchronization

/// Makes faults happen to the machines of a cluster, and takes them back.
final class Conductor: Sendable {
    private let cluster: Cluster
    private let chronicle: Chronicle
    /// The weather between faults, which is never quite fair.
    private let usual: [Node: Weather]
    /// When a manager must have noticed that it does not hear a machine.
    private let silent = Mutex<[String: ContinuousClock.Instant]>([:])
    private let managerIsWellSince = Mutex(ContinuousClock.now)

    init(_ cluster: Cluster, _ chronicle: Chronicle, seed: UInt64) {
        self.cluster = cluster
        self.chronicle = chronicle
        var dice = SplitMix64(seed: seed)
        usual = Dictionary(
            uniqueKeysWithValues: cluster.lab.nodes.values.sorted { $0.port < $1.port }.map { ($0, Weather.bad(&dice)) })
    }

    func begin() {
        for (node, weather) in usual { set(weather, node) }
    }

    private func set(_ weather: Weather, _ node: Node) {
        cluster.lab.set(weather, from: node)
        cluster.lab.set(weather, to: node)
    }

    /// Everything is well again, whatever went on.
    func healAll() async throws {
        for node in cluster.lab.nodes.values { set(.fair, node) }
    }

    private func server(of node: Node) -> Server? {
        node == cluster.manager.node ? cluster.manager : cluster.agents[node.name]
    }

    /// Lets faults happen to one machine, one after the other, until the time is over.
    func play(_ episodes: some Sequence<Episode>, on node: Node, until end: ContinuousClock.Instant) async throws {
        for episode in episodes {
            guard ContinuousClock.now + episode.after < end else { return }
            try await pass(episode.after)
            try await play(episode, on: node, until: end)
        }
    }

    private func play(_ episode: Episode, on node: Node, until end: ContinuousClock.Instant) async throws {
        chronicle.note("\(node.name): \(episode.fault), for \(episode.lasting)")
        chronicle.count(episode.fault.kind)
        if let seconds = episode.fault.silenceSeconds {
            silent.withLock { $0[node.name] = .now + .seconds(seconds + Conductor.patience) }
        }
        try await begin(episode.fault, on: node)
        try await pass(min(episode.lasting, end - .now))
        silent.withLock { $0[node.name] = nil }
        try await stop(episode.fault, on: node)
        chronicle.note("\(node.name): over")
    }

    private func begin(_ fault: Fault, on node: Node) async throws {
        switch fault {
        case .weather(let weather): set(weather, node)
        case .cut(let from, let to):
            if from { cluster.lab.set(.cut, from: node) }
            if to { cluster.lab.set(.cut, to: node) }
        case .linkDown: try await cluster.lab.set(node, isUp: false)
        case .pause: server(of: node)?.pause()
        case .clock(let seconds): try server(of: node)?.setClock(off: seconds)
        case .kill: await server(of: node)?.kill()
        }
    }

    private func stop(_ fault: Fault, on node: Node) async throws {
        switch fault {
        case .weather, .cut: set(usual[node] ?? .fair, node)
        case .linkDown: try await cluster.lab.set(node, isUp: true)
        case .pause: server(of: node)?.proceed()
        case .clock: try server(of: node)?.setClock(off: 0)
        case .kill: try await server(of: node)?.start()
        }
        if node == cluster.manager.node { managerIsWellSince.withLock { $0 = .now } }
    }

    /// Machines that a manager has not heard for longer than it may wait for a word: they must be offline.
    var overdue: Set<String> {
        // A manager that was away itself has to notice first.
        guard ContinuousClock.now - managerIsWellSince.withLock({ $0 }) > .seconds(Conductor.patience) else { return [] }
        return silent.withLock { silent in
            guard silent["manager"] == nil else { return [] }
            return Set(silent.filter { ContinuousClock.now > $0.value }.keys)
        }
    }

    /// Seconds that a busy machine may take to notice.
    private static let patience = 8
}

import ClusterModel
import Replication

/// A machine: a disk, a gateway, and an agent that performs what the follower decides. Any change of the disk may be its last.
final class SimulatedMember {
    unowned let world: SimulatedWorld
    let id: MembershipID
    let disk = SimulatedDisk()
    let gateway: SimulatedGateway
    /// What the process holds; nil while it is down, and for good once the machine is standalone.
    private(set) var follower: Follower?
    private(set) var isStandalone = false
    private var connection: ConnectionID?
    private var incarnation = 0
    private var laidOut: Int?
    private var saidSeen = 0

    init(world: SimulatedWorld, id: MembershipID, refusesPoison: Bool) {
        self.world = world
        self.id = id
        gateway = SimulatedGateway(world: world, refusesPoison: refusesPoison)
        disk.beforeChange = { [unowned world] in
            if world.happens(4) { throw Crash() }
            if world.happens(2) { throw DiskFull() }
        }
    }

    var isUp: Bool { follower != nil }
    var mayCrash: Bool { isUp && !isStandalone }

    // MARK: - The process

    func start() {
        guard disk.read("standalone") == nil else { return isStandalone = true }
        incarnation += 1
        var memory = Follower.Memory()
        if let bytes = disk.read("memory") {
            guard let read = try? JSONValue(parsing: bytes).decode(Follower.Memory.self) else {
                return world.violation("\(id): memory damaged")
            }
            memory = read
        }
        var running: Follower.Running?
        if let current = disk.read("current") {
            guard let number = Int(String(decoding: current, as: UTF8.self)), let generation = generation(number) else {
                return world.violation("\(id): the current generation is damaged")
            }
            running = .init(target: generation.target, configuration: generation.configuration)
        }
        var starting = Follower(running: running, memory: memory, agent: "simulated")
        let actions = starting.started()
        follower = starting
        perform(actions)
        connect()
    }

    func crash() {
        world.note("\(id) crashes")
        follower = nil
        incarnation += 1
        laidOut = nil
        if let connection { world.network.abandon(connection) }
        connection = nil
        gateway.interrupt()
        disk.crash(&world.random)
        world.clock.schedule(after: world.random.between(20, 5000)) { [unowned self] in if !isUp, !isStandalone { start() } }
    }

    /// Does something later, unless this process has ended by then.
    private func later(_ low: Int, _ high: Int, _ body: @escaping () -> Void) {
        let current = incarnation
        world.clock.schedule(after: world.random.between(low, high)) { [unowned self] in
            if current == incarnation { body() }
        }
    }

    private func connect() {
        let current = incarnation
        var opened: ConnectionID?
        world.network.connect(
            id,
            established: { [unowned self] connection in
                opened = connection
                guard current == incarnation else { return world.network.abandon(connection) }
                self.connection = connection
                decide { $0.connected(now: $1) }
            },
            events: { [unowned self] event in
                guard current == incarnation, opened == nil || opened == connection else { return }
                switch event {
                case .received(let message): decide { $0.received(message, now: $1) }
                case .closed:
                    connection = nil
                    let random = world.random.fraction()
                    decide { follower, _ in follower.disconnected(random: random) }
                }
            })
    }

    private func decide(_ decision: (inout Follower, Timestamp) -> [Follower.Action]) {
        guard var deciding = follower else { return }
        follower = nil
        let actions = decision(&deciding, world.now)
        follower = deciding
        perform(actions)
    }

    // MARK: - Actions

    private func perform(_ actions: [Follower.Action]) {
        let current = incarnation
        for action in actions where current == incarnation {
            do {
                try perform(action)
            } catch is Crash {
                crash()
            } catch {
                // A memory or a deletion that the full disk refused: an agent cannot go on without, and starts again.
                crash()
            }
        }
    }

    private func perform(_ action: Follower.Action) throws {
        switch action {
        case .hello(let hello):
            if hello.seen.position < saidSeen { world.violation("\(id): what it has seen shrank") }
            saidSeen = hello.seen.position
            send(.hello(hello))
        case .report(let receipt):
            world.note("\(id) reports \(receipt.outcome.word) \(receipt.target.digest.short)")
            send(.receipt(receipt))
        case .remember(let memory): try disk.replace("memory", try JSONValue(encoding: memory).canonicalBytes)
        case .layOut(let installation): later(1, 40) { [unowned self] in layOut(installation) }
        case .apply: apply()
        case .resume: resume()
        case .prove: prove()
        case .rollBack:
            if let laidOut { try disk.delete("generation-\(laidOut)") }
            laidOut = nil
        case .flatten:
            try disk.replace("standalone", [])
            isStandalone = true
        case .hangUp:
            if let connection { world.network.close(connection, from: .member) }
        case .reconnect(let wait):
            later(wait.milliseconds, wait.milliseconds) { [unowned self] in connect() }
        case .resumeLater(let wait):
            later(wait.milliseconds, wait.milliseconds) { [unowned self] in decide { follower, _ in follower.started() } }
        }
    }

    private func send(_ message: MemberMessage) {
        if let connection { world.network.send(message, on: connection) }
    }

    private func layOut(_ installation: Follower.Installation) {
        do {
            var material = Dictionary(installation.material.map { ($0.digest.hex, $0.pem) }) { first, _ in first }
            if let base = installation.base {
                guard let held = numbers().reversed().lazy.compactMap(generation).first(where: { $0.configuration.digest == base }) else {
                    let gone = Refusal(.notFound, "generation \(base.short) is gone")
                    return decide { $0.laidOut(.failure(gone), now: $1) }
                }
                material.merge(held.material) { new, _ in new }
            }
            let number = (numbers().last ?? 0) + 1
            let generation = SimulatedGeneration(
                target: installation.target, configuration: installation.configuration, material: material)
            if !generation.isWhole { world.violation("\(id) lays out a generation without a key or chain") }
            try disk.replace("generation-\(number)", try generation.bytes())
            laidOut = number
            guard let back = self.generation(number) else { return world.violation("\(id): what was laid out does not read") }
            decide { $0.laidOut(.success(back.configuration.digest), now: $1) }
        } catch is Crash {
            crash()
        } catch {
            decide { $0.laidOut(.failure(Refusal(.unavailable, "disk full")), now: $1) }
        }
    }

    private func apply() {
        guard let number = laidOut, let generation = generation(number) else { return world.violation("\(id): nothing laid out to apply") }
        if let connection { world.strike(whileApplying: connection) }
        let before = gateway.serving
        gateway.apply(generation.configuration) { [unowned self] refusal in
            if let refusal { return decide { $0.applied(.failure(refusal), now: $1) } }
            do {
                let old = disk.read("current").flatMap { Int(String(decoding: $0, as: UTF8.self)) }
                try disk.replace("current", Array("\(number)".utf8))
                laidOut = nil
                for other in numbers() where other != number && (other != old || world.random.chance(500)) {
                    try disk.delete("generation-\(other)")
                }
                let proofs = gateway.prove(generation.configuration)
                decide { $0.applied(.success(proofs), now: $1) }
            } catch is Crash {
                crash()
            } catch {
                guard laidOut != nil, disk.read("current") != Array("\(number)".utf8) else { return crash() }
                // Not switched: the gateway goes back as well.
                gateway.serving = before
                decide { $0.applied(.failure(Refusal(.unavailable, "disk full")), now: $1) }
            }
        }
    }

    private func resume() {
        guard let running = follower?.running?.configuration ?? currentConfiguration() else { return }
        gateway.apply(running) { [unowned self] refusal in
            if let refusal { return decide { $0.applied(.failure(refusal), now: $1) } }
            let proofs = gateway.prove(running)
            decide { $0.applied(.success(proofs), now: $1) }
        }
    }

    private func prove() {
        later(1, 300) { [unowned self] in
            guard let running = follower?.running?.configuration else { return }
            let proofs = gateway.prove(running)
            decide { $0.proved(proofs, now: $1) }
        }
    }

    // MARK: - Generations

    private func numbers() -> [Int] {
        disk.names.compactMap { $0.hasPrefix("generation-") ? Int($0.dropFirst("generation-".count)) : nil }.sorted()
    }

    private func generation(_ number: Int) -> SimulatedGeneration? {
        disk.read("generation-\(number)").flatMap(world.generation(reading:))
    }

    /// What the disk says is in force.
    func currentConfiguration() -> EffectiveConfiguration? {
        disk.read("current").flatMap { Int(String(decoding: $0, as: UTF8.self)) }.flatMap(generation)?.configuration
    }
}

extension Duration {
    fileprivate var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}

extension Receipt.Outcome {
    fileprivate var word: String {
        switch self {
        case .applied: "applied"
        case .rejected(let reasons): "rejected (\(reasons.first ?? ""))"
        }
    }
}

/// What a member lays out: one file with everything in it.
struct SimulatedGeneration {
    var target: Target
    var configuration: EffectiveConfiguration
    /// PEM text by digest.
    var material: [String: [UInt8]]
    /// Whether it has every key and chain that it needs.
    var isWhole = true

    /// A generation with the material it needs, and no other.
    init(target: Target, configuration: EffectiveConfiguration, material: [String: [UInt8]]) {
        self.target = target
        self.configuration = configuration
        let needed = try? configuration.materialNeeded()
        let names = Set(needed.map { ($0.keys.sorted() + $0.chains.sorted()).map(\.hex) } ?? [])
        self.material = material.filter { names.contains($0.key) }
        isWhole = needed != nil && self.material.count == names.count
    }

    func bytes() throws -> [UInt8] {
        let material = material.mapValues { JSONValue.string(String(decoding: $0, as: UTF8.self)) }
        return JSONValue.object([
            "target": try JSONValue(encoding: target), "settings": configuration.plain, "material": .object(material),
        ]).canonicalBytes
    }

    init?(bytes: [UInt8]) {
        guard let json = try? JSONValue(parsing: bytes), let settings = json["settings"],
            let target = try? json["target"]?.decode(Target.self)
        else { return nil }
        self.target = target
        configuration = EffectiveConfiguration(plain: settings)
        material = (json["material"]?.members ?? [:]).compactMapValues { $0.text.map { Array($0.utf8) } }
    }
}

/// A mail server that takes its time, refuses now and then, and some things always.
final class SimulatedGateway {
    unowned let world: SimulatedWorld
    let refusesPoison: Bool
    /// It outlives the agent's process.
    var serving: EffectiveConfiguration? {
        didSet { if let serving, serving != oldValue { world.check(serving) } }
    }
    private var calls = 0
    private var pending: EffectiveConfiguration?

    init(world: SimulatedWorld, refusesPoison: Bool) {
        self.world = world
        self.refusesPoison = refusesPoison
    }

    /// All or nothing, after a while; nil is success.
    func apply(_ configuration: EffectiveConfiguration, _ done: @escaping (Refusal?) -> Void) {
        if pending != nil { world.violation("a gateway was asked twice at once") }
        calls += 1
        let call = calls
        pending = configuration
        let time = world.happens(30) ? world.random.between(30_000, 90_000) : world.random.between(5, world.happens(300) ? 5000 : 400)
        world.clock.schedule(after: time) { [unowned self] in
            guard call == calls else { return }
            pending = nil
            if let refusal = refusal(of: configuration) { return done(refusal) }
            serving = configuration
            done(nil)
        }
    }

    /// The agent's process ended: what it had asked for may still happen, and nobody hears of it.
    func interrupt() {
        calls += 1
        if let pending, world.random.chance(500), refusal(of: pending) == nil { serving = pending }
        pending = nil
    }

    /// What handshakes with the services of a configuration return now.
    func prove(_ configuration: EffectiveConfiguration) -> [ServiceProof] {
        let served = world.services(of: serving)
        return world.services(of: configuration).map { intended in
            guard case .none(let reason) = intended.probe else {
                return ServiceProof(service: intended.service, served: served.first { $0.service == intended.service }?.fingerprint)
            }
            return ServiceProof(service: intended.service, served: nil, unprovable: reason)
        }
    }

    private func refusal(of configuration: EffectiveConfiguration) -> Refusal? {
        if refuses(configuration) { return Refusal(.wouldBreak, "the gateway never takes \(poison)") }
        return world.happens(60) ? Refusal(.unavailable, "the gateway has a bad moment") : nil
    }

    func refuses(_ configuration: EffectiveConfiguration) -> Bool {
        refusesPoison && configuration[.destinations, poison] != nil
    }
}

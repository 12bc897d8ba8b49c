import ClusterModel
import Replication
import SeededRandomness

/// A machine: a disk, a gateway, and an agent that performs what the follower decides. Any change of the disk may be its last.
///
/// It begins standalone, joins, is removed, and may return, each time as another membership.
final class SimulatedMember {
    unowned let world: SimulatedWorld
    let name: String
    let disk = SimulatedDisk()
    let gateway: SimulatedGateway
    /// What the machine brings along when it joins.
    let network: JSONValue
    /// What the process holds of a membership; nil while it is down, and while the machine is standalone.
    private(set) var follower: Follower?
    private(set) var isUp = false
    /// Whether somebody at the machine wants it in the cluster.
    var wantsToJoin = true
    private var connection: ConnectionID?
    private var incarnation = 0
    private var laidOut: Int?
    private var saidSeen = Sighting.none
    /// What the disk's papers read as; the same bytes are read once only, for speed.
    var readPapers: (text: [UInt8], papers: IdentityPapers)?

    init(world: SimulatedWorld, name: String, address: String, refusesPoison: Bool) {
        self.world = world
        self.name = name
        network = InterfaceSetting(hostname: "\(name).example.com", address: address).json
        gateway = SimulatedGateway(world: world, refusesPoison: refusesPoison)
        disk.beforeChange = { [unowned world] in
            if world.happens(4) { throw Crash() }
            if world.happens(2) { throw DiskFull() }
        }
    }

    /// Which membership its disk said it has, when that was last looked at; a name that no membership has while it is standalone.
    private(set) var id = SimulatedMember.none
    var isStandalone: Bool { id == SimulatedMember.none }
    private static let none = MembershipID(rawValue: "standalone")

    // MARK: - The process

    /// The machine as it was installed: its own settings, in force.
    func install() {
        let own = EffectiveConfiguration(plain: ["interfaces": ["data1": network]])
        world.computed(own, for: nil, of: name)
        guard let bytes = try? SimulatedGeneration(target: nil, configuration: own, material: [:]).bytes() else { return }
        disk.install(["generation-1": bytes, "current": Array("1".utf8)])
        start()
    }

    func start() {
        incarnation += 1
        isUp = true
        id = disk.read("identity").map { MembershipID(rawValue: String(decoding: $0, as: UTF8.self)) } ?? SimulatedMember.none
        guard let current = currentNumber().flatMap(generation) else {
            return world.violation("\(name): the current generation is damaged")
        }
        // What was in force before the join is served until the first configuration from the cluster is.
        guard current.target == nil else {
            // What a crash left of the time before the join.
            do { try cleanUp(after: nil) } catch { return crash() }
            return follow()
        }
        resumeOwn { [unowned self] in
            if isStandalone { askToJoin() } else { follow() }
        }
    }

    /// The machine's own settings are tried until the gateway takes them.
    private func resumeOwn(then next: @escaping () -> Void) {
        guard let own = currentConfiguration() else { return world.violation("\(name): nothing to serve") }
        let current = incarnation
        gateway.apply(own) { [unowned self] refusal in
            guard current == incarnation else { return }
            if refusal == nil { return next() }
            later(500, 1500) { [unowned self] in resumeOwn(then: next) }
        }
    }

    private func follow() {
        var memory = Follower.Memory()
        if let bytes = disk.read("memory") {
            guard let read = try? JSONValue(parsing: bytes).decode(Follower.Memory.self) else {
                return world.violation("\(name): memory damaged")
            }
            memory = read
        }
        var running: Follower.Running?
        if let current = currentNumber().flatMap(generation), let target = current.target {
            running = .init(target: target, configuration: current.configuration)
        }
        var starting = Follower(
            running: running, memory: memory, apart: apart, knowledge: .ours(agent: "simulated"), papers: papers)
        let actions = starting.started()
        follower = starting
        perform(actions)
        connect()
        lookAround()
    }

    func crash() {
        world.note("\(name) crashes")
        follower = nil
        isUp = false
        incarnation += 1
        laidOut = nil
        if let connection { world.network.abandon(connection) }
        connection = nil
        gateway.interrupt()
        disk.crash(&world.random)
        world.clock.schedule(after: world.random.between(20, 5000)) { [unowned self] in if !isUp { start() } }
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

    func decide(_ decision: (inout Follower, Timestamp) -> [Follower.Action]) {
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
            if !hello.seen.mayFollow(saidSeen) { world.violation("\(name): what it has seen shrank") }
            saidSeen = hello.seen
            send(.hello(hello))
        case .report(let receipt):
            world.note("\(name) reports \(receipt.outcome.word) \(receipt.target.digest.short)")
            send(.receipt(receipt))
        case .remember(let memory): try disk.replace("memory", try JSONValue(encoding: memory).canonicalBytes)
        case .stayApart(let isDisconnected): try stayApart(isDisconnected)
        case .settle(let edits): try settle(edits)
        case .reportEdits(let apart): send(.localEdits(LocalEditReport(isDisconnected: apart.isDisconnected, edits: apart.edits)))
        case .layOut(let installation): later(1, 40) { [unowned self] in layOut(installation) }
        case .apply: apply()
        case .resume: resume()
        case .prove: prove()
        case .look: look()
        case .mend: mend()
        case .rollBack:
            if let laidOut { try disk.delete("generation-\(laidOut)") }
            laidOut = nil
        case .flatten: try flatten()
        case .hangUp:
            if let connection { world.network.close(connection, from: .member) }
        case .reconnect(let wait):
            later(wait.milliseconds, wait.milliseconds) { [unowned self] in connect() }
        case .resumeLater(let wait):
            later(wait.milliseconds, wait.milliseconds) { [unowned self] in decide { follower, _ in follower.started() } }
        case .renew: send(.renewal(certificateRequest: [0]))
        case .show(let papers): send(.papers(papers))
        case .adopt(let offer): try keep { [unowned self] in try adopt(offer) }
        case .takeUp(let renewed): try keep { [unowned self] in try takeUp(renewed) }
        }
    }

    private func keep(_ change: () throws -> IdentityPapers?) throws {
        guard let papers = try change() else { return world.violation("\(name): an identity that does not read") }
        decide { $0.holding(papers, now: $1) }
    }

    /// What was last applied becomes the machine's own; then the identity goes. In this order, as on a real machine.
    private func flatten() throws {
        guard let number = currentNumber(), var own = generation(number) else { return world.violation("\(name): nothing to flatten") }
        if own.target != nil {
            own.target = nil
            own.edits = []
            let flat = (numbers().last ?? 0) + 1
            try disk.replace("generation-\(flat)", try own.bytes())
            try disk.replace("current", Array("\(flat)".utf8))
        }
        try disk.delete("identity")
        try disk.delete("apart")
        try disk.syncDirectory()
        let current = currentNumber()
        for other in numbers() where other != current { try disk.delete("generation-\(other)") }
        world.note("\(name) is standalone")
        endMembership()
    }

    private func endMembership() {
        follower = nil
        laidOut = nil
        saidSeen = .none
        id = SimulatedMember.none
        if let connection { world.network.close(connection, from: .member) }
        connection = nil
        incarnation += 1
        wantsToJoin = world.random.chance(700)
        // What the gateway was busy with is over, one way or the other.
        gateway.interrupt()
        resumeOwn { [unowned self] in
            later(100, 5000) { [unowned self] in askToJoin() }
        }
    }

    /// Somebody at the machine makes it leave: it works without a manager.
    func leave() {
        guard isUp, !isStandalone else { return }
        do { try flatten() } catch { crash() }
    }

    // MARK: - Joining

    /// Asks until it is in. No answer and a no are the same to it.
    private func askToJoin() {
        guard wantsToJoin, isStandalone else { return }
        let current = incarnation
        world.request(from: self) { [unowned self] answer in
            guard current == incarnation, isStandalone else { return }
            guard let answer else { return later(500, 4000) { [unowned self] in askToJoin() } }
            joined(answer.membership, answer.papers)
        }
    }

    /// The membership is taken up whole or not at all.
    private func joined(_ membership: MembershipID, _ papers: IdentityPapers) {
        do {
            if disk.read("memory") != nil || disk.read("apart") != nil {
                try disk.delete("memory")
                try disk.delete("apart")
                try disk.syncDirectory()
            }
            try take(papers)
            try disk.replace("identity", Array(membership.rawValue.utf8))
            world.note("\(name) is \(membership)")
            wantsToJoin = false
            id = membership
            follow()
        } catch is Crash {
            crash()
        } catch {
            later(500, 4000) { [unowned self] in askToJoin() }
        }
    }

    private func send(_ message: MemberMessage) {
        if let connection { world.network.send(message, on: connection) }
    }

    private func layOut(_ installation: Follower.Installation) {
        if !apart.edits.isEmpty { world.violation("\(name) lays something out over its own edits") }
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
            if !generation.isWhole { world.violation("\(name) lays out a generation without a key or chain") }
            try disk.replace("generation-\(number)", try generation.bytes())
            laidOut = number
            guard let back = self.generation(number) else { return world.violation("\(name): what was laid out does not read") }
            decide { $0.laidOut(.success(back.configuration.digest), now: $1) }
        } catch is Crash {
            crash()
        } catch {
            decide { $0.laidOut(.failure(Refusal(.unavailable, "disk full")), now: $1) }
        }
    }

    private func apply() {
        guard let number = laidOut, let generation = generation(number) else {
            return world.violation("\(name): nothing laid out to apply")
        }
        if let connection { world.strike(whileApplying: connection) }
        let before = gateway.serving
        gateway.apply(generation.configuration) { [unowned self] refusal in
            if let refusal { return decide { $0.applied(.failure(refusal), now: $1) } }
            do {
                let old = currentNumber()
                try disk.replace("current", Array("\(number)".utf8))
                laidOut = nil
                try cleanUp(after: old)
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

    /// The one before may be kept, unless it is the machine's own: a join ends that, keys and all.
    func cleanUp(after old: Int?) throws {
        let isOldKept = old.flatMap(generation)?.target != nil && world.random.chance(500)
        let current = currentNumber()
        for other in numbers() where other != current && !(other == old && isOldKept) { try disk.delete("generation-\(other)") }
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

    private func look() {
        later(1, 300) { [unowned self] in
            guard let running = follower?.running?.configuration else { return }
            let proofs = gateway.prove(running)
            decide { $0.looked(proofs, drift: [], now: $1) }
        }
    }

    private func mend() {
        guard let running = follower?.running?.configuration else { return }
        gateway.apply(running) { [unowned self] refusal in
            if let refusal { return decide { $0.mended(.failure(refusal), now: $1) } }
            let proofs = gateway.prove(running)
            decide { $0.mended(.success(proofs), now: $1) }
        }
    }

    /// From time to time for as long as this process lives.
    private func lookAround() {
        later(24_000, 36_000) { [unowned self] in
            decide { follower, _ in follower.look() }
            lookAround()
        }
    }

    // MARK: - Generations

    func currentNumber() -> Int? { disk.read("current").flatMap { Int(String(decoding: $0, as: UTF8.self)) } }

    func numbers() -> [Int] {
        disk.names.compactMap { $0.hasPrefix("generation-") ? Int($0.dropFirst("generation-".count)) : nil }.sorted()
    }

    private func generation(_ number: Int) -> SimulatedGeneration? {
        disk.read("generation-\(number)").flatMap(world.generation(reading:))
    }

    /// Whether anything of the time before the join is left.
    var holdsOwnSettings: Bool { numbers().compactMap(generation).contains { $0.target == nil } }

    var currentGeneration: SimulatedGeneration? { currentNumber().flatMap(generation) }

    /// What the disk says is in force.
    func currentConfiguration() -> EffectiveConfiguration? {
        currentNumber().flatMap(generation)?.configuration
    }
}

extension Duration {
    fileprivate var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}

extension Receipt.Outcome {
    var word: String {
        switch self {
        case .applied: "applied"
        case .rejected(let reasons): "rejected (\(reasons.first ?? ""))"
        }
    }
}

/// What a member lays out: one file with everything in it.
struct SimulatedGeneration {
    /// Nil for a machine's own settings.
    var target: Target?
    var configuration: EffectiveConfiguration
    /// PEM text by digest.
    var material: [String: [UInt8]]
    /// What somebody at the machine edited in it.
    var edits: [LocalEdit] = []
    /// Whether it has every key and chain that it needs.
    var isWhole = true

    /// A generation with the material it needs, and no other.
    init(target: Target?, configuration: EffectiveConfiguration, material: [String: [UInt8]]) {
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
            "target": try target.map { try JSONValue(encoding: $0) } ?? .null, "settings": configuration.plain,
            "material": .object(material), "edits": try JSONValue(encoding: edits),
        ]).canonicalBytes
    }

    init?(bytes: [UInt8]) {
        guard let json = try? JSONValue(parsing: bytes), let settings = json["settings"], let target = json["target"] else { return nil }
        if target != .null {
            guard let target = try? target.decode(Target.self) else { return nil }
            self.target = target
        }
        configuration = EffectiveConfiguration(plain: settings)
        guard let edits = try? json["edits"]?.decode([LocalEdit].self) else { return nil }
        self.edits = edits
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
        let limit = Limits.applySeconds * 1000
        world.clock.schedule(after: min(time, limit)) { [unowned self] in
            guard call == calls else { return }
            pending = nil
            // Too slow: the agent calls it off, and the one before is in force again.
            if time >= limit { return done(Refusal(.unavailable, "timed out")) }
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

    var isBusy: Bool { pending != nil }

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

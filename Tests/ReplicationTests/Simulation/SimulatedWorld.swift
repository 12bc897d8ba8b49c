import ClusterModel
import Replication
import SeededRandomness

/// A whole cluster in one thread: a manager, its members, the network between them, and what goes wrong, all from one seed.
final class SimulatedWorld {
    let seed: UInt64
    var random: SplitMix64
    let clock = VirtualClock()
    private(set) lazy var network = InProcessNetwork(clock: clock) { [unowned self] in random.between(1, happens(150) ? 3000 : 20) }
    private(set) lazy var manager = SimulatedManager(world: self)
    private(set) lazy var administrators = SimulatedAdministrators(world: self)
    private(set) var members: [SimulatedMember] = []
    let groups = [GroupID(rawValue: "eu"), GroupID(rawValue: "us")]

    /// Whether things still go wrong.
    private(set) var isStormy = true
    /// Entries that somebody was told are in the log.
    var answered: [SimulatedEntry] = []
    private(set) var entries = 0
    private var computed: [Digest: [UInt8]] = [:]
    private var computedFor: [MembershipID: Set<Digest>] = [:]
    private var computedOf: [String: Set<Digest>] = [:]
    /// Machines that nothing reaches.
    private var cutOff: Set<String> = []

    private(set) var violation: String?
    private var trace: [String] = []

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        let count = random.between(2, random.between(2, 6))
        members = (1...count).map {
            SimulatedMember(world: self, name: "m\($0)", address: "127.0.0.\($0)", refusesPoison: random.chance(250))
        }
    }

    /// The wall clock of everybody.
    var now: Timestamp { Timestamp(seconds: 1_000_000 + Int64(clock.now / 1000)) }

    /// Whether something goes wrong here; never once the storm is over.
    func happens(_ permille: Int) -> Bool { isStormy && random.chance(permille) }

    func nextEntry() -> Int {
        entries += 1
        return entries
    }

    private var generations: [Digest: SimulatedGeneration] = [:]
    private var sections: [Digest: EffectiveSection] = [:]

    /// Reads a generation; the same bytes are read once only, for speed.
    func generation(reading bytes: [UInt8]) -> SimulatedGeneration? {
        let digest = Digest(hashing: bytes)
        if let read = generations[digest] { return read }
        generations[digest] = SimulatedGeneration(bytes: bytes)
        return generations[digest]
    }

    private var services: [Digest: [IntendedService]] = [:]

    /// The services of a configuration; equal ones are read once only, for speed.
    func services(of configuration: EffectiveConfiguration?) -> [IntendedService] {
        guard let configuration else { return [] }
        if let read = services[configuration.digest] { return read }
        let read = (try? configuration.intendedServices()) ?? []
        services[configuration.digest] = read
        return read
    }

    /// An update as the other end reads it: made anew from the values of its entries. Equal sections are read once only, for speed.
    func acrossTheWire(_ update: Update) -> Update {
        var update = update
        update.sections = update.sections.map { section in
            if let read = sections[section.digest] { return read }
            let read = EffectiveConfiguration(plain: EffectiveConfiguration(sections: [section]).plain).sections[0]
            sections[section.digest] = read
            return read
        }
        update.changes = update.changes.map { change in
            let entries = change.entries.map {
                EffectiveEntry(section: change.name, name: $0.name, value: $0.value, origin: .init(layer: .cluster, revision: 0))
            }
            return SectionChange(name: change.name, digest: change.digest, entries: entries, removed: change.removed)
        }
        return update
    }

    // MARK: - What must hold

    func note(_ text: @autoclosure () -> String) {
        if isTracing { trace.append("\(clock.now) ms  \(text())") }
    }

    /// Set for the second run of a seed that failed, so that all others need not write down what nobody reads.
    var isTracing = false
    var story: String { trace.suffix(80).joined(separator: "\n") }

    func violation(_ text: String) {
        note("VIOLATION: \(text)")
        violation = violation ?? text
    }

    /// How often a member showed an entry that the log lacks; nil while that must not be.
    private(set) var unknownEntries: Int?

    func foundUnknown() {
        guard unknownEntries != nil else { return violation("a member has seen an entry that the log lacks") }
        unknownEntries? += 1
    }

    /// In the calm, the manager comes back from an old backup, and its administrator goes on as if nothing had happened.
    func restoreFromBackup(losing entries: Int, thenAppending more: Int) -> String? {
        unknownEntries = 0
        answered = []
        administrators.forget()
        manager.restore(losing: entries)
        for _ in 0..<more { manager.commitAtOnce([change()]) }
        run(until: clock.now + 120_000)
        return violation
    }

    /// The administrator gives up what the backup lacks: all must come right again.
    func recover() -> String? {
        answered = []
        manager.recover()
        return settle()
    }

    /// Somebody computed this for a membership, or it is the machine's own.
    func computed(_ configuration: EffectiveConfiguration, for member: MembershipID?, of machine: String) {
        if computed[configuration.digest] == nil { computed[configuration.digest] = configuration.plain.canonicalBytes }
        computedOf[machine, default: []].insert(configuration.digest)
        if let member { computedFor[member, default: []].insert(configuration.digest) }
    }

    /// No machine ever serves a mix: what it serves is, byte for byte, something that the manager computed.
    func check(_ serving: EffectiveConfiguration) {
        guard computed[serving.digest] == serving.plain.canonicalBytes else {
            return violation("a machine serves \(serving.digest.short), which nobody computed")
        }
    }

    /// What must hold after every step.
    private func checkStep() {
        checkIdentities()
        if let last = answered.last, manager.log.count < last.head.position || manager.log[last.head.position - 1].id != last.id {
            violation("the answered entry \(last.head.position) is lost")
        }
        for member in members {
            if let serving = member.gateway.serving, computedOf[member.name]?.contains(serving.digest) != true {
                violation("\(member.name) serves \(serving.digest.short), which was computed for others only")
            }
            // The documented loss: what a former membership had does not come back.
            if let serving = member.gateway.serving, member.follower?.running != nil,
                computedFor[member.id]?.contains(serving.digest) != true
            {
                violation("\(member.name) serves \(serving.digest.short), which \(member.id) was never given")
            }
            guard let publisher = manager.publisher, let goal = publisher.target(of: member.id),
                let record = publisher.record(of: member.id), record.isConnected, record.vouches(for: goal.target.digest),
                publisher.status(of: member.id)?.state != .disconnected
            else { continue }
            if member.gateway.serving?.digest != goal.target.digest {
                violation("\(member.name) counts as synced with \(goal.target.digest.short) and serves something else")
            }
        }
    }

    // MARK: - The run

    /// Runs the storm, then the calm in which everything must come right. The first violation, if any.
    func run() -> String? {
        manager.start()
        // Until they are in, nobody else is there to repeat them.
        isStormy = false
        manager.append(.clusterCreated(ClusterCreated(simulatedWith: groups[0])))
        for group in groups.dropFirst() { manager.append(.groupAdded(GroupAdded(group: group, name: group.rawValue))) }
        manager.commitAtOnce(firstSettings())
        isStormy = true
        for member in members { clock.schedule(after: random.between(0, 500)) { member.install() } }
        trouble()
        run(until: random.between(10_000, 40_000))
        isStormy = false
        note("the storm is over")
        for member in members { setReachable(member, true) }
        return settle()
    }

    /// In the calm: what people would do, until all has come right. The first violation, if any.
    private func settle() -> String? {
        if !manager.isUp { manager.start() }
        administrators.finish()
        for _ in 0..<40 where violation == nil {
            run(until: clock.now + 10_000)
            removeGhosts()
            manager.reconnectAll()
            for member in members { manager.decideEdits(of: member.id) }
            let unsettled = members.filter { !isSettled($0) }
            if unsettled.isEmpty { return violation }
            for member in unsettled where isPassingRejection(member) { manager.retry(member.id) }
            for member in unsettled where member.follower?.objection?.code == .forbidden {
                // Its membership was given up with the rest: it joins again.
                member.leave()
                member.wantsToJoin = true
            }
        }
        return violation ?? "not settled: " + members.filter { !isSettled($0) }.map(standing).joined(separator: ", ")
    }

    private func run(until time: Int) {
        while violation == nil, let next = clock.nextTime, next <= time {
            _ = clock.step()
            checkStep()
        }
        // Time passes even when nothing happens in it.
        clock.schedule(after: max(0, time - clock.now)) {}
        while violation == nil, let next = clock.nextTime, next <= time { _ = clock.step() }
    }

    /// Synced; or rejected by a gateway that always will; or, if its membership ended, standalone.
    private func isSettled(_ member: SimulatedMember) -> Bool {
        guard let publisher = manager.publisher else { return false }
        guard let goal = publisher.target(of: member.id), let status = publisher.status(of: member.id) else {
            return member.isStandalone && !member.wantsToJoin && member.isUp && member.gateway.serving == member.currentConfiguration()
        }
        if member.gateway.refuses(goal.configuration) { return status.state == .rejected && member.gateway.serving != goal.configuration }
        return status.state == .synced && holdsNewest(member) && member.gateway.serving == goal.configuration
            && member.currentConfiguration() == goal.configuration && !member.holdsOwnSettings
    }

    /// A bad moment, or a timeout: somebody looks at it and tries again.
    private func isPassingRejection(_ member: SimulatedMember) -> Bool {
        guard let publisher = manager.publisher, let goal = publisher.target(of: member.id) else { return false }
        return publisher.status(of: member.id)?.state == .rejected && !member.gateway.refuses(goal.configuration)
    }

    private func standing(_ member: SimulatedMember) -> String {
        let status = manager.publisher?.status(of: member.id)
        return "\(member.name) (\(member.id)) is \(status?.state.rawValue ?? "not a member") \(status?.reasons ?? [])"
    }

    // MARK: - Trouble

    private func trouble() {
        guard isStormy else { return }
        happen()
        clock.schedule(after: random.between(20, 3000)) { [unowned self] in trouble() }
    }

    /// The worst moment: a member is between two configurations. Its connection breaks, and administrators change their minds.
    func strike(whileApplying connection: ConnectionID) {
        guard happens(150) else { return }
        note("a connection breaks in the middle of applying")
        network.breakOff(connection, memberHearsAfter: random.between(1, 30), managerHearsAfter: random.between(1, 30))
        guard happens(700) else { return }
        clock.schedule(after: random.between(1, 300)) { [unowned self] in administrate(takingBack: 700) }
    }

    private func administrate(takingBack permille: Int) {
        administrators.act(takingBack: permille)
        administrators.check()
    }

    private func happen() {
        let member = random.pick(members)
        switch random.between(0, 99) {
        case 0..<37: administrate(takingBack: 300)
        case 37..<45: rotate()
        case 45..<63:
            guard let connection = network.openConnections.first else { return }
            note("a connection breaks")
            network.breakOff(connection, memberHearsAfter: random.between(1, 3000), managerHearsAfter: random.between(1, 3000))
        case 63..<72:
            note("\(member.name) is cut off")
            setReachable(member, false)
            clock.schedule(after: random.between(100, 20_000)) { [unowned self] in setReachable(member, true) }
        case 72..<79: if manager.isUp { manager.crash() }
        case 79..<90: if member.isUp { member.crash() }
        case 90..<92: if manager.state.memberships[member.id] != nil { manager.remove(member.id) }
        case 92..<93: random.chance(500) ? removeGhosts() : member.leave()
        case 93..<95: regroup()
        case 95..<96: manager.part(random.pick(members).id)
        case 96..<98: for member in members where random.chance(700) { member.editOwn() }
        case 98..<99: for member in members { manager.decideEdits(of: member.id) }
        default: manager.retry(member.id)
        }
    }

    /// A membership whose machine never heard that it is in, or has left: somebody removes it, since its name is taken.
    private func removeGhosts() {
        for id in manager.state.membershipIDs where !members.contains(where: { $0.id == id }) { manager.remove(id) }
    }

    private func setReachable(_ member: SimulatedMember, _ isReachable: Bool) {
        if isReachable { cutOff.remove(member.name) } else { cutOff.insert(member.name) }
        let (ours, theirs) = isReachable ? (0, 0) : (random.between(1, 60_000), random.between(1, 60_000))
        network.setReachable(member.id, isReachable, memberNoticesAfter: ours, managerNoticesAfter: theirs)
    }

    /// A machine asks to be let in. Nil is a no, or no answer: it may be in all the same.
    func request(from member: SimulatedMember, _ answer: @escaping ((membership: MembershipID, papers: IdentityPapers)?) -> Void) {
        clock.schedule(after: random.between(5, 200)) { [unowned self] in
            let membership = cutOff.contains(member.name) ? nil : manager.join(member)
            let isLost = cutOff.contains(member.name) || happens(80)
            clock.schedule(after: random.between(5, 200)) { answer(isLost ? nil : membership) }
        }
    }

    private func firstSettings() -> [Edit] {
        [
            edit(.cluster, .certificates, "mail", manager.certificate()),
            edit(.cluster, .mailFlowPolicies, "accepted", MailFlowPolicySetting(tls: .preferred).json),
            edit(.cluster, .listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"]),
        ]
    }

    private func edit(_ layer: LayerID, _ section: SectionName, _ entry: String, _ value: JSONValue?) -> Edit {
        Edit(layer: layer, section: section, entry: entry, change: value.map { .set($0) } ?? .remove, in: manager.state)
    }

    /// Somebody's edit of anything anywhere.
    func change() -> Edit {
        let machines = manager.state.membershipIDs
        let levels =
            [LayerID.cluster] + manager.state.groupIDs.map(LayerID.group) + (machines.isEmpty ? [] : [.machine(random.pick(machines))])
        let level = random.pick(levels)
        switch random.between(0, 10) {
        case 0..<4:
            let tls = random.pick([DestinationSetting.TLS.none, .preferred, .required])
            let value = random.chance(700) ? DestinationSetting(tls: tls).json : nil
            return edit(level, .destinations, random.pick(["a.example", "b.example", "c.example"]), value)
        case 4..<5: return edit(level, .destinations, poison, random.chance(400) ? DestinationSetting(tls: .required).json : nil)
        case 5..<8:
            let isKept = level == .cluster || random.chance(700)
            return edit(level, .certificates, "mail", isKept ? manager.certificate() : nil)
        case 8..<9:
            let isKept = level == .cluster || random.chance(700)
            return edit(
                level, .mailFlowPolicies, "accepted",
                isKept ? MailFlowPolicySetting(tls: random.pick([.off, .preferred, .required])).json : nil)
        case 9..<10:
            var delivery = DeliverySetting()
            delivery.certificate = random.chance(500) ? "mail" : nil
            return edit(level, .delivery, "settings", random.chance(700) ? delivery.json : nil)
        default:
            let change: EntryChange = random.chance(400) ? .isolate : random.chance(500) ? .inherit : .hide
            let entry = change == .hide ? random.pick(["a.example", "b.example"]) : nil
            return Edit(layer: level, section: .destinations, entry: entry, change: change, in: manager.state)
        }
    }
}

import ClusterModel
import Replication
import SeededRandomness

/// A manager with a disk that can fail, driven by the same decisions and the same fold as the real one.
final class SimulatedManager {
    unowned let world: SimulatedWorld
    /// What is on the manager's disk.
    private(set) var log: [SimulatedEntry] = []
    /// Administrators' uncommitted changes, on the disk too.
    private(set) var changes: [String: UncommittedChanges] = [:]
    private var storedRecords: [MembershipID: MachineRecord] = [:]
    var storedEdits: [MembershipID: LocalEdits] = [:]
    private var vault = SimulatedVault()
    private var made = 0

    /// What the process holds; nil while it is down.
    private(set) var publisher: Publisher?
    private(set) var state = ClusterState()
    /// The state that targets were last computed from.
    private(set) var published = ClusterState()
    private var incarnation = 0

    init(world: SimulatedWorld) {
        self.world = world
    }

    var isUp: Bool { publisher != nil }

    func start() {
        incarnation += 1
        state = state(after: log.count)
        publisher = Publisher(records: storedRecords, edits: storedEdits)
        publish()
        world.network.listen(
            .init(
                opened: { [unowned self] id, member in decide { $0.opened(id, membership: member, now: $1) } },
                received: { [unowned self] message, id in received(message, id) },
                closed: { [unowned self] id in decide { publisher, _ in publisher.closed(id) } }))
        tick(incarnation)
    }

    func crash() {
        world.note("manager crashes")
        publisher = nil
        incarnation += 1
        world.network.stopListening()
        world.clock.schedule(after: world.random.between(10, 8000)) { [unowned self] in if !isUp { start() } }
    }

    /// The manager's disk is put back to where it was some entries ago.
    func restore(losing entries: Int) {
        crash()
        log.removeLast(entries)
        changes = [:]
        storedRecords = [:]
        storedEdits = [:]
        start()
    }

    /// The administrator gives up what the backup lacks: a new epoch begins.
    func recover() {
        append(.managerRecovered(ManagerRecovered(epoch: state.epoch + 1)), by: "recover")
        crash()
        start()
    }

    /// The log folded up to a position, as the ledger does it for earlier revisions.
    func state(after position: Int) -> ClusterState {
        var state = ClusterState()
        for entry in log.prefix(position) {
            do { try state.fold(entry) } catch { world.violation("entry \(entry.head.position) cannot be taken in: \(error)") }
        }
        return state
    }

    /// One append: it may fail with nothing written, and the process may end before or after the entry is safe.
    ///
    /// - Returns: whether it was answered that the entry is in the log.
    @discardableResult
    func append(_ event: ClusterEvent, by author: String = "root") -> Bool {
        guard isUp else { return false }
        if world.happens(60) {
            world.note("append fails")
            return false
        }
        let entry = SimulatedEntry(
            id: world.nextEntry(), event: event, author: author,
            head: LogHead(
                position: log.count + 1, hash: Digest(hashing: (log.last?.head.hash.bytes ?? []) + Array("\(world.entries)".utf8))))
        if world.happens(20) {
            crash()
            return false
        }
        world.administrators.check(entry, on: state)
        log.append(entry)
        if world.happens(20) {
            crash()
            return false
        }
        world.answered.append(entry)
        world.note("entry \(entry.head.position), \(event.kind) by \(author), is answered")
        let before = state
        do { try state.fold(entry) } catch { world.violation("entry \(entry.head.position) cannot be taken in: \(error)") }
        world.check(event, from: before, to: state)
        let current = incarnation
        world.clock.schedule(after: world.random.between(0, 30)) { [unowned self] in
            if current == incarnation { publish() }
        }
        return true
    }

    /// A commit without an administrator's changes before it.
    @discardableResult
    func commitAtOnce(_ edits: [Edit]) -> Bool {
        let event = SettingsCommitted(changeSet: "root-\(world.nextEntry())", revision: state.revision + 1, comment: "", edits: edits)
        return append(.settingsCommitted(event))
    }

    /// Writes an administrator's changes. It fails like an append.
    ///
    /// - Returns: whether it was answered that they are on the disk.
    func store(_ new: UncommittedChanges, of administrator: String) -> Bool {
        guard isUp, !world.happens(30) else { return false }
        if world.happens(10) {
            crash()
            return false
        }
        changes[administrator] = new
        if world.happens(10) {
            crash()
            return false
        }
        return true
    }

    /// Lets a machine in, unless its name is taken. Nil is a no, or no answer at all: the machine cannot tell.
    func join(_ machine: SimulatedMember) -> (membership: MembershipID, papers: IdentityPapers)? {
        guard isUp, state.membership(named: machine.name) == nil else { return nil }
        let (membership, invitation) = (MembershipID(rawValue: "\(machine.name)-\(world.nextEntry())"), "i\(world.nextEntry())")
        let group = world.random.pick(state.groupIDs)
        let nothing = Digest(hashing: [])
        let isInvited = append(
            .invitationCreated(InvitationCreated(id: invitation, secretHash: nothing, group: group, expires: Timestamp(seconds: 1 << 40))))
        guard isInvited else { return nil }
        let isIn = append(
            .machineJoined(
                MachineJoined(
                    membership: membership, machine: machine.name, group: group, invitation: invitation, identityKey: nothing,
                    network: [NetworkEntry(section: .interfaces, name: "data1", value: machine.network)])))
        guard isIn, let rotation = state.rotation else { return nil }
        return (membership, SimulatedIdentity.papers(by: rotation, now: world.now))
    }

    func remove(_ membership: MembershipID) {
        append(.machineRemoved(MachineRemoved(membership: membership, loss: LossReport())))
    }

    /// Moves a machine, by the decision of the real manager: it may be no.
    func move(_ membership: MembershipID, to group: GroupID) {
        do throws(Refusal) {
            guard let event = try state.move(membership, to: group) else { return }
            append(.machineMoved(event))
        } catch {
            world.note("a move is refused: \(error.reason)")
        }
    }

    func rename(_ membership: MembershipID, to name: String) {
        guard let machine = state.memberships[membership]?.machine, state.membership(named: name) == nil else { return }
        append(.machineRenamed(MachineRenamed(membership: membership, former: machine, name: name)))
    }

    func rename(_ group: GroupID, to name: String) {
        guard let former = state.groups[group]?.name, state.group(named: name) == nil else { return }
        append(.groupRenamed(GroupRenamed(group: group, former: former, name: name)))
    }

    func addGroup() {
        let name = "g\(world.nextEntry())"
        append(.groupAdded(GroupAdded(group: GroupID(rawValue: name), name: name)))
    }

    /// Deletes a group, unless something hangs on it: its machines are moved first, as people do it.
    func delete(_ group: GroupID) {
        guard let other = state.groupIDs.first(where: { $0 != group }) else { return }
        for membership in state.membershipIDs where state.memberships[membership]?.group == group { move(membership, to: other) }
        guard (try? state.checkDeletion(of: group)) != nil, let layer = state.groups[group] else { return }
        append(.groupDeleted(GroupDeleted(group: group, name: layer.name, loss: LossReport.deleting(layer))))
    }

    func certificate() -> JSONValue {
        made += 1
        return vault.makeCertificate(made)
    }

    func retry(_ member: MembershipID) {
        decide { $0.retry(member, now: $1) }
    }

    private func publish() {
        let targets = state.targets()
        for (membership, target) in targets {
            world.computed(target.configuration, for: membership, of: state.memberships[membership]?.ownName ?? "")
        }
        published = state
        decide { [state] in
            $0.stateChanged(
                targets: targets, ended: state.endings, disconnected: state.disconnected, head: state.sighting, now: $1)
        }
        decide { [state] publisher, _ in publisher.authoritiesChanged(state.rotation.map(Publisher.Authorities.init)) }
    }

    private func tick(_ current: Int) {
        guard current == incarnation else { return }
        decide { $0.tick(now: $1) }
        world.clock.schedule(after: 1000) { [unowned self] in tick(current) }
    }

    private func received(_ message: MemberMessage, _ id: ConnectionID) {
        switch message {
        case .hello(let hello):
            world.note(
                "manager hears hello on \(id): runs \(hello.running?.short ?? "nothing"), rejected \(hello.rejected?.short ?? "nothing")")
            let standing = standing(of: hello.seen)
            decide { $0.hello(id, hello, standing: standing, now: $1) }
        case .receipt(let receipt):
            world.note("manager hears of \(receipt.target.digest.short) at \(receipt.target.position) on \(id): \(receipt.outcome.word)")
            decide { $0.receipt(id, receipt, now: $1) }
        case .localEdits(let report): keep(report, id)
        case .papers(let papers): decide { $0.papers(id, papers, now: $1) }
        case .renewal: renew(id)
        default: decide { $0.heard(id, now: $1) }
        }
    }

    private func renew(_ id: ConnectionID) {
        var asker: Publisher.RenewalAsker?
        decide { publisher, now in
            let (found, actions) = publisher.renewal(id, now: now)
            asker = found
            return actions
        }
        guard asker != nil, let rotation = state.rotation, let renewed = try? SimulatedIdentity.renewed(by: rotation, now: world.now) else {
            return
        }
        world.network.send(.renewed(renewed), on: id)
    }

    private func standing(of seen: Sighting) -> SightingStanding {
        if seen == .none || log.prefix(state.head.position).contains(where: { $0.head == seen.head }) { return .held }
        return seen.epoch < state.epoch ? .givenUp : .lost
    }

    func decide(_ decision: (inout Publisher, Timestamp) -> [Publisher.Action]) {
        guard var deciding = publisher else { return }
        publisher = nil  // one owner: no copy is made of what is decided on
        let actions = decision(&deciding, world.now)
        publisher = deciding
        for action in actions { perform(action) }
    }

    private func perform(_ action: Publisher.Action) {
        let network = world.network
        switch action {
        case .welcome(let id, let head, let version): network.send(.welcome(head, version: version), on: id)
        case .update(let id, let plan):
            world.note("manager sends \(plan.target.digest.short) on \(id)")
            check(sending: plan, on: id)
            guard let lacking = try? plan.materialLacking() else { return world.violation("settings that do not read") }
            network.send(.update(world.acrossTheWire(plan.update(material: vault.load(lacking)))), on: id)
        case .refuse(let id, let code, let reason):
            world.note("manager refuses: \(code.rawValue)")
            network.send(.refused(code, reason: reason), on: id)
        case .apart(let id, let isDisconnected): network.send(.apart(isDisconnected), on: id)
        case .settled(let id, let edits):
            check(settled: edits, on: id)
            network.send(.settled(edits), on: id)
        case .forgetEdits(let membership): storedEdits[membership] = nil
        case .end(let id, let ended): network.send(.ended(ended), on: id)
        case .close(let id): network.close(id, from: .manager)
        case .record(let membership, _):
            // Kept now and then, as in the real one: a crash loses the newest.
            if world.random.chance(700) { storedRecords[membership] = publisher?.record(of: membership) }
        case .authorities(let id, let offer): network.send(.authorities(offer), on: id)
        case .keep(let membership), .know(let membership, _): storedRecords[membership] = publisher?.record(of: membership)
        case .alarm(.logOutdated): world.foundUnknown()
        case .alarm(.logUnknown): world.violation("a member made up an entry")
        case .alarm(let alarm): world.note("alarm \(alarm)")
        }
    }
}

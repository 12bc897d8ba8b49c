import ClusterModel
import Replication
import SeededRandomness

// What administrators do about machines that are disconnected on purpose, and about what was edited on them.
extension SimulatedManager {
    /// Disconnects a machine, or lets it follow again.
    func part(_ member: MembershipID) {
        guard let membership = state.memberships[member] else { return }
        append(
            membership.disconnection == nil
                ? .machineDisconnected(MachineDisconnected(membership: member))
                : .machineReconnected(MachineReconnected(membership: member)))
    }

    func reconnectAll() {
        for member in state.disconnected.sorted() { part(member) }
    }

    /// What a member said is on the disk before anything is decided by it, or the connection is over.
    func keep(_ report: LocalEditReport, _ id: ConnectionID) {
        guard let member = publisher?.member(on: id) else { return }
        if world.happens(30) { return world.network.close(id, from: .manager) }
        let dropped = storedEdits[member]?.dropped.intersection(report.edits.map(\.id)) ?? []
        storedEdits[member] = report.edits.isEmpty ? nil : LocalEdits(edits: report.edits, dropped: dropped)
        if world.happens(10) { return crash() }
        world.note("manager hears of \(report.edits.map(\.id)) on \(id), disconnected: \(report.isDisconnected)")
        decide { $0.reported(id, report, now: $1) }
    }

    /// Somebody decides about edits of a machine: takes some, gives others up.
    func decideEdits(of member: MembershipID) {
        guard isUp, let membership = state.memberships[member], membership.disconnection == nil, let known = storedEdits[member] else {
            return
        }
        let configuration = state.configuration(of: membership)
        for edit in known.undecided(for: configuration) where isUp {
            if world.random.chance(500) {
                let change = edit.value.map { EntryChange.set($0) } ?? .hide
                world.note("\(edit.id) is taken")
                commitAtOnce([Edit(layer: .machine(member), section: edit.section, entry: edit.name, change: change, in: state)])
            } else {
                world.note("\(edit.id) is given up")
                storedEdits[member]?.dropped.insert(edit.id)
                decide { $0.dropped([edit.id], of: member, now: $1) }
            }
        }
    }

    /// No edit counts as decided but by somebody's word, or because the machine is to have it anyway.
    func check(settled ids: [String], on id: ConnectionID) {
        guard let member = publisher?.member(on: id), let goal = publisher?.target(of: member) else { return }
        for edit in publisher?.localEdits(of: member).edits ?? [] where ids.contains(edit.id) {
            guard storedEdits[member]?.dropped.contains(edit.id) != true, !edit.holds(in: goal.configuration) else { continue }
            world.violation("\(edit.id) of \(member) is lost: nobody decided about it")
        }
    }

    /// Nothing is sent to a machine that is disconnected, or whose own edits are undecided.
    func check(sending plan: UpdatePlan, on id: ConnectionID) {
        guard let member = publisher?.member(on: id) else { return }
        if published.memberships[member]?.disconnection != nil { world.violation("\(member) is disconnected, and is sent something") }
        let undecided = publisher?.localEdits(of: member).undecided(for: plan.configuration) ?? []
        if !undecided.isEmpty { world.violation("\(member) has edits of its own to decide, and is sent something") }
    }
}

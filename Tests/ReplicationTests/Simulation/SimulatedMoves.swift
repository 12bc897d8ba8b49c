import ClusterModel
import Replication
import SeededRandomness

/// What administrators do to groups and names while everything else goes on.
extension SimulatedWorld {
    func regroup() {
        guard manager.isUp else { return }
        let (groups, machines) = (manager.state.groupIDs, manager.state.membershipIDs)
        guard !groups.isEmpty else { return }
        switch random.between(0, 9) {
        case 0..<5: if !machines.isEmpty { manager.move(random.pick(machines), to: random.pick(groups)) }
        case 5..<7: if !machines.isEmpty { rename(random.pick(machines)) }
        case 7..<8: manager.rename(random.pick(groups), to: random.chance(300) ? "eu" : "r\(nextEntry())")
        case 8..<9: if groups.count < 4 { manager.addGroup() }
        default: manager.delete(random.pick(groups))
        }
    }

    /// To a name that nobody calls itself by, or back to its own: whoever waits to join finds the own name free.
    private func rename(_ membership: MembershipID) {
        let own = manager.state.memberships[membership]?.ownName ?? ""
        manager.rename(membership, to: random.chance(400) ? own : "x\(nextEntry())")
    }

    /// Names lead to one level each, and neither a move nor a rename changes what is set anywhere.
    func check(_ event: ClusterEvent, from before: ClusterState, to after: ClusterState) {
        let names = after.memberships.values.map(\.machine)
        if Set(names).count != names.count { violation("two machines have one name") }
        for membership in after.memberships.values where after.membership(named: membership.machine)?.id != membership.id {
            violation("\(membership.machine) leads to another machine")
        }
        switch event {
        case .machineMoved(let event):
            if before.layer(.machine(event.membership)) != after.layer(.machine(event.membership)) { violation("a move changes a layer") }
            if before.differences(to: after, besides: event.membership) { violation("a move changes another machine") }
        case .machineRenamed, .groupRenamed, .groupDeleted:
            if before.differences(to: after, besides: nil) { violation("\(event.kind) changes a machine") }
        default: break
        }
    }
}

extension ClusterState {
    /// Whether machines get something else in another state, one of them aside.
    fileprivate func differences(to other: ClusterState, besides exception: MembershipID?) -> Bool {
        let (old, new) = (configurations().mapValues(\.digest), other.configurations().mapValues(\.digest))
        return old.filter { $0.key != exception } != new.filter { $0.key != exception }
    }
}

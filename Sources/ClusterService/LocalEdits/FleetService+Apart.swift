package import ClusterModel
import Logging
import Replication

// What machines say of the edits that were made on them while they were disconnected.
extension FleetService {
    /// What is kept; that of memberships that ended meanwhile goes.
    func recallEdits() async throws(Refusal) -> [MembershipID: LocalEdits] {
        let kept = try await localEdits.load()
        let members = await ledger.state.memberships
        for membership in kept.keys where members[membership] == nil { await forgetEdits(of: membership) }
        return kept.filter { members[$0.key] != nil }
    }

    /// Keeps what a member said before anything is decided by it. If that fails, the member is closed and says it again.
    func keep(_ report: LocalEditReport, _ connection: ConnectionID) async {
        var report = report
        if let membership = member(on: connection) {
            do throws(Refusal) {
                report = try await localEdits.keep(report, of: membership)
            } catch {
                logger.error(
                    "a machine's own edits cannot be kept", metadata: ["membership": "\(membership)", "reason": "\(error.reason)"])
                return close(connection)
            }
        }
        decide { [report] in $0.reported(connection, report, now: $1) }
    }

    func forgetEdits(of membership: MembershipID) async {
        do throws(Refusal) {
            try await localEdits.forget(membership)
        } catch {
            // A start looks for what is left over.
            logger.error(
                "a machine's own edits cannot be forgotten", metadata: ["membership": "\(membership)", "reason": "\(error.reason)"])
        }
    }

    /// Edits were given up, durably: the machine hears of it.
    package func dropped(_ edits: Set<String>, of membership: MembershipID) {
        decide { $0.dropped(edits, of: membership, now: $1) }
    }
}

/// What there is to say of a machine that is or was disconnected.
struct ApartView {
    /// The entries that are not decided.
    var edits: [String]
    var reasons: [String]

    init(of membership: Membership, _ target: MachineTarget, _ known: LocalEdits, _ agent: AgentKnowledge) {
        let undecided = membership.disconnection == nil ? known.undecided(for: target.configuration) : known.edits
        edits = undecided.map(\.path).sorted()
        reasons = []
        let machine = membership.machine
        if let disconnection = membership.disconnection {
            reasons.append(
                "disconnected by \(disconnection.author) at \(disconnection.time), and what is committed waits: muster machine reconnect \(machine)"
            )
            if MemberProtocol.agreed(with: agent.protocols).map({ $0 < MemberProtocol.apart }) ?? false {
                reasons.append("its agent is too old to be told, so its settings cannot be edited on it meanwhile; upgrade it")
            }
        }
        guard !edits.isEmpty else { return }
        let names = edits.prefix(ApartView.named).joined(separator: ", ") + (edits.count > ApartView.named ? " and more" : "")
        reasons.append(
            "\(edits.count) local \(edits.count == 1 ? "edit" : "edits") to decide (\(names)): muster machine conflicts \(machine)")
    }

    /// Entries that a reason names.
    private static let named = 3
}

import ClusterLog
import ClusterModel

/// The machines that wait to be let in, one stored value each, beside the log.
struct PendingJoins: Sendable {
    private let log: any ClusterLog
    private static let prefix = "join/"

    init(log: any ClusterLog) {
        self.log = log
    }

    /// Those whose invitation is still open and on whom nobody decided, the oldest first. Others are dropped.
    func all(in state: ClusterState, at time: Timestamp) async throws(Refusal) -> [PendingJoin] {
        var open: [PendingJoin] = []
        do throws(LogError) {
            for (key, bytes, version) in try await log.values(prefix: PendingJoins.prefix) {
                // One that does not read is asked again.
                if let pending = try? JSONValue(parsing: bytes).decode(PendingJoin.self),
                    let invitation = state.invitations[pending.invitation],
                    invitation.isOpen(at: time), invitation.decision(on: pending.machine, key: pending.identityKey) == nil
                {
                    open.append(pending)
                } else {
                    _ = try? await log.setValue(key, nil, expecting: version)  // dropped with the next look otherwise
                }
            }
        } catch {
            throw Refusal(error)
        }
        return open.sorted { ($0.time, $0.identityKey) < ($1.time, $1.identityKey) }
    }

    /// Keeps a machine's request; one that waits already keeps its time and costs no write.
    func keep(_ request: PendingJoin, in state: ClusterState, at time: Timestamp) async throws(Refusal) {
        let waiting = try await all(in: state, at: time)
        if waiting.contains(where: {
            $0.identityKey == request.identityKey && $0.invitation == request.invitation && $0.machine == request.machine
        }) {
            return
        }
        guard waiting.count < Limits.pendingJoins else {
            throw Refusal(
                .limit,
                "\(Limits.pendingJoins) machines wait to be let in already. Have an administrator look at them: muster machine requests")
        }
        let bytes: [UInt8]
        do { bytes = try JSONValue(encoding: request).canonicalBytes } catch {
            throw Refusal(.unavailable, "The request of \(request.machine) cannot be written down: \(error)")
        }
        do throws(LogError) {
            try await log.setValues(["\(PendingJoins.prefix)\(request.invitation)/\(request.identityKey.hex)": bytes])
        } catch {
            throw Refusal(error)
        }
    }
}

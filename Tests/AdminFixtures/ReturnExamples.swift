package import AdminContract
package import ClusterModel

// What the fixed service says of machines that were removed, and of those that want to join.
extension FixedService {
    package static let archive = ArchiveView(id: "3f9a0c51d2e7", machine: "mx1", time: time, by: "admin", entries: 3)

    package func archives(for caller: Caller) async throws(Refusal) -> [ArchiveView] {
        try note("archives", caller)
        return [FixedService.archive]
    }

    package func forgetArchive(_ id: String, for caller: Caller) async throws(Refusal) -> ArchiveView {
        try note("forgetArchive \(id)", caller)
        return FixedService.archive
    }

    package func restoreMachine(_ name: String, _ request: RestoreRequest, for caller: Caller) async throws(Refusal) -> RestoreView {
        try note("restoreMachine \(name) \(request.archive ?? "-") \(request.from ?? "-")", caller)
        return RestoreView(
            machine: name, archive: FixedService.archive,
            entries: [
                RestoredEntry(section: .certificates, entry: "own", outcome: .added),
                RestoredEntry(section: .destinations, entry: "bank.example", outcome: .replaced),
                RestoredEntry(section: .interfaces, entry: "data1", outcome: .network),
                RestoredEntry(section: .listeners, entry: nil, outcome: .equal),
            ], uncommitted: 2, notices: ["The interface data1 had HTTPS with the certificate own."])
    }

    private static let joinRequest = JoinRequestView(
        machine: "mx5", group: "main", fingerprint: digest, invitation: "i1", time: time, certificates: 1, settings: 2)

    package func joinRequests(for caller: Caller) async throws(Refusal) -> [JoinRequestView] {
        try note("joinRequests", caller)
        return [FixedService.joinRequest]
    }

    package func decideJoin(_ decision: JoinDecision, for caller: Caller) async throws(Refusal) -> JoinRequestView {
        try note("decideJoin \(decision.machine) \(decision.fingerprint ?? "-") \(decision.approve)", caller)
        return FixedService.joinRequest
    }
}

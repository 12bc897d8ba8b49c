package import AdminContract
import Certificates
package import ClusterModel

extension AdminDesk {
    package func ca(for caller: Caller) async throws(Refusal) -> CAView {
        try await require(.readOnly, of: caller)
        return try view(of: await ledger.state)
    }

    package func rotateCA(_ request: CARequest, for caller: Caller) async throws(Refusal) -> CAView {
        try await require(.administrator, of: caller)
        let desk = CADesk(ledger: ledger, vault: vault, now: certificateDesk.now)
        let (state, ended) = try await desk.take(
            request.move, without: request.without ?? [], records: { [fleet] in fleet.memberRecords }, by: caller.user)
        return try view(of: state, ended: ended)
    }

    package func readmitMachine(_ name: String, _ request: ReadmissionRequest, for caller: Caller) async throws(Refusal) -> ReadmissionView
    {
        try await require(.administrator, at: [.machine(name)], of: caller)
        let grant = try await enrolment.readmit(name, by: caller.user, seconds: request.expiresSeconds)
        return ReadmissionView(machine: name, expires: grant.expires)
    }

    private func view(of state: ClusterState, ended: [String] = []) throws(Refusal) -> CAView {
        let rotation = try state.rotationOrRefusal()
        let absentees = rotation.absentees(of: state.memberships.values, records: fleet.memberRecords)
        return CAView(
            step: rotation.step, current: try AdminDesk.view(of: rotation.current),
            next: try rotation.next.map { next throws(Refusal) in try AdminDesk.view(of: next) }, moves: rotation.moves,
            waiting: absentees.map { CAAbsentee(machine: $0.machine, reason: $0.reason) }, endingInvitations: state.endedByRetirement,
            endedInvitations: ended)
    }

    private static func view(of ca: ClusterCA) throws(Refusal) -> CACertificateView {
        let trusted = try TrustedAuthority(pem: ca.certificate)
        return CACertificateView(fingerprint: trusted.fingerprint, notAfter: trusted.notAfter)
    }
}

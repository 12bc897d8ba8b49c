import Certificates
package import ClusterModel
package import Replication

extension Enrolment {
    /// Another certificate for the key that a member has. One whose certificate expired needs an open grant, and uses it up.
    ///
    /// The key stays the same: whatever is lost on the way, the machine and the log speak of one key, and asking again does no harm.
    package func renew(_ request: [UInt8], for asker: Publisher.RenewalAsker) async throws(Refusal) -> RenewedIdentity {
        let csr: CertificateRequest
        do { csr = try CertificateRequest(der: request) } catch {
            throw Refusal(.invalid, "The machine's certificate request cannot be read, or its signature is wrong.")
        }
        try await ledger.settle()
        let state = await ledger.state
        guard let member = state.memberships[asker.membership] else {
            throw Refusal(.membershipEnded, "This machine was removed from the cluster.")
        }
        guard csr.key.fingerprint == member.identityKey else {
            throw Refusal(.forbidden, "The request is not signed with the key that the machine \(member.machine) joined with.")
        }
        if asker.hasExpired { try state.checkReadmission(of: member.id, at: now()) }
        let certificate = try await issue(to: member.id, csr, in: state)
        var answered = state
        if asker.hasExpired {
            // Written down before it is given away: of two who ask at once, one gets it.
            answered = try await ledger.append(by: "machine \(member.machine)") { state, time throws(Refusal) in
                try state.checkReadmission(of: member.id, at: time)
                return .machineReadmitted(MachineReadmitted(membership: member.id))
            }
        }
        return RenewedIdentity(certificate: certificate.pem, trust: Rotation.pem(try answered.rotationOrRefusal().trusted))
    }

    /// Lets a machine return once although its certificate expired.
    package func readmit(_ machine: String, by user: String, seconds: Int) async throws(Refusal) -> Readmission {
        guard (1...Limits.readmissionHours * 3600).contains(seconds) else {
            throw Refusal(.invalid, "A grant to return is open for at most \(Limits.readmissionHours) hours, not \(seconds) seconds.")
        }
        let expires = now().adding(seconds: Int64(seconds))
        let wanted = try await ledger.state.machine(machine)
        let state = try await ledger.append(by: user) { _, _ throws(Refusal) in
            .readmissionGranted(ReadmissionGranted(membership: wanted.id, expires: expires))
        }
        guard let grant = state.readmissions[wanted.id] else {
            throw Refusal(.conflict, "\(machine) returned, or was removed by somebody else, at this moment.")
        }
        return grant
    }
}

/// How a machine stands against what it should run: the first that holds, in this order.
package enum MachineState: String, CaseIterable, Hashable, Sendable, Codable {
    /// Kept from following on purpose; its membership and layer stay.
    case disconnected
    /// No connection.
    case offline
    /// It refused its target, and serves what it had.
    case rejected
    /// It applied its target, and is no longer as it was then: services serve another certificate, files are not what was laid out.
    case drifted
    /// On its way to its target.
    case pending
    /// It runs its target, and its services were seen to serve what they should.
    case synced
}

/// One machine held against its target: the state, the reasons for it, and service by service what was seen.
package struct MachineStatus: Hashable, Sendable {
    package var state: MachineState
    /// Why it is not simply pending or synced, one each.
    package var reasons: [String]
    package var target: Target
    /// What it last applied; the target itself when the digests are equal, because machines compare digests.
    package var applied: Target?
    package var services: [ServiceStatus]
    /// Listeners that this machine does not open, and why.
    package var disabled: [DisabledService]
    package var lastHeard: Timestamp?

    /// Judges by the newest target and the machine's own words. Nothing is `synced` for an older target, and none while there are
    /// edits of its own to decide.
    package init(of machine: MachineTarget, record: MachineRecord, isDisconnected: Bool = false, undecided: Int = 0) {
        target = machine.target
        lastHeard = record.lastHeard
        applied = record.appliedDigest == machine.target.digest ? machine.target : record.lastApplied?.target
        let comparison = ServiceComparison(of: machine.configuration, proofs: record.proofs)
        services = comparison.services
        disabled = comparison.disabled
        reasons = []
        if isDisconnected {
            state = .disconnected
        } else if !record.isConnected {
            state = .offline
            reasons = [record.versionObjection].compactMap(\.self)
        } else if case .rejected(let why)? = record.lastRejected?.outcome, record.lastRejected?.target.digest == machine.target.digest {
            state = .rejected
            reasons = why
        } else if undecided > 0 || !record.vouches(for: machine.target.digest) {
            state = .pending
        } else {
            reasons = comparison.objections + record.drift
            state = reasons.isEmpty ? .synced : .drifted
        }
    }
}

/// A service of a machine: what it should serve, and what it was seen to serve.
package struct ServiceStatus: Hashable, Sendable {
    /// `listener/public`, `https/data1`, `delivery`.
    package var service: String
    /// The name of the assigned certificate.
    package var certificate: String
    /// SHA-256 of the leaf that it should serve.
    package var fingerprint: Digest
    /// What the last proof saw; nil for nothing.
    package var served: Digest?
    /// Why it cannot be probed.
    package var unprovable: String?

    package init(service: String, certificate: String, fingerprint: Digest, served: Digest? = nil, unprovable: String? = nil) {
        self.service = service
        self.certificate = certificate
        self.fingerprint = fingerprint
        self.served = served
        self.unprovable = unprovable
    }

    /// Why the service does not count as proved; nil when it does, or cannot be probed.
    package var objection: String? {
        guard unprovable == nil, served != fingerprint else { return nil }
        let meant = "the certificate \(certificate) (\(fingerprint.short))"
        guard let served else { return "\(service) did not answer a TLS handshake; it should serve \(meant)" }
        return "\(service) serves another certificate (\(served.short)) than \(meant)"
    }
}

/// What services should serve, held against what a proof saw.
package struct ServiceComparison: Hashable, Sendable {
    package private(set) var services: [ServiceStatus] = []
    package private(set) var disabled: [DisabledService] = []
    /// Why the configuration does not count as proved, one for each service.
    package private(set) var objections: [String] = []

    package init(of configuration: EffectiveConfiguration, proofs: [ServiceProof]) {
        let seen = Dictionary(proofs.map { ($0.service, $0) }) { first, _ in first }
        do {
            disabled = try configuration.disabledServices()
            services = try configuration.intendedServices().map { intended in
                var status = ServiceStatus(service: intended.service, certificate: intended.certificate, fingerprint: intended.fingerprint)
                status.served = seen[intended.service]?.served
                status.unprovable = seen[intended.service]?.unprovable
                if case .none(let reason) = intended.probe { status.unprovable = reason }
                return status
            }
            objections = services.compactMap(\.objection)
        } catch {
            objections = ["what the machine should serve cannot be read by this version: \(error)"]
        }
    }
}

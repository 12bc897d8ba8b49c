package import ClusterModel

/// What services were seen to serve, held against what they should.
package struct Proofs: Sendable {
    /// For each intended service, in its order, what was seen.
    package let services: [AgentStatus.Service]
    /// The proofs as a receipt carries them.
    package let proofs: [ServiceProof]

    /// Holds proofs, in any order, against the services. A service without one counts as not answering.
    package init(of services: [IntendedService], _ proofs: [ServiceProof]) {
        self.proofs = proofs
        let seen = Dictionary(proofs.map { ($0.service, $0) }) { first, _ in first }
        self.services = services.map { service in
            AgentStatus.Service(
                service: service.service, certificate: service.certificate, fingerprint: service.fingerprint,
                served: seen[service.service]?.served, unprovable: seen[service.service]?.unprovable)
        }
    }

    /// Why the configuration is not proved: one sentence for each service that should be seen to serve its certificate and is not.
    package var objections: [String] {
        services.compactMap { service in
            guard service.unprovable == nil, service.served != service.fingerprint else { return nil }
            let meant = "the certificate \(service.certificate) (\(service.fingerprint.short))"
            guard let served = service.served else {
                return "\(service.service) does not answer a TLS handshake; it should serve \(meant)"
            }
            return "\(service.service) serves another certificate (\(served.short)) than \(meant)"
        }
    }
}

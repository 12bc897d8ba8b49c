package import ClusterModel
package import X509

/// Who one end of a connection is: a SPIFFE ID whose trust domain is the cluster's id.
package enum Identity: Hashable, Sendable {
    /// A machine, for one stay in the cluster.
    case machine(MembershipID)
    /// A manager, by its name.
    case manager(String)

    /// `spiffe://<cluster id>/machine/<membership id>` or `spiffe://<cluster id>/manager/<name>`.
    package func uri(clusterID: String) -> String {
        switch self {
        case .machine(let membership): "spiffe://\(clusterID)/machine/\(membership.rawValue)"
        case .manager(let name): "spiffe://\(clusterID)/manager/\(name)"
        }
    }

    /// Reads exactly what ``uri(clusterID:)`` writes; nil for a query, an escape, an empty or longer path, another case.
    package static func parse(uri: String) -> (clusterID: String, identity: Identity)? {
        guard uri.utf8.count <= 1024, uri.hasPrefix("spiffe://") else { return nil }
        let parts = uri.dropFirst(9).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, isTrustDomain(parts[0]), isPathSegment(parts[2]) else { return nil }
        switch parts[1] {
        case "machine": return (parts[0], .machine(MembershipID(rawValue: parts[2])))
        case "manager": return (parts[0], .manager(parts[2]))
        default: return nil
        }
    }

    /// The identity that a certificate states: its one URI name, in this cluster. Says nothing about who signed it.
    package static func of(_ certificate: Certificate, clusterID: String) throws(Refusal) -> Identity {
        let names: SubjectAlternativeNames?
        do {
            names = try certificate.extensions.subjectAlternativeNames
        } catch {
            throw Refusal(.unauthenticated, "The certificate's names cannot be read.")
        }
        let uris = (names.map(Array.init) ?? []).compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
        guard let uri = uris.first, uris.count == 1 else {
            throw Refusal(.unauthenticated, "The certificate has \(uris.count) URI names; an identity of the cluster has one.")
        }
        guard let (domain, identity) = parse(uri: uri) else {
            throw Refusal(.unauthenticated, "The certificate's URI name \"\(uri.prefix(200))\" is no identity of a cluster.")
        }
        guard domain == clusterID else {
            throw Refusal(.unauthenticated, "The certificate belongs to the cluster \(domain), not to \(clusterID).")
        }
        return identity
    }
}

/// The characters that the SPIFFE ID standard (sections 2.1 and 2.2) allows, capitals only in the path.
private func isTrustDomain(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { isSegmentByte($0) && !(0x41...0x5A).contains($0) }
}

private func isPathSegment(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.allSatisfy(isSegmentByte)
}

private func isSegmentByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-_.".utf8.contains(byte)
    }
}

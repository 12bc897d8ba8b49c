package import ClusterModel

/// What one sender meets at one listener: the terms that hold for a whole session.
package struct SMTPTerms: Hashable, Sendable {
    /// The name of the listener's interface.
    package var hostname: String
    package var tls: MailFlowPolicySetting.TLS
    package var verifiesClients: Bool
    /// Envelope senders that must use TLS: `user@example.com`, `example.com`, or `.example.com` for all below it.
    package var mandatorySenders: [String]
    /// Without a certificate TLS cannot be offered, whatever the policy says.
    package var hasCertificate: Bool

    /// The terms of a policy; without a policy, TLS is off.
    package init(hostname: String, policy: MailFlowPolicySetting?, hasCertificate: Bool) {
        self.hostname = hostname
        tls = policy?.tls ?? .off
        verifiesClients = policy?.verifyClientCertificate ?? false
        mandatorySenders = policy?.tlsMandatorySenders.map { $0.lowercased() } ?? []
        self.hasCertificate = hasCertificate
    }

    package var offersTLS: Bool { tls != .off && hasCertificate }

    /// Whether an envelope sender must use TLS even where the policy lets others go without.
    package func demandsTLS(of sender: String) -> Bool {
        let sender = sender.lowercased()
        guard let at = sender.lastIndex(of: "@") else { return false }
        let domain = sender[sender.index(after: at)...]
        return mandatorySenders.contains { entry in
            // `@example.com` and `@.example.com` are how the ESA writes domains.
            let entry = entry.hasPrefix("@") ? entry.dropFirst() : entry[...]
            if entry.hasSuffix("@") { return sender[...at] == entry }
            if entry.contains("@") { return sender == entry }
            return entry.hasPrefix(".") ? domain.hasSuffix(entry) : domain == entry
        }
    }

    /// Whether a sender's certificate stands in the way of mail.
    ///
    /// As on the ESA: where TLS is required a verified certificate is needed, where it is preferred a sender may
    /// have none, and one that cannot be verified is never good enough.
    package func refuses(_ certificate: ClientCertificate) -> Bool {
        guard verifiesClients else { return false }
        switch certificate {
        case .verified: return false
        case .unverified: return true
        case .none: return tls == .required
        }
    }
}

/// What a client showed in its TLS handshake.
package enum ClientCertificate: Hashable, Sendable {
    case none
    case verified
    case unverified
}

import Certificates

/// Judges the certificates that senders present.
package protocol ClientTrust: Sendable {
    /// Whether a chain, leaf first, each in DER, ends in an authority that is trusted.
    ///
    /// The sender has proved that it holds the leaf's key.
    func trusts(_ chain: [[UInt8]]) async -> Bool
}

/// Trusts the authorities that the operating system trusts.
package struct SystemTrust: ClientTrust {
    package init() {}

    package func trusts(_ chain: [[UInt8]]) async -> Bool {
        await TrustedAuthorities.system.trust(chain)
    }
}

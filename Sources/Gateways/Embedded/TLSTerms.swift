package import ClusterModel
import NIOSSL

/// What a service speaks of TLS: a profile, as this gateway's TLS library keeps it.
package struct TLSTerms: Hashable, Sendable {
    private let minimum: TLSProfileSetting.Version
    private let maximum: TLSProfileSetting.Version
    /// Up to TLS 1.2; nil is the library's own choice.
    private let ciphers: [EmbeddedCipher]?

    /// Throws a refusal that says what of the profile cannot be kept: it is never kept by half.
    package init(_ profile: TLSProfileSetting = TLSProfileSetting()) throws(Refusal) {
        minimum = profile.minimumVersion
        maximum = profile.maximumVersion
        guard profile.cipherSuites.isEmpty || maximum < .tls13 else {
            throw Refusal(
                .invalid,
                "cipherSuites names suites of TLS 1.3, which this gateway's TLS library does not let anybody choose: leave it out")
        }
        // A list that does not read was refused before it was stored, and says nothing to versions that have suites.
        guard minimum < .tls13, let list = profile.ciphers.flatMap(CipherList.init) else {
            ciphers = nil
            return
        }
        ciphers = try EmbeddedCipher.matching(list)
    }

    /// Why a server with this key could speak to nobody; nil when it can.
    package func objection(toKey algorithm: String) -> String? {
        let kind = algorithm.hasPrefix("rsa") ? EmbeddedCipher.Authentication.rsa : .ecdsa
        guard maximum < .tls13, let ciphers, !ciphers.contains(where: { $0.authentication == kind }) else { return nil }
        return "no cipher in the list goes with a key of the kind \(algorithm)"
    }

    func set(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = minimum.inLibrary
        configuration.maximumTLSVersion = maximum.inLibrary
        if let ciphers { configuration.cipherSuites = ciphers.map(\.name).joined(separator: ":") }
    }
}

extension TLSProfileSetting.Version {
    fileprivate var inLibrary: TLSVersion {
        switch self {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}

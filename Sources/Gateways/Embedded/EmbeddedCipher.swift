package import ClusterModel

/// A cipher of the embedded gateway's TLS library, for versions up to TLS 1.2.
///
/// The library is never shown a list that somebody wrote: it ends the process over one that names none of its ciphers. What it gets are
/// names from here. Ciphers without forward secrecy come last; those for shared keys, 3DES and CBC with SHA-256 are left out.
package struct EmbeddedCipher: Hashable, Sendable {
    /// The key that a server proves to have.
    package enum Authentication: Hashable, Sendable {
        case ecdsa
        case rsa
    }

    /// OpenSSL's name.
    package let name: String
    package let authentication: Authentication
    private let bits: Int
    /// The name in the registry, and the words of lists that mean this cipher among others.
    private let words: Set<String>

    package static let all: [EmbeddedCipher] = [
        EmbeddedCipher("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        EmbeddedCipher("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        EmbeddedCipher("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        EmbeddedCipher("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        EmbeddedCipher("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        EmbeddedCipher("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        EmbeddedCipher("ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
        EmbeddedCipher("ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        EmbeddedCipher("ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
        EmbeddedCipher("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
        EmbeddedCipher("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        EmbeddedCipher("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
        EmbeddedCipher("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"), EmbeddedCipher("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ]

    private init(_ name: String, _ registered: String) {
        self.name = name
        authentication = name.hasPrefix("ECDHE-ECDSA") ? .ecdsa : .rsa
        bits = name.contains("AES128") ? 128 : 256
        var words: Set = [name, registered, "ALL", "DEFAULT", "HIGH", authentication == .ecdsa ? "aECDSA" : "aRSA"]
        words.formUnion(name.hasPrefix("ECDHE") ? ["kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH"] : ["kRSA", "RSA"])
        if authentication == .ecdsa { words.insert("ECDSA") }
        words.formUnion(name.contains("CHACHA20") ? ["CHACHA20"] : ["AES", "AES\(bits)"])
        if name.contains("GCM") { words.insert("AESGCM") }
        words.formUnion(name.hasSuffix("-SHA") ? ["SHA1", "SHA", "SSLv3", "TLSv1", "TLSv1.0"] : ["TLSv1.2"])
        self.words = words
    }

    /// What a list comes to with these ciphers, in its order. A word that means none of them changes nothing, as with OpenSSL.
    ///
    /// - Throws: `invalid` when a command is not known, or no cipher is left.
    package static func matching(_ list: CipherList) throws(Refusal) -> [EmbeddedCipher] {
        var chosen: [EmbeddedCipher] = []
        var killed: Set<EmbeddedCipher> = []
        for step in list.steps {
            switch step {
            case .add(let words): chosen += all.filter { $0.has(words) && !killed.contains($0) && !chosen.contains($0) }
            case .move(let words): chosen = chosen.filter { !$0.has(words) } + chosen.filter { $0.has(words) }
            case .remove(let words): chosen.removeAll { $0.has(words) }
            case .kill(let words):
                killed.formUnion(all.filter { $0.has(words) })
                chosen.removeAll(where: killed.contains)
            case .command("STRENGTH"): chosen = chosen.filter { $0.bits == 256 } + chosen.filter { $0.bits != 256 }
            case .command(let word):
                throw Refusal(.invalid, "this gateway's TLS library does not know the command @\(word) in a list of ciphers")
            }
        }
        guard !chosen.isEmpty else {
            throw Refusal(.invalid, "the list of ciphers leaves none that this gateway's TLS library has")
        }
        return chosen
    }

    private func has(_ words: [String]) -> Bool { words.allSatisfy(self.words.contains) }
}

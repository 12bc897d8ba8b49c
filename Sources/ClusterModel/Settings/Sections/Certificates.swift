/// A certificate with its chain, and the fingerprint of its key. Never key bytes: those are sealed blobs.
package struct CertificateSetting: Setting {
    /// How the certificate came to be.
    package enum Origin: String, CaseIterable, Sendable {
        case selfSigned = "self-signed"
        case imported
        case uploaded
        /// The ready-made certificate of a cluster or standalone machine: it encrypts but cannot be verified (mission D6).
        case demo
    }

    package var origin = Origin.selfSigned
    package var key = KeyFacts()
    /// The leaf first, then the intermediates as they were given.
    package var chain: [CertificateFacts] = []
    /// The digest of the chain's PEM text, which is the blob that members lay out.
    package var chainBlob = Digest(hashing: [])
    /// What was asked for, if Muster made the certificate: applying the same request again changes nothing.
    package var request: SelfSignedRequest?

    package init() {}

    package init(origin: Origin, key: KeyFacts, chain: [CertificateFacts], chainBlob: Digest, request: SelfSignedRequest? = nil) {
        self.origin = origin
        self.key = key
        self.chain = chain
        self.chainBlob = chainBlob
        self.request = request
    }

    /// The certificate that a service serves.
    package var leaf: CertificateFacts? { chain.first }

    package static let shape = Shape<CertificateSetting>(
        "A certificate with its chain; the key is named by fingerprint only.",
        [
            .required("origin", \.origin, .choice(Origin.self), "How the certificate came to be."),
            .required("key", \.key, .setting(KeyFacts.self), "The private key, by fingerprint."),
            .required(
                "chain", \.chain, .list(of: .setting(CertificateFacts.self), limit: Limits.chainLength), "The leaf, then its intermediates."
            ),
            .required("chainBlob", \.chainBlob, .digest, "SHA-256 of the chain's PEM text."),
            .optional("request", \.request, .setting(SelfSignedRequest.self), "What was asked for, if the certificate was made here."),
        ],
        initial: CertificateSetting.init)
}

/// A private key, by what may be known of it.
package struct KeyFacts: Setting {
    /// SHA-256 of the public key's SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) in DER.
    package var fingerprint = Digest(hashing: [])
    package var algorithm = ""

    package init() {}

    package init(fingerprint: Digest, algorithm: String) {
        self.fingerprint = fingerprint
        self.algorithm = algorithm
    }

    package static let shape = Shape<KeyFacts>(
        "A private key, by fingerprint.",
        [
            .required("fingerprint", \.fingerprint, .digest, "SHA-256 of the public key (SubjectPublicKeyInfo, DER)."),
            .required("algorithm", \.algorithm, .text("a key algorithm such as ecdsa-p256"), "The key's algorithm and size."),
        ],
        initial: KeyFacts.init)
}

/// What the model knows of one X.509 certificate, so that it can judge without reading X.509.
package struct CertificateFacts: Setting {
    /// SHA-256 of the certificate in DER: what `openssl x509 -fingerprint -sha256` prints.
    package var fingerprint = Digest(hashing: [])
    package var subject = ""
    package var issuer = ""
    package var serial = ""
    package var notBefore = Timestamp(seconds: 0)
    package var notAfter = Timestamp(seconds: 0)
    /// Subject alternative names: DNS names and addresses.
    package var names: [String] = []
    package var isAuthority = false
    /// The signature's algorithm, as `ecdsa-with-sha256` or by its object identifier.
    package var signature = ""
    /// The subject's most specific common name; empty without one.
    package var commonName = ""
    /// The key's algorithm and size, as `rsa-2048`; empty in facts that were kept before this and the following were known.
    package var keyAlgorithm = ""
    /// SHA-256 of the key's SubjectPublicKeyInfo in DER.
    package var keyFingerprint: Digest?
    /// What the certificate calls its key and that of its issuer (RFC 5280, sections 4.2.1.1 and 4.2.1.2), in hexadecimal digits.
    package var keyID = ""
    package var issuerKeyID = ""
    /// What the key may be used for, as `digitalSignature`; empty where the certificate does not restrict it.
    package var keyUsage: [String] = []
    /// Purposes, as `serverAuth` or by object identifier; empty where the certificate does not restrict them.
    package var extendedKeyUsage: [String] = []
    /// The fingerprint of the certificate in the same chain whose key made this one's signature: its own, if it signed itself.
    package var signer: Digest?

    package init() {}

    /// Whether all is known that findings go by: false for facts that an older version kept.
    package var isDetailed: Bool { !keyAlgorithm.isEmpty }

    /// Whether subject and issuer are one.
    package var isSelfIssued: Bool { subject == issuer }

    /// Whether the certificate is signed by its own key. Where that is not known, it is if subject and issuer are one and no key identifier
    /// says otherwise.
    package var isSelfSigned: Bool {
        guard isSelfIssued else { return false }
        if let signer { return signer == fingerprint }
        return issuerKeyID.isEmpty || keyID.isEmpty || issuerKeyID == keyID
    }

    package static let shape = Shape<CertificateFacts>(
        "What is known of one X.509 certificate.",
        [
            .required("fingerprint", \.fingerprint, .digest, "SHA-256 of the certificate in DER."),
            .required("subject", \.subject, .text("a distinguished name", limit: 4096, where: { _ in true }), "Who it speaks for."),
            .required("issuer", \.issuer, .text("a distinguished name", limit: 4096, where: { _ in true }), "Who signed it."),
            .required("serial", \.serial, .text("a serial number"), "The serial number in hexadecimal digits."),
            .required("notBefore", \.notBefore, .timestamp, "When it becomes valid."),
            .required("notAfter", \.notAfter, .timestamp, "When it expires."),
            .standard("names", \.names, .list(of: .text("a name", limit: 1024)), [], "Its subject alternative names."),
            .standard("isAuthority", \.isAuthority, .boolean, false, "Whether it may sign others."),
            .required("signature", \.signature, .text("an algorithm"), "The signature's algorithm."),
            .standard("commonName", \.commonName, .text("a common name"), "", "The subject's common name."),
            .standard("keyAlgorithm", \.keyAlgorithm, .text("a key algorithm such as rsa-2048"), "", "The key's algorithm and size."),
            .optional("keyFingerprint", \.keyFingerprint, .digest, "SHA-256 of the public key (SubjectPublicKeyInfo, DER)."),
            .standard("keyID", \.keyID, .text("hexadecimal digits"), "", "The subject key identifier."),
            .standard("issuerKeyID", \.issuerKeyID, .text("hexadecimal digits"), "", "The authority key identifier."),
            .standard(
                "keyUsage", \.keyUsage, .list(of: .text("a use such as digitalSignature")), [], "What the key may do; empty for anything."),
            .standard(
                "extendedKeyUsage", \.extendedKeyUsage, .list(of: .text("a purpose such as serverAuth")), [],
                "What the certificate may be used for; empty for anything."),
            .optional("signer", \.signer, .digest, "The certificate of the same chain that signed it, by fingerprint."),
        ],
        initial: CertificateFacts.init)
}

/// The kinds of keys that Muster makes (mission D1).
package enum KeyAlgorithm: String, CaseIterable, Sendable, Codable {
    case ecdsaP256 = "ecdsa-p256"
    case ecdsaP384 = "ecdsa-p384"
    case rsa2048 = "rsa-2048"
    case rsa3072 = "rsa-3072"
    case rsa4096 = "rsa-4096"
    case ed25519
}

/// A request for a self-signed certificate.
package struct SelfSignedRequest: Setting {
    package var commonName = ""
    package var names: [String] = []
    package var days = 365
    package var key = KeyAlgorithm.ecdsaP256
    package var organization: String?
    package var organizationalUnit: String?
    package var locality: String?
    package var state: String?
    package var country: String?

    package init() {}

    package init(commonName: String, names: [String] = [], days: Int = 365, key: KeyAlgorithm = .ecdsaP256) {
        self.commonName = commonName
        self.names = names
        self.days = days
        self.key = key
    }

    package static let shape = Shape<SelfSignedRequest>(
        "A request for a self-signed certificate.",
        [
            .required("commonName", \.commonName, .text("a host name", limit: 64), "The common name: the host name it speaks for."),
            .standard(
                "names", \.names, .list(of: .text("a host name or an address", limit: Limits.domainLength), limit: Limits.certificateNames),
                [],
                "Subject alternative names besides the common name."),
            .standard("days", \.days, .integer(1...Limits.certificateDays), 365, "Days until it expires."),
            .standard("key", \.key, .choice(KeyAlgorithm.self), .ecdsaP256, "The key's algorithm and size."),
            .optional("organization", \.organization, .text("a text", limit: 64), "O: the organization."),
            .optional("organizationalUnit", \.organizationalUnit, .text("a text", limit: 64), "OU: the unit within it."),
            .optional("locality", \.locality, .text("a text", limit: 64), "L: the city."),
            .optional("state", \.state, .text("a text", limit: 64), "ST: the state or province."),
            .optional(
                "country", \.country, .text("a code of two letters", limit: 2, where: { $0.utf8.count == 2 }), "C: the country's code."),
        ],
        initial: SelfSignedRequest.init)
}

extension CertificateSetting {
    /// The name of the ready-made certificate, which every cluster and every standalone machine has (mission D6).
    package static let demoName = "demo"

    /// Refuses the one name that nobody may give: what is called so must be known everywhere for what it is.
    package static func check(ownName name: String) throws(Refusal) {
        guard name != demoName else {
            throw Refusal(
                .invalid,
                "The name \"\(demoName)\" is reserved for the ready-made certificate, which is neither replaced nor taken away. Choose another name."
            )
        }
    }

    /// The same for a value: the ready-made certificate of a cluster may move with it, from one manager to another, and is the only one
    /// that has the name.
    package static func check(ownName name: String, at level: Level.Kind, value: JSONValue?) throws(Refusal) {
        if level == .cluster, value?["origin"]?.text == Origin.demo.rawValue { return }
        try check(ownName: name)
    }
}

extension SectionName {
    package static let certificates = SectionName(rawValue: "certificates")
}

extension Section {
    package static let certificates = Section(
        .certificates, of: CertificateSetting.self, naming: .named(.plain),
        rule: { certificate, path throws(SettingError) in
            guard !certificate.chain.isEmpty else {
                throw SettingError(path.appending("chain"), "the chain is empty", expected: "at least the certificate itself")
            }
        })
}

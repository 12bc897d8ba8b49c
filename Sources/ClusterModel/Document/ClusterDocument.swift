/// Settings of a cluster as one file has them: what `save` writes and `apply` reads.
///
/// A document speaks only of what it names: `apply` replaces exactly its (level, section) pairs. Entries are in
/// normal form and sections are at levels that they have; whoever builds one in code calls ``check()``.
package struct ClusterDocument: Hashable, Sendable {
    /// The cluster that the document is meant for; nil for any.
    package var cluster: String?
    /// Groups that are to exist, in the document's order.
    package var groups: [String]
    /// The entries of each section that the document names. A section named without entries is emptied at that level.
    package var settings: [Level: [SectionName: [String: DocumentEntry]]]
    /// The sections of ``settings`` in which nothing is inherited at that level.
    package var isolated: [Level: Set<SectionName>]
    /// How the keys in it are sealed; nil for a document that holds none.
    package var sealing: DocumentSealing?

    package init(
        cluster: String? = nil, groups: [String] = [],
        settings: [Level: [SectionName: [String: DocumentEntry]]] = [:], isolated: [Level: Set<SectionName>] = [:],
        sealing: DocumentSealing? = nil
    ) {
        self.sealing = sealing
        self.cluster = cluster
        self.groups = groups
        self.settings = settings
        self.isolated = isolated
    }

    /// What a document writes in place of an entry that is hidden: `bank.example: hidden`.
    package static let hiddenWord = "hidden"
    /// The key by which a section says that it inherits nothing: `$isolated: true`. No name begins with a dollar sign.
    package static let isolatedKey = "$isolated"
}

/// What a document says about one entry.
package enum DocumentEntry: Hashable, Sendable {
    /// The entry has this value, in normal form.
    case value(JSONValue)
    /// The entry does not exist from this level down.
    case hidden
    /// The entry is a certificate, from this source.
    case certificate(CertificateSource)
    /// The entry is a list of authorities, from this file: certificates in PEM, or one in DER.
    case authorities(file: [UInt8])
}

/// Where the certificate of a document comes from.
package enum CertificateSource: Hashable, Sendable {
    /// A request, fulfilled if the entry is missing or was made for another request.
    case selfSigned(SelfSignedRequest)
    /// A PKCS#12 file with certificate, key and intermediates.
    case pkcs12(bytes: [UInt8], password: String)
    /// The chain and the key as PEM texts.
    case pem(chain: String, key: String)
    /// A ``CertificateSetting`` as it is stored, without its key: taken where the cluster holds that key.
    case masked(JSONValue)
    /// The same with its chain and its sealed key, which the document's password opens.
    case sealed(SealedCertificate)
    /// The same, opened.
    case restored(RestoredCertificate)
}

// MARK: - What people and logs see

extension CertificateSource: CustomStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .selfSigned(let request): "selfSigned(\(request.commonName))"
        case .pkcs12: "pkcs12(<redacted>)"
        case .pem: "pem(<redacted>)"
        case .masked: "masked"
        case .sealed: "sealed"
        case .restored: "restored(<redacted>)"
        }
    }

    /// Shows no children, so that `dump` finds no password.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

// MARK: - The document's own form

extension ClusterDocument {
    /// The form that a file has, for ``YAMLText`` or as canonical JSON.
    ///
    /// A certificate from a PKCS#12 or PEM file has no written form, because its secrets stay where they are: it
    /// is written as `pkcs12: <redacted>`, which does not read back. So is one whose sealed key was opened. A list of authorities has no
    /// secrets, and is written as its text.
    package var json: JSONValue {
        var members: [String: JSONValue] = [:]
        members["cluster"] = cluster.map(JSONValue.string)
        members["sealing"] = sealing?.json
        if !groups.isEmpty { members["groups"] = .array(groups.map(JSONValue.string)) }
        var levels: [String: JSONValue] = [:]
        for (level, sections) in settings {
            var written: [String: JSONValue] = [:]
            for (name, entries) in sections {
                let isIsolated = isolated[level]?.contains(name) ?? false
                written[name.rawValue] = ClusterDocument.json(of: entries, in: Section.named(name), isIsolated: isIsolated)
            }
            levels[level.description] = .object(written)
        }
        members["settings"] = .object(levels)
        return .object(members)
    }

    /// One section's form: a map of entries, or for a single-valued section the entry itself, and nothing for none.
    private static func json(of entries: [String: DocumentEntry], in section: Section?, isIsolated: Bool) -> JSONValue {
        var members: [String: JSONValue] = entries.mapValues(\.json)
        if case .single? = section?.naming {
            guard let only = members[EntryNaming.onlyEntry] else { return isIsolated ? [isolatedKey: true] : .null }
            // Isolation alone says that there is no entry, so one without fields, or hidden, stands there by its name beside it.
            if case .object(let fields) = only, !fields.isEmpty || !isIsolated { members = fields } else if !isIsolated { return only }
        }
        if isIsolated { members[isolatedKey] = true }
        return .object(members)
    }
}

extension DocumentEntry {
    /// The entry's form in a document.
    package var json: JSONValue {
        switch self {
        case .value(let value), .certificate(.masked(let value)): value
        case .hidden: .string(ClusterDocument.hiddenWord)
        case .certificate(.selfSigned(let request)): ["selfSigned": request.json]
        case .certificate(.pkcs12): ["pkcs12": "<redacted>"]
        case .certificate(.pem): ["pem": "<redacted>"]
        case .authorities(let file): ["pem": String(validating: file, as: UTF8.self).map(JSONValue.string) ?? "<a file in DER>"]
        case .certificate(.sealed(let certificate)): ["sealed": certificate.json]
        case .certificate(.restored): ["sealed": "<redacted>"]
        }
    }
}

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A document travels in an API request with its files inlined, the bytes of PKCS#12 files in base64. This form
/// holds secrets, and it is not the form that `save` writes: that is ``ClusterDocument/json``.
extension ClusterDocument: Codable {
    private enum Key: String, CodingKey { case cluster, groups, settings, isolated, sealing }

    /// Decodes and checks: what decodes is as sound as what was read from a file.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            cluster: try container.decodeIfPresent(String.self, forKey: .cluster),
            groups: try container.decodeIfPresent([String].self, forKey: .groups) ?? [])
        let levels = try container.decodeIfPresent([String: [String: [String: DocumentEntry]]].self, forKey: .settings) ?? [:]
        for (level, sections) in levels {
            let named = sections.map { (SectionName(rawValue: $0.key), $0.value) }
            settings[try Level(parsing: level)] = Dictionary(named) { first, _ in first }
        }
        if let json = try container.decodeIfPresent(JSONValue.self, forKey: .sealing) {
            sealing = try DocumentSealing(json, at: SettingPath("sealing"))
        }
        for (level, sections) in try container.decodeIfPresent([String: Set<String>].self, forKey: .isolated) ?? [:] {
            isolated[try Level(parsing: level)] = Set(sections.map(SectionName.init(rawValue:)))
        }
        try check()
    }

    package func encode(to encoder: any Encoder) throws {
        var levels: [String: [String: [String: DocumentEntry]]] = [:]
        for (level, sections) in settings {
            let named = sections.map { ($0.key.rawValue, $0.value) }
            levels[level.description] = Dictionary(named) { first, _ in first }
        }
        let alone = isolated.map { ($0.key.description, $0.value.map(\.rawValue).sorted()) }
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(cluster, forKey: .cluster)
        try container.encode(groups, forKey: .groups)
        try container.encode(levels, forKey: .settings)
        try container.encode(Dictionary(alone) { first, _ in first }, forKey: .isolated)
        try container.encodeIfPresent(sealing?.json, forKey: .sealing)
    }
}

extension DocumentEntry: Codable {
    private enum Key: String, CodingKey { case value, hidden, certificate, authorities }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard container.allKeys.count == 1, let kind = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "expected one of value, hidden, certificate and authorities"))
        }
        switch kind {
        case .value: self = .value(try container.decode(JSONValue.self, forKey: .value))
        case .hidden: self = .hidden
        case .certificate: self = .certificate(try container.decode(CertificateSource.self, forKey: .certificate))
        case .authorities:
            guard let file = Data(base64Encoded: try container.decode(String.self, forKey: .authorities)) else {
                throw DecodingError.dataCorruptedError(forKey: .authorities, in: container, debugDescription: "not base64")
            }
            self = .authorities(file: Array(file))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .value(let value): try container.encode(value, forKey: .value)
        case .hidden: try container.encode(true, forKey: .hidden)
        case .certificate(let source): try container.encode(source, forKey: .certificate)
        case .authorities(let file): try container.encode(Data(file).base64EncodedString(), forKey: .authorities)
        }
    }
}

extension CertificateSource: Codable {
    private enum Key: String, CodingKey { case selfSigned, pkcs12, pem, masked, sealed, restored }
    private enum FileKey: String, CodingKey { case bytes, password, chain, key, certificate }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard container.allKeys.count == 1, let kind = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "expected one of selfSigned, pkcs12, pem, masked and restored"))
        }
        switch kind {
        case .selfSigned:
            let request = try container.decode(JSONValue.self, forKey: .selfSigned)
            self = .selfSigned(try SelfSignedRequest(request, at: SettingPath("selfSigned")))
        case .pkcs12:
            let file = try container.nestedContainer(keyedBy: FileKey.self, forKey: .pkcs12)
            guard let bytes = Data(base64Encoded: try file.decode(String.self, forKey: .bytes)) else {
                throw DecodingError.dataCorruptedError(forKey: .bytes, in: file, debugDescription: "not base64")
            }
            self = .pkcs12(bytes: Array(bytes), password: try file.decode(String.self, forKey: .password))
        case .pem:
            let file = try container.nestedContainer(keyedBy: FileKey.self, forKey: .pem)
            self = .pem(chain: try file.decode(String.self, forKey: .chain), key: try file.decode(String.self, forKey: .key))
        case .masked:
            self = .masked(try container.decode(JSONValue.self, forKey: .masked))
        case .sealed:
            self = .sealed(try SealedCertificate(try container.decode(JSONValue.self, forKey: .sealed), at: SettingPath("sealed")))
        case .restored:
            let parts = try container.nestedContainer(keyedBy: FileKey.self, forKey: .restored)
            self = .restored(
                RestoredCertificate(
                    setting: try parts.decode(JSONValue.self, forKey: .certificate), chain: try parts.decode(String.self, forKey: .chain),
                    key: try parts.decode(String.self, forKey: .key)))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .selfSigned(let request):
            try container.encode(request.json, forKey: .selfSigned)
        case .pkcs12(let bytes, let password):
            var file = container.nestedContainer(keyedBy: FileKey.self, forKey: .pkcs12)
            try file.encode(Data(bytes).base64EncodedString(), forKey: .bytes)
            try file.encode(password, forKey: .password)
        case .pem(let chain, let key):
            var file = container.nestedContainer(keyedBy: FileKey.self, forKey: .pem)
            try file.encode(chain, forKey: .chain)
            try file.encode(key, forKey: .key)
        case .masked(let value):
            try container.encode(value, forKey: .masked)
        case .sealed(let certificate):
            try container.encode(certificate.json, forKey: .sealed)
        case .restored(let restored):
            var parts = container.nestedContainer(keyedBy: FileKey.self, forKey: .restored)
            try parts.encode(restored.setting, forKey: .certificate)
            try parts.encode(restored.chain, forKey: .chain)
            try parts.encode(restored.key, forKey: .key)
        }
    }
}

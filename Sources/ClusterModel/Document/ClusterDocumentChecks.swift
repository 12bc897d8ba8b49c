extension ClusterDocument {
    /// Refuses what no document may say, wherever it came from: unknown sections, wrong levels, bad names, values
    /// that do not read, more than ``Limits`` allow. Values are put in normal form.
    ///
    /// `DocumentReader` finds the same faults earlier, with their lines.
    package mutating func check() throws(Refusal) {
        if let cluster { _ = try NameRule.plain.check(cluster, as: "The cluster name") }
        for group in groups { _ = try NameRule.plain.check(group, as: "The group name") }
        guard groups.count <= Limits.groups else { throw Refusal(.limit, "The document has more than \(Limits.groups) groups.") }
        guard Set(groups).count == groups.count else { throw Refusal(.invalid, "The document names a group twice.") }
        for (level, sections) in settings {
            for (name, entries) in sections {
                let section = try Section.known(name)
                guard entries.count <= Limits.entries else {
                    throw Refusal(.limit, "\(level) has more than \(Limits.entries) entries in \(name).")
                }
                try section.check(level: level.kind)
                var named: [String: DocumentEntry] = [:]
                for (entry, content) in entries {
                    try section.check(entry: entry, at: level.kind)
                    if name == .certificates { try CertificateSetting.check(ownName: entry, at: level.kind, value: content.storedForm) }
                    let path = SettingPath("settings", level.description, name.rawValue, entry)
                    let checked = try content.checked(in: section, at: path)
                    guard named.updateValue(checked, forKey: section.normalName(of: entry)) == nil else {
                        throw Refusal(.invalid, "\(path): this name is there twice; upper and lower case are the same.")
                    }
                }
                settings[level]?[name] = named
            }
        }
        for (level, sections) in isolated {
            for section in sections where settings[level]?[section] == nil {
                throw Refusal(.invalid, "\(level) isolates \(section) and does not name it in its settings.")
            }
        }
    }
}

extension Section {
    /// Refuses a kind of level that the section does not have.
    package func check(level: Level.Kind) throws(Refusal) {
        guard levels.contains(level) else {
            let right = levels.map(\.rawValue).joined(separator: " or ")
            throw Refusal(.wrongLevel, "\(name) cannot be set at \(level.rawValue) level: it exists at \(right) level only.")
        }
    }
}

extension DocumentEntry {
    /// The same entry in normal form, or a refusal.
    fileprivate func checked(in section: Section, at path: SettingPath) throws(Refusal) -> DocumentEntry {
        switch self {
        case .hidden:
            if section.name == .authorities { try AuthoritySetting.check(hiding: path.name ?? "") }
            return self
        case .value(let value) where section.name == .certificates:
            return .certificate(.masked(try section.normalForm(of: value, at: path)))
        case .value(let value):
            return .value(try section.normalForm(of: value, at: path))
        case .certificate(let source):
            guard section.name == .certificates else {
                throw Refusal(.invalid, "\(path): a certificate does not belong in \(section.name).")
            }
            return .certificate(try source.checked(in: section, at: path))
        case .authorities(let file):
            guard section.name == .authorities, path.name != AuthoritySetting.systemName else {
                throw Refusal(.invalid, "\(path): a list of authorities does not belong here.")
            }
            guard file.count <= Limits.certificateFileBytes else {
                throw Refusal(.limit, "\(path): the list of authorities has over \(Limits.certificateFileBytes) bytes.")
            }
            return self
        }
    }
}

extension DocumentEntry {
    /// What the cluster would store, where the document says it.
    fileprivate var storedForm: JSONValue? {
        switch self {
        case .value(let value), .certificate(.masked(let value)): value
        case .certificate(.restored(let restored)): restored.setting
        default: nil
        }
    }
}

extension CertificateSource {
    fileprivate func checked(in section: Section, at path: SettingPath) throws(Refusal) -> CertificateSource {
        let size =
            switch self {
            case .pkcs12(let bytes, let password): max(bytes.count, password.utf8.count)
            case .pem(let chain, let key): max(chain.utf8.count, key.utf8.count)
            case .restored(let restored): max(restored.chain.utf8.count, restored.key.utf8.count)
            case .selfSigned, .masked, .sealed: 0
            }
        guard size <= Limits.certificateFileBytes else {
            throw Refusal(.limit, "\(path): a file has over \(Limits.certificateFileBytes) bytes.")
        }
        switch self {
        case .selfSigned, .pkcs12, .pem: return self
        case .masked(let value): return .masked(try section.normalForm(of: value, at: path))
        case .restored(var restored):
            restored.setting = try section.normalForm(of: restored.setting, at: path)
            return .restored(restored)
        case .sealed:
            throw Refusal(.invalid, "\(path): the key is sealed. Give the document's password: muster apply --password-file FILE")
        }
    }
}

extension Section {
    /// ``normalize`` with the limit on an entry's size, and its error as a refusal.
    fileprivate func normalForm(of value: JSONValue, at path: SettingPath) throws(Refusal) -> JSONValue {
        do throws(SettingError) {
            let normal = try normalize(value, path)
            guard normal.canonicalBytes.count <= Limits.entryBytes else {
                throw SettingError(path, "this entry is too large", expected: "at most \(Limits.entryBytes) bytes")
            }
            return normal
        } catch {
            throw Refusal(.invalid, "\(error).")
        }
    }
}

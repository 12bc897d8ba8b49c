import ArgumentParser
import Certificates
import ClusterModel
import MemberAgent
import Replication

/// `muster agent set`
struct AgentSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set fields of an entry on a standalone or disconnected machine; fields not named stay as they are.",
        discussion: """
            Sections, entries and fields are called as in documents: see muster agent show. A field inside a field is written with a \
            dot, a list in JSON, and a certificate is taken from its files. A running agent puts it in force within a second or two, and \
            puts back what the gateway rejects. On a disconnected machine it counts until somebody decides about it in the cluster.

              muster agent set listeners/public port=2525 --state-dir DIR
              muster agent set interfaces/data1 https.port=8443 --state-dir DIR
              muster agent set certificates/mail --pkcs12 mail.p12 \\
                  --password-file mail.pw --state-dir DIR
            """)

    @Argument(help: ArgumentHelp("The entry.", valueName: "section/entry"))
    var path: EntryPath

    @Argument(help: ArgumentHelp("Fields to set, each as field=value.", valueName: "field=value"))
    var fields: [FieldAssignment] = []

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var files: IdentityFileOptions

    @Option(help: ArgumentHelp("A PEM file with the private key.", valueName: "file"))
    var key: String?

    @OptionGroup var place: AgentPlace

    func validate() throws {
        let isCertificate = files.pkcs12 != nil || files.pem != nil || key != nil
        guard isCertificate == (path.section == .certificates) else {
            throw ValidationError("Files go with certificates/NAME, and fields with entries of other sections.")
        }
        guard isCertificate == (fields.isEmpty && clearing.clear.isEmpty) else {
            throw ValidationError(
                isCertificate ? "A certificate has no fields to set." : "Say what to set, as field=value, or what to clear: --clear FIELD.")
        }
        guard !isCertificate || ((files.pkcs12 == nil) != (files.pem == nil) && (files.pem == nil) == (key == nil)) else {
            throw ValidationError("Give --pkcs12 FILE, or --pem FILE with --key FILE.")
        }
    }

    func run() async throws {
        try await exiting {
            let section = try Section.known(path.section)
            let entry = section.normalName(of: try path.requiredEntry())
            try place.change { current in
                guard let identity = try files.request(at: .cluster, name: entry, key: key)?.identity() else {
                    let value = try changed(current[section.name, entry]?.value, of: section)
                    return (current.setting(section.name, entry, to: value), [])
                }
                let material = [
                    Material(kind: .key, digest: identity.key.facts.fingerprint, pem: Array(identity.key.pem.utf8)),
                    Material(kind: .chain, digest: identity.chain.blob, pem: Array(identity.chain.pem.utf8)),
                ]
                return (current.setting(section.name, entry, to: identity.setting().json), material)
            }
        }
    }

    private func changed(_ value: JSONValue?, of section: Section) throws -> JSONValue {
        var value = value ?? .object([:])
        for field in fields { value = try field.assigned(in: value, section) }
        for field in clearing.clear { value = value.setting(field.split(separator: ".").map(String.init)[...], to: nil) }
        return value
    }
}

/// `muster agent unset`
struct AgentUnset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Take an entry away from a standalone or disconnected machine.",
        discussion: """
              muster agent unset destinations/bank.example --state-dir DIR
            """)

    @Argument(help: ArgumentHelp("The entry.", valueName: "section/entry"))
    var path: EntryPath

    @OptionGroup var place: AgentPlace

    func run() async throws {
        try await exiting {
            let section = try Section.known(path.section)
            let entry = section.normalName(of: try path.requiredEntry())
            if section.name == .authorities { try AuthoritySetting.check(hiding: entry) }
            try place.change { current in
                guard current[section.name, entry] != nil else {
                    throw Refusal(.notFound, "This machine has no \(section)/\(entry). See what it has: muster agent show")
                }
                return (current.setting(section.name, entry, to: nil), [])
            }
        }
    }
}

extension AgentPlace {
    /// Changes what the machine itself may change, and says what comes of it.
    func change(_ change: OwnChange) throws {
        let generation = try directory.changeOwn(now: systemClock(), change)
        let edits = generation.edits.count
        let apart =
            edits == 0 ? "" : " This machine has \(edits) local \(edits == 1 ? "edit" : "edits"), to be decided when it is reconnected."
        Output.line(
            "Laid out \(generation.settings.digest.short). A running agent applies it now; see: muster agent status --state-dir \(stateDir).\(apart)"
        )
    }
}

/// A field and what it is set to, as a command is given it: `port=2525`, `https.port=443`, `senderGroups=[…]`.
struct FieldAssignment: ExpressibleByArgument {
    var field: String
    var text: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        (field, text) = (parts[0], parts[1])
    }

    /// A value with the field in it. What kind of value the text means is the section's to say.
    func assigned(in value: JSONValue, _ section: Section) throws(Refusal) -> JSONValue {
        let path = field.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        var schema: JSONValue? = section.schema
        for part in path {
            guard let inner = schema?["properties"]?[part] else {
                let known = (schema?["properties"]?.members ?? [:]).keys.sorted().joined(separator: ", ")
                throw Refusal(.invalid, "There is no field \"\(field.prefix(Limits.nameLength))\" in \(section). The fields are \(known).")
            }
            schema = inner
        }
        // A text is a text, whatever it looks like.
        if schema?["type"]?.text == "string" { return value.setting(path[...], to: .string(text)) }
        do {
            return value.setting(path[...], to: try JSONValue(parsing: text.utf8))
        } catch {
            return value.setting(path[...], to: .string(text))
        }
    }
}

extension JSONValue {
    /// With another value at a place below; nil takes it away.
    fileprivate func setting(_ path: ArraySlice<String>, to value: JSONValue?) -> JSONValue {
        guard let first = path.first else { return value ?? .null }
        var members = self.members ?? [:]
        if path.count == 1 {
            members[first] = value
        } else if value != nil || members[first] != nil {
            members[first] = (members[first] ?? .object([:])).setting(path.dropFirst(), to: value)
        }
        return .object(members)
    }
}

extension EffectiveConfiguration {
    /// With another value of one entry; nil takes it away.
    fileprivate func setting(_ section: SectionName, _ name: String, to value: JSONValue?) -> EffectiveConfiguration {
        var entries = self[section]?.entries.filter { $0.name != name } ?? []
        if let value { entries.append(EffectiveEntry(section: section, name: name, value: value, origin: Generation.ownOrigin)) }
        let others = sections.filter { $0.name != section }
        return EffectiveConfiguration(sections: others + (entries.isEmpty ? [] : [EffectiveSection(name: section, entries: entries)]))
    }
}

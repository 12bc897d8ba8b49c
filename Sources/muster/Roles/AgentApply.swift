import ArgumentParser
import Certificates
import ClusterDocuments
import ClusterModel
import MemberAgent
import Replication

/// `muster agent apply`
struct AgentApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Set a standalone or disconnected machine's settings from a document.",
        discussion: """
            Takes the sections that the document names at "cluster" and at "machine/NAME" (the machine's own level wins) and replaces
            them; others stay. A running agent puts them in force within a second or two, and puts back what the gateway rejects. On a
            disconnected machine, what differs counts until somebody decides about it in the cluster: muster machine conflicts.

              muster agent apply --state-dir DIR -f settings.yaml
            """)

    @OptionGroup var place: AgentPlace

    @Option(name: .shortAndLong, help: ArgumentHelp("The document.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("A file whose first line is the password of the sealed keys in the document.", valueName: "file"))
    var passwordFile: String?

    func run() async throws {
        try await exiting {
            let directory = place.directory
            var document = try await DocumentFile.read(file, passwordFile: passwordFile)
            try document.check()
            let machine = try directory.machine().name
            let taking = StandaloneDocument(machine: machine, now: systemClock())
            try place.change { [document] in try taking.settings(document, over: $0) }
        }
    }
}

/// A document as a standalone machine takes it: two levels become the machine's own settings.
struct StandaloneDocument {
    let machine: String
    let now: Timestamp

    func settings(_ document: ClusterDocument, over current: EffectiveConfiguration) throws -> (EffectiveConfiguration, [Material]) {
        let levels: [Level] = [.cluster, .machine(machine)]
        for level in document.settings.keys.sorted() where !levels.contains(level) {
            throw Refusal(.wrongLevel, "A standalone machine has no level \(level). Use cluster or machine/\(machine).")
        }
        var sections = Dictionary(
            uniqueKeysWithValues: current.sections.map { section in
                (section.name, Dictionary(uniqueKeysWithValues: section.entries.map { ($0.name, $0.value) }))
            })
        let before = sections[.certificates] ?? [:]
        for name in Set(levels.flatMap { document.settings[$0]?.keys.map { $0 } ?? [] }) {
            // The ready-made certificate is not the document's to speak of.
            sections[name] = name == .certificates ? before.filter { $0.key == CertificateSetting.demoName } : [:]
        }
        var material: [Material] = []
        for level in levels {
            for (section, entries) in document.settings[level] ?? [:] {
                for (name, entry) in entries {
                    sections[section, default: [:]][name] = try value(entry, name: name, before: before, &material)
                }
            }
        }
        let origin = EffectiveEntry.Origin(layer: .machine(MembershipID(rawValue: "standalone")), revision: 0)
        let configuration = EffectiveConfiguration(
            sections: sections.map { name, entries in
                EffectiveSection(
                    name: name, entries: entries.map { EffectiveEntry(section: name, name: $0.key, value: $0.value, origin: origin) })
            })
        return (configuration, material)
    }

    /// Nil for a hidden entry.
    private func value(
        _ entry: DocumentEntry, name: String, before: [String: JSONValue], _ material: inout [Material]
    ) throws -> JSONValue? {
        switch entry {
        case .value(let value): return value
        case .hidden: return nil
        case .certificate(.masked(let value)): return value
        case .authorities(let file):
            let list = try AuthorityList(bundle: file)
            try list.check(at: now)
            material.append(Material(kind: .chain, digest: list.blob, pem: Array(list.pem.utf8)))
            return list.setting.json
        case .certificate(.sealed):
            throw Refusal(.invalid, "The certificate \(name) has a sealed key. Give its password: --password-file FILE")
        case .certificate(.restored(let restored)):
            let (setting, key, chain) = try restored.identity()
            material += StandaloneDocument.material(key, chain)
            return setting.json
        case .certificate(.selfSigned(let request)):
            // A value that does not read was made for no request.
            if let old = before[name], let setting = try? CertificateSetting(old), setting.request == request { return old }
            let made = try makeSelfSigned(request, now: now)
            material += StandaloneDocument.material(made.key, made.chain)
            return made.setting.json
        case .certificate(.pkcs12(let bytes, let password)):
            let identity = try PKCS12.read(bytes, password: password)
            material += StandaloneDocument.material(identity.key, identity.chain)
            return identity.setting().json
        case .certificate(.pem(let chain, let key)):
            let identity = try ImportedIdentity(keyPEM: key, chainPEM: chain)
            material += StandaloneDocument.material(identity.key, identity.chain)
            return identity.setting().json
        }
    }

    private static func material(_ key: PrivateKey, _ chain: CertificateChain) -> [Material] {
        [
            Material(kind: .key, digest: key.facts.fingerprint, pem: Array(key.pem.utf8)),
            Material(kind: .chain, digest: chain.blob, pem: Array(chain.pem.utf8)),
        ]
    }
}

import AdminContract
import Certificates
import ClusterDocuments
import ClusterModel
import ClusterService
import FoundationEssentials
import Testing

/// A cluster with every kind of certificate and override, on two machines.
private func furnished() async throws -> Desk {
    let desk = try await Desk.make()
    _ = try await desk.admin.addGroup(GroupRequest(name: "eu"), for: desk.caller)
    for machine in ["mx1", "mx2"] { try await desk.join(machine) }
    for (name, level) in [("mail", Level.cluster), ("mail", .machine("mx1")), ("regional", .group("eu"))] {
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: level, name: name, request: SelfSignedRequest(commonName: "mail.example.com"), replace: false),
            for: desk.caller)
    }
    try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
    try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"])
    try await desk.set(.destinations, "bank.example", ["tls": "required"])
    try await desk.set(.delivery, "settings", ["certificate": "demo"])
    let root = try ClusterAuthority.create(clusterID: "partner", clusterName: "Partner", now: desk.clock.now())
    _ = try await desk.admin.addAuthorities(
        AuthorityAddition(level: .group("eu"), name: "partner", file: Data(root.certificatePEM.utf8).base64EncodedString(), replace: false),
        for: desk.caller)
    try await desk.set(.authorities, "system", ["trusted": false], at: .machine("mx1"))
    try await desk.edit(.hide, .destinations, "bank.example", at: .group("eu"))
    try await desk.edit(.isolate, .destinations, nil, at: .machine("mx2"))
    _ = try await desk.commit()
    return desk
}

extension Desk {
    fileprivate func edit(_ operation: EntryOperation, _ section: SectionName, _ entry: String?, at level: Level) async throws {
        _ = try await admin.edit(
            EditRequest(edits: [EntryEdit(level: level, section: section, entry: entry, operation: operation)]), for: caller)
    }

    /// A manager of the same name that was just made, with the same machines.
    fileprivate static func fresh(like desk: Desk) async throws -> Desk {
        let fresh = try await Desk.make()
        for machine in await desk.ledger.state.memberships.values.map(\.machine).sorted() { try await fresh.join(machine) }
        return fresh
    }

    /// What `muster save` prints.
    fileprivate func save(_ password: String? = nil) async throws -> String {
        YAMLText.write(try await admin.save(SaveRequest(password: password), for: caller).document)
    }

    /// What `muster apply` does with a text.
    @discardableResult
    fileprivate func apply(_ text: String, _ password: String? = nil, isDryRun: Bool = false, by user: Caller? = nil) async throws
        -> ApplyView
    {
        var document = try DocumentReader.read(text: text, named: "saved.yaml") { _ in throw Refusal(.notFound, "no file") }
        if let password { document = try await document.opened(password: password) }
        return try await admin.apply(
            ApplyRequest(document: try JSONValue(encoding: document), dryRun: isDryRun, commit: !isDryRun), for: user ?? caller)
    }

    fileprivate func digests() async -> [String: Digest] {
        let state = await ledger.state
        return Dictionary(uniqueKeysWithValues: state.memberships.values.map { ($0.machine, state.configuration(of: $0).digest) })
    }

    /// Every private key that the configurations and layers name, as the vault has it.
    fileprivate func keys() async throws -> [Digest: [UInt8]] {
        let state = await ledger.state
        var keys: [Digest: [UInt8]] = [:]
        let layers = [state.layer(.cluster)] + state.groups.values.map(\.layer) + state.memberships.values.map(\.layer)
        for value in layers.flatMap({ $0?[.certificates].entries.values.compactMap(\.state.value) ?? [] }) {
            let setting = try CertificateSetting(value)
            keys[setting.key.fingerprint] = try await vault.keyPEM(setting.key.fingerprint)
        }
        return keys
    }
}

@Suite("A cluster goes into one document and comes out of it", .timeLimit(.minutes(3)))
struct SaveTests {
    @Test func `a sealed document makes a fresh manager the same, keys and all`() async throws {
        let desk = try await furnished()
        let text = try await desk.save("s3cret")
        let fresh = try await Desk.fresh(like: desk)
        #expect(await fresh.digests() != desk.digests())
        let view = try await fresh.apply(text, "s3cret")
        #expect(view.groups == ["eu"])
        #expect(await fresh.digests() == desk.digests())
        #expect(try await fresh.keys() == desk.keys())
        #expect(try await desk.keys().count == 4)
        // Loading it again changes nothing, and both save the same.
        #expect(try await fresh.apply(text, "s3cret").changes.isEmpty)
        #expect(try await fresh.save() == desk.save())
    }

    @Test func `a masked document is deterministic, holds no key, and loads where it was saved`() async throws {
        let desk = try await furnished()
        let text = try await desk.save()
        #expect(try await text == desk.save())
        #expect(text.contains("commonName: mail.example.com") && !text.contains("PRIVATE") && !text.contains("demo:"))
        #expect(try await desk.apply(text).commit?.revision == nil)

        try await desk.edit(.remove, .certificates, "mail", at: .machine("mx1"))
        try await desk.set(.destinations, "other.example", ["tls": "none"])
        _ = try await desk.commit()
        #expect(try await desk.apply(text).changes.map(\.change).sorted() == ["remove", "set"])
        #expect(try await desk.save() == text)
    }

    @Test func `keys are for administrators only, and saving them is written down first`() async throws {
        let desk = try await furnished()
        let before = try await desk.admin.audit(Page(), for: desk.caller).count
        for role in [Role.readOnly, .operator] {
            let caller = Caller(user: "bob", role: role)
            await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.save(SaveRequest(password: "s3cret"), for: caller) }
            #expect(try await desk.admin.save(SaveRequest(), for: caller).keys == 0)
        }
        #expect(try await desk.admin.audit(Page(), for: desk.caller).count == before)
        #expect(try await desk.admin.save(SaveRequest(password: "s3cret"), for: desk.caller).keys == 4)
        let entry = try #require(try await desk.admin.audit(Page(), for: desk.caller).last)
        #expect(entry.kind == "document-exported")
        #expect(entry.summary == "saved the document of revision 1 with 4 private keys, sealed under a password")
        await #expect(throws: Refusal(.invalid, "")) { try await desk.admin.save(SaveRequest(password: ""), for: desk.caller) }
    }

    @Test func `nothing of a sealed document shows a key, and every saving is sealed anew`() async throws {
        let desk = try await furnished()
        let (first, second) = (try await desk.save("s3cret"), try await desk.save("s3cret"))
        #expect(first != second)
        for text in [first, second] { #expect(!text.contains("PRIVATE") && !text.contains("s3cret")) }
        let document = try DocumentReader.read(text: first, named: "saved.yaml") { _ in [] }
        let opened = try await document.opened(password: "s3cret")
        var dumped = ""
        dump(opened, to: &dumped)
        for text in ["\(opened)", String(reflecting: opened), dumped, opened.json.canonicalText, "\(SaveRequest(password: "s3cret"))"] {
            #expect(!text.contains("PRIVATE") && !text.contains("s3cret"))
        }
    }

    @Test func `a masked document is refused where the keys are not, by place`() async throws {
        let desk = try await furnished()
        let fresh = try await Desk.fresh(like: desk)
        let text = try await desk.save()
        let refusal = try await #require(throws: Refusal.self) { try await fresh.apply(text) }
        #expect(refusal.code == .notFound)
        #expect(refusal.reason.hasPrefix("settings.") && refusal.reason.contains("--include-secrets"))
    }

    @Test func `no document makes another certificate the ready-made one`() async throws {
        let desk = try await furnished()
        let state = await desk.ledger.state
        let mail = try #require(state.layer(.cluster)?[.certificates, "mail"]?.state.value)
        let demo = try #require(state.layer(.cluster)?[.certificates, "demo"]?.state.value)
        var disguised = mail.members ?? [:]
        disguised["origin"] = "demo"
        for (value, code) in [(mail, Refusal.Code.invalid), (.object(disguised), .invalid), (demo, nil)] {
            let document: JSONValue = ["settings": ["cluster": ["certificates": ["mail": mail, "demo": value]]]]
            if let code {
                await #expect(throws: Refusal(code, "")) { try await desk.apply(YAMLText.write(document)) }
            } else {
                #expect(try await desk.apply(YAMLText.write(document)).changes.isEmpty)
            }
        }
    }

    @Test func `what a document says of a certificate must be so`() async throws {
        let desk = try await furnished()
        let text = try await desk.save()
        let lie = text.replacing("notAfter: \"20", with: "notAfter: \"21")
        #expect(lie != text)
        let refusal = try await #require(throws: Refusal.self) { try await desk.apply(lie) }
        #expect(refusal.code == .invalid && refusal.reason.contains("is not what stands in it"))
    }
}

@Suite("A sealed document that is not what it was does not open", .timeLimit(.minutes(3)))
struct AlteredDocumentTests {
    /// A cluster of one certificate besides the ready-made, saved once: deriving a key takes a second in a debug build.
    private static let once = Task { try await save() }

    private func saved() async throws -> (desk: Desk, text: String) { try await Self.once.value }

    private static func save() async throws -> (desk: Desk, text: String) {
        let desk = try await Desk.make()
        _ = try await desk.admin.createCertificate(
            CertificateCreation(
                level: .cluster, name: "mail", request: SelfSignedRequest(commonName: "mail.example.com"), replace: false), for: desk.caller
        )
        _ = try await desk.commit()
        return (desk, try await desk.save("s3cret"))
    }

    private func reason(_ desk: Desk, _ text: String, _ password: String = "s3cret") async throws -> String {
        try await #require(throws: Refusal.self) { try await desk.apply(text, password) }.reason
    }

    @Test func `a wrong password and an altered key are told apart`() async throws {
        let (desk, text) = try await saved()
        #expect(try await reason(desk, text, "other").hasPrefix("The password does not open the document"))
        let key = try #require(text.firstMatch(of: /key: "?([A-Za-z0-9+\/]{40})/))
        var altered = text
        altered.replaceSubrange(key.1.startIndex...key.1.startIndex, with: key.1.first == "A" ? "B" : "A")
        #expect(try await reason(desk, altered).contains("the password is right, and the sealed key does not open"))
    }

    @Test func `no key opens in another place, with another certificate, or for another cluster`() async throws {
        let (desk, text) = try await saved()
        for (what, altered) in [
            ("name", text.replacing("      mail:", with: "      post:")),
            ("certificate", text.replacing("commonName: mail.example.com", with: "commonName: mail.example.net")),
        ] {
            #expect(altered != text)
            #expect(try await reason(desk, altered).contains("the sealed key does not open"), "\(what)")
        }
        let other = text.replacing("cluster: acme", with: "cluster: other")
        let document = try DocumentReader.read(text: other, named: "saved.yaml") { _ in [] }
        let refusal = try await #require(throws: Refusal.self) { try await document.opened(password: "s3cret") }
        #expect(refusal.reason.contains("another cluster"))
    }

    @Test func `a document cannot ask for more work or memory than the limits allow`() async throws {
        let (desk, text) = try await saved()
        for (from, to, code) in [
            ("cost: 16384", "cost: 33554432", Refusal.Code.limit), ("cost: 16384", "cost: 16383", .unreadable),
            ("parallelization: 5", "parallelization: 1000", .limit), ("blockSize: 8", "blockSize: 33554432", .limit),
        ] {
            let asked = text.replacing(from, with: to)
            #expect(asked != text)
            let start = ContinuousClock.now
            await #expect(throws: Refusal(code, ""), "\(to)") { try await desk.apply(asked, "s3cret") }
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test func `sealed keys need the document's sealing and its cluster`() async throws {
        let (desk, text) = try await saved()
        #expect(try await reason(desk, text.replacing("cluster: acme\n", with: "")).contains("lacks \"cluster\""))
        // Without its password the document is refused as it is.
        await #expect(throws: Refusal(.invalid, "")) { try await desk.apply(text) }
    }
}

@Suite("Applying a document", .timeLimit(.minutes(3)))
struct ApplyTests {
    @Test func `a dry run says what would change and changes nothing`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let text =
            "groups: [us]\nsettings:\n  cluster: { destinations: { default: { tls: required } } }\n  group/us: { destinations: {} }\n"
        let view = try await desk.apply(text, isDryRun: true)
        #expect(view.groups == ["us"] && view.changes.map(\.entry) == ["default"] && view.machines.map(\.machine) == ["mx1"])
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
        #expect(await desk.ledger.state.revision == 0)
        #expect(try await desk.admin.groups(for: desk.caller).map(\.name) == ["main"])
    }

    @Test func `a complete section loads alone, is replaced exactly, and the rest stays`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "a.example", ["tls": "none"])
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        _ = try await desk.commit()
        _ = try await desk.apply("settings: { cluster: { destinations: { b.example: { tls: required } } } }")
        let layer = try #require(await desk.ledger.state.layer(.cluster))
        #expect(layer[.destinations].entries.keys.sorted() == ["b.example"])
        #expect(layer[.mailFlowPolicies].entries.keys.sorted() == ["accepted"])
        // Emptied, where it is named without entries.
        _ = try await desk.apply("settings: { cluster: { destinations: {} } }")
        #expect(try #require(await desk.ledger.state.layer(.cluster))[.destinations].entries.isEmpty)
    }

    @Test func `another cluster's document is refused, and so is every machine and group that is not there, by name`() async throws {
        let desk = try await Desk.make()
        let other = try await #require(throws: Refusal.self) { try await desk.apply("cluster: globex\nsettings: {}") }
        #expect(other.code == .invalid && other.reason.contains("globex") && other.reason.contains("acme"))
        let text = "settings: { machine/mx8: { delivery: null }, machine/mx9: { delivery: null }, group/us: { destinations: {} } }"
        let refusal = try await #require(throws: Refusal.self) { try await desk.apply(text) }
        #expect(refusal.code == .notFound)
        for name in ["mx8", "mx9", "us"] { #expect(refusal.details.contains { $0.contains("\"\(name)\"") }) }
        let one = try await #require(throws: Refusal.self) { try await desk.apply("settings: { machine/mx9: { delivery: null } }") }
        #expect(one.reason.contains("\"mx9\""))
    }

    @Test func `groups are created with the commit and never deleted`() async throws {
        let desk = try await Desk.make()
        _ = try await desk.apply("groups: [eu, us]\nsettings: { group/us: { destinations: { default: { tls: required } } } }")
        #expect(try await desk.admin.groups(for: desk.caller).map(\.name) == ["eu", "main", "us"])
        #expect(await desk.ledger.state.revision == 1)
        _ = try await desk.apply("groups: [eu]\nsettings: {}")
        #expect(try await desk.admin.groups(for: desk.caller).map(\.name) == ["eu", "main", "us"])
    }

    @Test func `a request that was fulfilled is not fulfilled again, and an upload is not undone`() async throws {
        let desk = try await Desk.make()
        let text = "settings: { cluster: { certificates: { mail: { selfSigned: { commonName: mail.example.com } } } } }"
        _ = try await desk.apply(text)
        let made = try await desk.admin.certificate("mail", at: .cluster, for: desk.caller)
        #expect(try await desk.apply(text).changes.isEmpty)
        #expect(try await desk.admin.certificate("mail", at: .cluster, for: desk.caller).fingerprint == made.fingerprint)
        #expect(try await desk.apply(text.replacing("mail.example.com", with: "mail.example.net")).changes.count == 1)
    }
}

import ClusterModel
import Testing

@Suite("Whom a machine trusts: the operating system's authorities and lists")
struct AuthorityTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// What is known of a root that is valid for so many days.
    static func root(_ name: String, days: Int64 = 900) -> CertificateFacts {
        var facts = CertificateFacts()
        (facts.subject, facts.issuer) = ("CN=\(name)", "CN=\(name)")
        facts.fingerprint = Digest(hashing: name.utf8)
        (facts.signer, facts.keyFingerprint) = (facts.fingerprint, facts.fingerprint)
        (facts.serial, facts.signature, facts.keyAlgorithm) = ("01", "ecdsa-with-sha256", "ecdsa-p256")
        facts.isAuthority = true
        facts.notBefore = now.adding(seconds: -86_400)
        facts.notAfter = now.adding(seconds: days * 86_400)
        return facts
    }

    static func list(_ facts: CertificateFacts...) -> AuthoritySetting {
        AuthoritySetting(certificates: facts, blob: Digest(hashing: facts.flatMap(\.fingerprint.bytes)))
    }

    private func configuration(
        cluster: [String: EntryState], group: [String: EntryState] = [:], isolated: Bool = false, policy: MailFlowPolicySetting? = nil
    ) -> EffectiveConfiguration {
        func layer(_ entries: [String: EntryState]) -> Layer {
            var layer = Layer()
            for (name, state) in entries { layer[.authorities, name] = LayerEntry(state, revision: 1) }
            return layer
        }
        var (wide, narrow) = (layer(cluster), layer(group))
        narrow[.authorities].isIsolated = isolated
        wide[.mailFlowPolicies, "checked"] = policy.map { LayerEntry(.set($0.json), revision: 1) }
        return resolve(
            cluster: wide, group: narrow, groupID: GroupID(rawValue: "g"), machine: Layer(), membership: MembershipID(rawValue: "m"))
    }

    @Test(arguments: [
        ("partner", #"{"trusted":true}"#, "trusted: only the operating system's list"),
        ("partner", "{}", "certificates: the list is empty"),
        ("system", "{}", "this is the operating system's list; expected trusted: true or false"),
        ("system", #"{"trusted":"no"}"#, "trusted: here is a text"),
        ("system", #"{"trusted":true,"blob":"\#(String(repeating: "0", count: 64))"}"#, "this is the operating system's list"),
    ])
    func `a form that does not go with the name is refused`(_ name: String, _ text: String, _ expected: String) throws {
        let value = try JSONValue(parsing: text.utf8)
        let error = #expect(throws: SettingError.self) { _ = try Section.authorities.normalize(value, SettingPath("authorities", name)) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func `a list is one of different authorities, with its text, and never the system's`() throws {
        func check(_ setting: AuthoritySetting, _ name: String = "partner") throws(SettingError) {
            _ = try Section.authorities.normalize(setting.json, SettingPath("authorities", name))
        }
        let good = Self.list(Self.root("A"), Self.root("B"))
        try check(good)
        try check(AuthoritySetting(trusted: false), "system")
        #expect(throws: SettingError.self) { try check(good, "system") }
        var mixed = good
        mixed.trusted = false
        #expect(throws: SettingError.self) { try check(mixed) }
        #expect(throws: SettingError.self) { try check(mixed, "system") }
        var textless = good
        textless.blob = nil
        #expect(throws: SettingError.self) { try check(textless) }
        #expect(throws: SettingError.self) { try check(Self.list(Self.root("A"), Self.root("A"))) }
        var leaf = Self.root("leaf")
        leaf.isAuthority = false
        let error = #expect(throws: SettingError.self) { try check(Self.list(Self.root("A"), leaf)) }
        #expect(error?.path.description == "authorities.partner.certificates[1]")
        #expect(error?.problem == "CN=leaf is not the certificate of an authority")
        let many = (0...Limits.ownAuthorities).map { Self.root("\($0)") }
        try check(AuthoritySetting(certificates: many.dropLast(), blob: Digest(hashing: [])))
        #expect(throws: SettingError.self) { try check(AuthoritySetting(certificates: many, blob: Digest(hashing: []))) }
    }

    @Test func `a group adds its own, replaces, hides, and has its own word on the system's`() throws {
        let (one, two, three) = (Self.list(Self.root("1")), Self.list(Self.root("2")), Self.list(Self.root("3")))
        let cluster: [String: EntryState] = ["a": .set(one.json), "b": .set(two.json)]
        func trusted(_ group: [String: EntryState], isolated: Bool = false) throws -> (Bool, [String: Digest]) {
            let authorities = try configuration(cluster: cluster, group: group, isolated: isolated).authorities()
            return (authorities.trustsSystem, Dictionary(uniqueKeysWithValues: authorities.lists.map { ($0.name, $0.blob) }))
        }
        let (first, second, third) = (try #require(one.blob), try #require(two.blob), try #require(three.blob))
        #expect(try trusted([:]) == (true, ["a": first, "b": second]))
        #expect(try trusted(["c": .set(three.json)]) == (true, ["a": first, "b": second, "c": third]))
        #expect(try trusted(["b": .set(three.json)]) == (true, ["a": first, "b": third]))
        #expect(try trusted(["b": .hidden]) == (true, ["a": first]))
        #expect(try trusted(["system": .set(AuthoritySetting(trusted: false).json)]) == (false, ["a": first, "b": second]))
        #expect(try trusted(["c": .set(three.json)], isolated: true) == (true, ["c": third]))
        #expect(throws: Refusal(.invalid, "")) { try AuthoritySetting.check(hiding: "system") }
        try AuthoritySetting.check(hiding: "b")
    }

    @Test func `every machine needs the texts of the lists that it gets, and no other`() throws {
        let (one, two) = (Self.list(Self.root("1")), Self.list(Self.root("2")))
        let needed = try configuration(cluster: ["a": .set(one.json), "b": .set(two.json)], group: ["a": .hidden]).materialNeeded()
        #expect(needed.chains == [try #require(two.blob)])
        #expect(needed.keys.isEmpty)
    }

    @Test func `more than one frame takes is an error, and certificates that nobody can have signed are noticed`() {
        let lists = (0...4).map { list in
            AuthoritySetting(
                certificates: (0..<Limits.machineAuthorities / 5).map { Self.root("\(list)/\($0)") }, blob: Digest(hashing: [UInt8(list)]))
        }
        var cluster = Dictionary(uniqueKeysWithValues: lists.enumerated().map { ("l\($0)", EntryState.set($1.json)) })
        #expect(configuration(cluster: cluster).findings().isEmpty)
        cluster["more"] = .set(Self.list(Self.root("more")).json)
        #expect(configuration(cluster: cluster).findings().map(\.severity) == [.error])

        let checked = MailFlowPolicySetting(tls: .required, verifyClientCertificate: true)
        let distrusted = ["system": EntryState.set(AuthoritySetting(trusted: false).json)]
        #expect(configuration(cluster: [:], policy: checked).findings().isEmpty)
        #expect(configuration(cluster: distrusted, policy: MailFlowPolicySetting(tls: .required)).findings().isEmpty)
        let findings = configuration(cluster: distrusted, policy: checked).findings()
        #expect(findings.map(\.severity) == [.notice])
        #expect(findings.first?.entry == "mailFlowPolicies/checked")
        #expect(configuration(cluster: distrusted, group: ["a": .set(Self.list(Self.root("A")).json)], policy: checked).findings().isEmpty)
    }

    @Test func `of an own list people hear what expires, with a cure that is theirs to take`() {
        let setting = Self.list(Self.root("old", days: -1), Self.root("soon", days: 10), Self.root("later"))
        let findings = setting.findings(at: Self.now)
        #expect(findings.map(\.code) == [.expired, .expiresSoon])
        #expect(findings.allSatisfy { $0.cure.contains("the authority's present certificate") })
        #expect(setting.expires == Self.now.adding(seconds: -86_400))
        #expect(AuthoritySetting(trusted: true).findings(at: Self.now).isEmpty)
    }
}

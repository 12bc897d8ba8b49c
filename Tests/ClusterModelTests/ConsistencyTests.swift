import ClusterModel
import Testing

@Suite("What a machine holds, against what it should")
struct ConsistencyTests {
    private static let bank = EntryName(.destinations, "bank.example")
    private static let other = EntryName(.destinations, "other.example")
    private static let first = EntryName(.destinations, "default")

    private static func configuration(_ destinations: [String: JSONValue], certificate: String = "one") -> EffectiveConfiguration {
        func section(_ name: SectionName, _ values: [String: JSONValue]) -> EffectiveSection {
            EffectiveSection(
                name: name,
                entries: values.map {
                    EffectiveEntry(section: name, name: $0.key, value: $0.value, origin: .init(layer: .cluster, revision: 1))
                })
        }
        var leaf = CertificateFacts()
        (leaf.fingerprint, leaf.serial, leaf.signature) = (digest(certificate), "01", "ecdsa-with-SHA256")
        let mail = CertificateSetting(
            origin: .imported, key: KeyFacts(fingerprint: digest("key"), algorithm: "ecdsa-p256"), chain: [leaf], chainBlob: digest("chain")
        )
        return EffectiveConfiguration(sections: [
            section(.destinations, destinations), section(.certificates, ["mail": mail.json]),
            section(.interfaces, ["data1": InterfaceSetting(hostname: "mx1.example.com", address: "127.0.0.11").json]),
            section(.mailFlowPolicies, ["accepted": MailFlowPolicySetting(tls: .preferred).json]),
            section(.listeners, ["public": ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"]]),
        ])
    }

    private static func digest(_ text: String) -> Digest { Digest(hashing: Array(text.utf8)) }

    private static let target = configuration(["default": ["tls": "preferred"], "bank.example": ["tls": "required"]])

    /// What a machine says that runs a configuration and serves a certificate.
    private static func holding(_ held: EffectiveConfiguration = target, serves certificate: String? = "one") -> Inventory {
        var inventory = Inventory()
        inventory.running = held.digest
        for section in held.sections {
            for entry in section.entries { inventory.store?[EntryName(section.name, entry.name)] = entry.digest }
        }
        inventory.observations = [
            GatewayObservation(subject: "main.cf", entries: [first], meant: digest("main"), found: digest("main"))
        ]
        inventory.proofs = [ServiceProof(service: "listener/public", served: certificate.map(digest))]
        return inventory
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var inventory: Inventory
        /// Place, kind, subject and entries of each difference.
        var expected: [String]

        init(_ name: String, _ inventory: Inventory, _ change: (inout Inventory) -> Void = { _ in }, expected: [String]) {
            self.name = name
            self.inventory = inventory
            change(&self.inventory)
            self.expected = expected
        }

        var testDescription: String { name }
    }

    static let cases = [
        Case("all as it should be", holding(), expected: []),
        Case(
            "another value, one too many, one too few",
            holding(configuration(["bank.example": ["tls": "none"], "other.example": ["tls": "none"]])),
            expected: [
                "store changed destinations/bank.example [destinations/bank.example]",
                "store missing destinations/default [destinations/default]",
                "store extra destinations/other.example [destinations/other.example]",
            ]),
        Case(
            "nothing so far", Inventory(), { $0.proofs = [ServiceProof(service: "listener/public", served: digest("one"))] },
            expected: target.names.map { "store missing \($0) [\($0)]" }),
        Case(
            "a store that cannot be read", holding(),
            {
                $0.store = nil
                $0.damages = [StoreDamage(file: "settings.json", reason: "cannot be read: no JSON")]
            }, expected: ["store unreadable settings.json []"]),
        Case(
            "a damaged key says so beside an entry that changed; that the whole changed does not",
            holding(configuration(["default": ["tls": "preferred"], "bank.example": ["tls": "none"]])),
            {
                $0.damages = [
                    StoreDamage(file: "settings.json", reason: "does not have the digest it had"),
                    StoreDamage(file: "keys/a.pem", reason: "is missing", entries: [EntryName(.certificates, "mail")]),
                ]
            },
            expected: [
                "store changed destinations/bank.example [destinations/bank.example]", "store unreadable keys/a.pem [certificates/mail]",
            ]),
        Case(
            "a digest alone that is not the store's", holding(),
            { $0.damages = [StoreDamage(file: "settings.json", reason: "does not have the digest it had")] },
            expected: ["store unreadable settings.json []"]),
        Case(
            "a file of the gateway that changed, and one that is gone", holding(),
            {
                $0.observations[0].found = digest("edited")
                $0.observations.append(GatewayObservation(subject: "tls.map", entries: [bank, other], meant: digest("map"), found: nil))
            },
            expected: [
                "gateway changed main.cf [destinations/default]",
                "gateway missing tls.map [destinations/bank.example, destinations/other.example]",
            ]),
        Case(
            "another certificate", holding(serves: "two"),
            expected: ["service changed listener/public [listeners/public, certificates/mail]"]),
        Case("no answer", holding(serves: nil), expected: ["service missing listener/public [listeners/public, certificates/mail]"]),
        Case(
            "an update is being applied: only the store counts", holding(serves: nil),
            {
                $0.isBusy = true
                $0.observations[0].found = nil
                $0.store?[bank] = nil
            }, expected: ["store missing destinations/bank.example [destinations/bank.example]"]),
    ]

    @Test(arguments: cases)
    func `each difference is named with its place, its kind and its entries`(_ example: Case) {
        let found = ConsistencyTests.target.differences(from: example.inventory)
        #expect(
            found.map { "\($0.place) \($0.kind) \($0.subject) [\($0.entries.map(\.description).joined(separator: ", "))]" }
                == example.expected)
        #expect(found.allSatisfy { !$0.text.isEmpty })
    }

    @Test func `a name that a manager would not take is told from one that it would`() {
        for name in ["", ".", "..", "a b", "a/b", "ä", String(repeating: "a", count: Limits.textLength + 1)] {
            #expect(!EntryName(.destinations, name).isWellFormed && !EntryName(SectionName(rawValue: name), "a").isWellFormed, "\(name)")
        }
        #expect(ConsistencyTests.bank.isWellFormed)
    }

    @Test func `a receipt keeps its drift, and one from before drift was known reads as it did`() throws {
        let target = Target(position: 1, revision: 1, digest: ConsistencyTests.target.digest)
        let outcome = Receipt.Outcome.applied(digest: target.digest, proofs: [])
        let time = Timestamp(seconds: 1)
        for drift in [[], ["a file changed"]] {
            let receipt = Receipt(target: target, outcome: outcome, time: time, drift: drift)
            let json = try JSONValue(encoding: receipt)
            #expect(try json.decode(Receipt.self) == receipt)
            #expect((json["drift"] == nil) == drift.isEmpty)
        }
    }

    @Test func `an alert of drift says what is wrong and how to put it right, and old ones still read`() throws {
        let condition = AlertCondition(kind: .drift, subject: "m1", stage: 0, severity: .error, machine: "mx1", reasons: ["a", "b"])
        #expect(condition.text == "drift on mx1: a; b")
        #expect(condition.cure.contains("muster check mx1 --keep cluster"))
        var json = try JSONValue(encoding: condition)
        #expect(try json.decode(AlertCondition.self) == condition)
        if case .object(var members) = json {
            members["reasons"] = nil
            json = .object(members)
        }
        #expect(try json.decode(AlertCondition.self).reasons == nil)
    }
}

extension EffectiveConfiguration {
    fileprivate var names: [EntryName] {
        sections.flatMap { section in section.entries.map { EntryName(section.name, $0.name) } }.sorted()
    }
}

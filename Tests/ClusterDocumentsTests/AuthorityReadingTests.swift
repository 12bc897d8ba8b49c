import ClusterDocuments
import ClusterModel
import Testing

@Suite("Authorities in a document")
struct AuthorityReadingTests {
    private static let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    private func authorities(_ text: String, files: [String: [UInt8]] = [:]) throws -> [String: DocumentEntry] {
        try read("settings: { group/eu: { authorities: \(text) } }", files: files).settings[.group("eu")]?[.authorities] ?? [:]
    }

    @Test func `a list is a file beside the document, or a text in it; the system's is trusted or not`() throws {
        let entries = try authorities(
            "{ root: { pem: { file: root.pem } }, der: { pem: { file: root.der } }, gone: hidden, system: { trusted: false } }",
            files: ["root.pem": Array(Self.text.utf8), "root.der": [0x30, 0xFF]])
        #expect(
            entries == [
                "root": .authorities(file: Array(Self.text.utf8)), "der": .authorities(file: [0x30, 0xFF]), "gone": .hidden,
                "system": .value(["trusted": false]),
            ])
        let block = "settings:\n  cluster:\n    authorities:\n      root:\n        pem: |\n"
        let lines = Self.text.split(separator: "\n").map { "          \($0)\n" }.joined()
        #expect(try read(block + lines).settings[.cluster]?[.authorities] == ["root": .authorities(file: Array(Self.text.utf8))])
    }

    @Test func `a document with lists reads back, also after its travel in a request`() throws {
        var facts = CertificateFacts()
        (facts.serial, facts.signature, facts.isAuthority) = ("01", "ecdsa-with-sha256", true)
        let stored = AuthoritySetting(certificates: [facts], blob: Digest(hashing: [1]))
        var document = ClusterDocument(settings: [
            .cluster: [
                .authorities: [
                    "root": .authorities(file: Array(Self.text.utf8)), "stored": .value(stored.json), "system": .value(["trusted": true]),
                ]
            ]
        ])
        #expect(try read(YAMLText.write(document.json)) == document)
        document.settings[.cluster]?[.authorities]?["der"] = .authorities(file: [0x30, 0, 0xFF])
        #expect(try JSONValue(encoding: document).decode(ClusterDocument.self) == document)
    }

    @Test(arguments: [
        ("{ system: hidden }", "cannot be hidden"), ("{ system: { pem: { file: f } } }", "this is the operating system's list"),
        ("{ system: { trusted: perhaps } }", "here is a text"), ("{ root: { trusted: true } }", "only the operating system's list"),
        ("{ root: { pem: { file: f }, trusted: true } }", "\"pem\" stands alone"), ("{ root: { pem: { file: g } } }", "cannot be read"),
        ("{ root: { pem: { flie: f } } }", "did you mean \"file\"?"), ("{ root: { pme: { file: f } } }", "did you mean \"pem\"?"),
        ("{ root: {} }", "here is an empty map"), ("{ root: 7 }", "here is a"), ("{ root: { certificates: [], blob: x } }", "blob"),
    ])
    func `what is wrong is said at its line`(_ text: String, _ expected: String) {
        let found = errors(of: "settings:\n  cluster:\n    authorities: \(text)\n", files: ["f": [1]])
        #expect(found.contains { $0.hasPrefix("3:") && $0.contains(expected) }, "\(found)")
    }

    @Test(arguments: [
        #"{"system":{"hidden":true}}"#, #"{"system":{"authorities":"AAAA"}}"#, #"{"root":{"value":{"trusted":true}}}"#,
        #"{"root":{"authorities":"?"}}"#, #"{"root":{"value":{}}}"#,
    ])
    func `a request is checked as strictly`(_ entries: String) throws {
        let value = try JSONValue(parsing: #"{"settings":{"cluster":{"authorities":\#(entries)}}}"#.utf8)
        #expect(throws: (any Error).self) { try value.decode(ClusterDocument.self) }
        let elsewhere = try JSONValue(parsing: #"{"settings":{"cluster":{"destinations":{"a":{"authorities":"AAAA"}}}}}"#.utf8)
        #expect(throws: Refusal(.invalid, "")) { try elsewhere.decode(ClusterDocument.self) }
    }
}

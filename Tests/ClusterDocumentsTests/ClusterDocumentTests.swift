import ClusterDocuments
import ClusterFixtures
import ClusterModel
import Testing

/// A certificate as `save` writes it.
func storedCertificate() -> CertificateSetting {
    var facts = CertificateFacts()
    facts.subject = "CN=mail.example.com"
    facts.issuer = "CN=mail.example.com"
    facts.serial = "01"
    facts.notAfter = Timestamp(seconds: 1_800_000_000)
    facts.signature = "ecdsa-with-sha256"
    let key = KeyFacts(fingerprint: Digest(hashing: [1]), algorithm: "ecdsa-p256")
    return CertificateSetting(origin: .imported, key: key, chain: [facts], chainBlob: Digest(hashing: [2]))
}

/// A document with everything that has a written form.
func wholeDocument() throws -> ClusterDocument {
    ClusterDocument(
        cluster: "demo", groups: ["us", "eu"],
        settings: [
            .cluster: [
                .certificates: [
                    "mail": .certificate(.selfSigned(SelfSignedRequest(commonName: "mail.example.com"))),
                    "old": .certificate(.masked(storedCertificate().json)),
                ],
                .destinations: ["default": .value(["tls": "none"])],
                .delivery: [:],
            ],
            .group("us"): [
                .destinations: ["default": .hidden], .delivery: ["settings": .hidden], .mailFlowPolicies: [:],
            ],
            .machine("mx1"): [.delivery: ["settings": .value(["interface": "data1"])], .system: [:]],
        ],
        isolated: [.group("us"): [.mailFlowPolicies, .destinations], .machine("mx1"): [.delivery, .system]])
}

struct ClusterDocumentTests {
    @Test func `what is written as YAML reads back`() throws {
        let document = try wholeDocument()
        #expect(try read(YAMLText.write(document.json)) == document)
        #expect(try read(document.json.canonicalText) == document)
    }

    @Test func `the demo reads back from its own YAML`() throws {
        let document = try read(ClusterFixtures.demo)
        #expect(try read(YAMLText.write(document.json)) == document)
    }

    @Test func `a document survives its travel in a request, files and all`() throws {
        var document = try wholeDocument()
        document.settings[.cluster]?[.certificates]?["p12"] = .certificate(.pkcs12(bytes: [0, 1, 255], password: "s3cret"))
        document.settings[.cluster]?[.certificates]?["pem"] = .certificate(.pem(chain: "chain", key: "k3y"))
        #expect(try JSONValue(encoding: document).decode(ClusterDocument.self) == document)
    }

    @Test func `neither a password nor a key shows in a description, a dump or the written form`() throws {
        var document = ClusterDocument()
        document.settings[.cluster] = [
            .certificates: [
                "p12": .certificate(.pkcs12(bytes: [0], password: "s3cret")), "pem": .certificate(.pem(chain: "chain", key: "k3y")),
            ]
        ]
        var dumped = ""
        dump(document, to: &dumped)
        for text in ["\(document)", String(reflecting: document), dumped, document.json.canonicalText] {
            #expect(text.contains("<redacted>") || text == dumped)
            #expect(!text.contains("s3cret") && !text.contains("k3y"))
        }
    }

    @Test(arguments: [
        (#"{"settings":{"cluster":{"nonsense":{}}}}"#, Refusal.Code.notFound),
        (#"{"settings":{"cluster":{"interfaces":{}}}}"#, .wrongLevel),
        (#"{"settings":{"planet":{}}}"#, .invalid),
        (#"{"groups":["a","a"]}"#, .invalid),
        (#"{"cluster":"a b"}"#, .invalid),
        (#"{"settings":{"cluster":{"destinations":{"a b":{"value":{"tls":"none"}}}}}}"#, .invalid),
        (#"{"settings":{"cluster":{"destinations":{"a":{"value":{"tls":"some"}}}}}}"#, .invalid),
        (#"{"settings":{"cluster":{"destinations":{"a":{"certificate":{"masked":{}}}}}}}"#, .invalid),
        (#"{"settings":{"cluster":{"delivery":{"other":{"value":{}}}}}}"#, .invalid),
        (#"{"isolated":{"cluster":["destinations"]}}"#, .invalid),
    ])
    func `a request is checked as strictly as a file`(_ json: String, _ code: Refusal.Code) throws {
        let value = try JSONValue(parsing: Array(json.utf8))
        #expect(throws: Refusal(code, "")) { try value.decode(ClusterDocument.self) }
    }

    @Test func `a value that a request brings is put in normal form`() throws {
        let value: JSONValue = ["settings": ["cluster": ["mailFlowPolicies": ["a": ["value": ["tls": "off"]]]]]]
        let document = try value.decode(ClusterDocument.self)
        #expect(document.settings[.cluster]?[.mailFlowPolicies]?["a"] == .value([:]))
    }
}

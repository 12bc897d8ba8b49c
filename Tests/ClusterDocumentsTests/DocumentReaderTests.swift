import ClusterDocuments
import ClusterFixtures
import ClusterModel
import Testing

/// Reads a document whose only files are those given.
func read(_ text: String, files: [String: [UInt8]] = [:]) throws(DocumentErrors) -> ClusterDocument {
    try DocumentReader.read(text: text, named: "cluster.yaml") { path in
        guard let bytes = files[path] else { throw Refusal(.notFound, "there is no such file") }
        return bytes
    }
}

/// The errors of a document as people see them, without the file's name.
func errors(of text: String, files: [String: [UInt8]] = [:]) -> [String] {
    do throws(DocumentErrors) {
        _ = try read(text, files: files)
        return []
    } catch {
        return error.errors.map { String($0.description.dropFirst("cluster.yaml:".count)) }
    }
}

struct DocumentReaderTests {
    @Test func `the demo's document reads and names what the demo shows`() throws {
        let document = try read(ClusterFixtures.demo)
        let settings = try #require(document.settings[.cluster])
        #expect(document.cluster == "demo")
        #expect(settings.keys.sorted() == [.certificates, .delivery, .destinations, .listeners, .mailFlowPolicies])
        guard case .certificate(.selfSigned(let request))? = settings[.certificates]?["mail"] else {
            Issue.record("mail is not a request for a self-signed certificate")
            return
        }
        #expect(request.commonName == "mail.example.com")
        guard case .value(let listener)? = settings[.listeners]?["public"] else {
            Issue.record("there is no listener public")
            return
        }
        #expect(try ListenerSetting(listener).senderGroups.map(\.name) == ["LEGACY", "PARTNERS"])
        #expect(settings[.mailFlowPolicies]?["plaintext"] == .value([:]))
        #expect(settings[.delivery]?.keys.sorted() == [EntryNaming.onlyEntry])
    }

    @Test func `every kind of entry at every level is read`() throws {
        let document = try read(
            """
            groups: [eu, us]
            settings:
              cluster:
                certificates:
                  mail: { pkcs12: { file: mail.p12, passwordFile: mail.pw } }
                  web: { pem: { file: web.pem, keyFile: web.key } }
                delivery:
              group/us:
                destinations: { bank.example: hidden, $isolated: true }
                delivery: { interface: data1 }
              machine/mx1:
                interfaces: { data1: { hostname: mx1.example.com, address: 127.0.0.11 } }
            """,
            files: [
                "mail.p12": [1, 2], "mail.pw": Array("secret\n".utf8), "web.pem": Array("chain".utf8), "web.key": Array("key\n".utf8),
            ])
        #expect(document.groups == ["eu", "us"])
        #expect(
            document.settings == [
                .cluster: [
                    .certificates: [
                        "mail": .certificate(.pkcs12(bytes: [1, 2], password: "secret")),
                        "web": .certificate(.pem(chain: "chain", key: "key\n")),
                    ],
                    .delivery: [:],
                ],
                .group("us"): [
                    .destinations: ["bank.example": .hidden], .delivery: ["settings": .value(["interface": "data1"])],
                ],
                .machine("mx1"): [
                    .interfaces: ["data1": .value(["hostname": "mx1.example.com", "address": "127.0.0.11"])]
                ],
            ])
        #expect(document.isolated == [.group("us"): [.destinations]])
    }

    @Test func `JSON is read as YAML is`() throws {
        let text = #"{"cluster":"demo","settings":{"cluster":{"destinations":{"default":{"tls":"required"}}}}}"#
        let document = try read(text)
        #expect(document.settings == [.cluster: [.destinations: ["default": .value(["tls": "required"])]]])
        #expect(document.json.canonicalText == text)
    }

    @Test func `values come in normal form`() throws {
        let document = try read("settings: { cluster: { listeners: { a: { interface: data1, port: 25, type: public } } } }")
        #expect(document.settings[.cluster]?[.listeners]?["a"] == .value(["interface": "data1"]))
    }

    @Test(arguments: [("secret\n", "secret"), ("secret\r\n", "secret"), ("secret", "secret"), ("secret \n\n", "secret \n")])
    func `a password file loses its last line end and nothing else`(file: String, password: String) throws {
        let document = try read(
            "settings: { cluster: { certificates: { a: { pkcs12: { file: f, passwordFile: p } } } } }",
            files: ["f": [], "p": Array(file.utf8)])
        #expect(document.settings[.cluster]?[.certificates]?["a"] == .certificate(.pkcs12(bytes: [], password: password)))
    }

    @Test func `all errors are found in one reading, in the order of lines`() {
        let found = errors(
            of: """
                cluster: no spaces
                settings:
                  cluster:
                    destinations:
                      default: { tls: sometimes }
                      bank.example: { tls: 1.5 }
                    listeners:
                      a: { interface: data1, prot: 25, port: 99999 }
                """)
        #expect(
            found.map { $0.prefix(4) } == ["1:10", "5:23", "6:28", "8:30", "8:46"], "\(found.joined(separator: "\n"))")
    }

    @Test func `several errors make one refusal with a detail for each`() throws {
        let error = #expect(throws: DocumentErrors.self) { try read("cluster: 1\ngroup: 2") }
        let refusal = try #require(error).refusal
        #expect(refusal.code == .invalid)
        #expect(refusal.reason == "cluster.yaml has 2 errors; nothing was changed.")
        #expect(refusal.details.count == 2)
    }
}

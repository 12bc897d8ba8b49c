import ClusterDocuments
import ClusterFixtures
import ClusterModel
import FoundationEssentials
import RandomClusters
import Subprocess
import Testing

/// The package's folder.
private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// JSON for people to read and compare: sorted keys, two spaces.
private func pretty(_ value: JSONValue, _ indentation: String = "") -> String {
    let inner = indentation + "  "
    switch value {
    case .object(let members) where !members.isEmpty:
        let lines = members.sorted { $0.key < $1.key }.map {
            "\(inner)\(JSONValue.string($0.key).canonicalText): \(pretty($0.value, inner))"
        }
        return "{\n\(lines.joined(separator: ",\n"))\n\(indentation)}"
    case .array(let items) where !items.isEmpty && value.canonicalText.utf8.count > 100:
        return "[\n\(items.map { inner + pretty($0, inner) }.joined(separator: ",\n"))\n\(indentation)]"
    default: return value.canonicalText
    }
}

@Suite("The reference is what the types say", .timeLimit(.minutes(2)))
struct ReferenceTests {
    /// Compares a file under Docs/reference. With MUSTER_UPDATE_GOLDEN set it writes the file instead.
    private func expect(_ text: String, _ name: String) throws {
        let file = root.appending(path: "Docs/reference/\(name)")
        if ProcessInfo.processInfo.environment["MUSTER_UPDATE_GOLDEN"] != nil { try Data(text.utf8).write(to: file) }
        let found = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        #expect(found == text, "\(name) is not what the types say; run with MUSTER_UPDATE_GOLDEN=1")
    }

    @Test func `the page of settings names every section and field`() throws { try expect(SettingsReference.text, "settings.md") }

    @Test func `the schema of documents is that of the types`() throws {
        try expect(pretty(DocumentSchema.json) + "\n", "cluster-document.schema.json")
    }

    /// What a checker of JSON Schema that knows nothing of Muster says of documents: true for each that keeps the schema.
    private func judged(_ documents: [JSONValue]) async throws -> [Bool] {
        let script = """
            import json, sys, jsonschema
            asked = json.load(sys.stdin)
            jsonschema.Draft202012Validator.check_schema(asked["schema"])
            checker = jsonschema.Draft202012Validator(asked["schema"])
            print(json.dumps([checker.is_valid(document) for document in asked["documents"]]))
            """
        let asked: JSONValue = ["schema": DocumentSchema.json, "documents": .array(documents)]
        let result = try await Subprocess.run(
            .name("python3"), arguments: ["-c", script], input: .string(asked.canonicalText), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let answers = try #require(try? JSONValue(parsing: Array(result.standardOutput.utf8)).items, "\(result.standardError)")
        return answers.map { $0 == .boolean(true) }
    }

    @Test func `every document that is shipped, and every one saved at random, keeps the schema`() async throws {
        var documents = [try EntryReader.readValue(text: ClusterFixtures.demo, named: "demo.yaml")]
        let examples = root.appending(path: "ClusterFixtures/examples").path()
        for name in try FileManager.default.contentsOfDirectory(atPath: examples).sorted() where name.hasSuffix(".yaml") {
            documents.append(
                try EntryReader.readValue(text: try String(contentsOfFile: "\(examples)/\(name)", encoding: .utf8), named: name))
        }
        #expect(documents.count >= 5)
        for seed in UInt64(1)...20 { documents.append(try RandomCluster(seed: seed).state.document().json) }
        documents.append(try wholeDocument().json)
        let answers = try await judged(documents)
        #expect(answers.count == documents.count && answers.allSatisfy(\.self), "\(answers)")
    }

    @Test func `what the reader refuses for its form does not keep the schema either`() async throws {
        let documents: [JSONValue] = [
            ["clutser": "acme"], ["cluster": "a b"], ["cluster": 1], ["groups": ["a", "a"]], ["groups": "a"], ["settings": ["planet": [:]]],
            ["settings": ["group/a b": [:]]], ["settings": ["cluster": ["listners": [:]]]], ["settings": ["cluster": ["interfaces": [:]]]],
            ["settings": ["cluster": ["destinations": ["a b": [:]]]]],
            ["settings": ["cluster": ["destinations": ["default": ["tls": "some"]]]]],
            ["settings": ["cluster": ["listeners": ["public": ["interface": "data1", "port": 65536]]]]],
            ["settings": ["cluster": ["listeners": ["public": [:]]]]], ["settings": ["cluster": ["certificates": ["mail": [:]]]]],
            [
                "settings": [
                    "cluster": ["certificates": ["mail": ["selfSigned": ["commonName": "a"], "pem": ["file": "a", "keyFile": "b"]]]]
                ]
            ],
            ["settings": ["cluster": ["destinations": ["$isolated": "yes"]]]], ["sealing": ["method": "rot13"]],
        ]
        for document in documents { #expect(throws: DocumentErrors.self, "\(document)") { try read(document.canonicalText) } }
        #expect(try await judged(documents) == documents.map { _ in false })
    }
}

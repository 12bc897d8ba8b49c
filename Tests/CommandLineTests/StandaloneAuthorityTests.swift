import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite("A standalone machine's authorities come from a document", .timeLimit(.minutes(1)))
struct StandaloneAuthorityTests {
    @Test func `a list is laid out with its text, kept by digest, and gone with the document that leaves it out`() async throws {
        try await withScratch { directory in
            let state = "\(directory)/state"
            func agent(_ arguments: String...) async throws -> Run { try await muster(["agent"] + arguments + ["--state-dir", state]) }
            func apply(_ authorities: String) async throws -> Run {
                let text = "settings: { cluster: { authorities: \(authorities) } }\n"
                try text.write(toFile: "\(directory)/settings.yaml", atomically: true, encoding: .utf8)
                return try await agent("apply", "-f", "\(directory)/settings.yaml")
            }
            func texts() throws -> [String] {
                let chains = "\(state)/current/chains"
                return try FileManager.default.contentsOfDirectory(atPath: chains).sorted().map {
                    try String(contentsOfFile: "\(chains)/\($0)", encoding: .utf8)
                }
            }
            let made = try await agent("init", "--name", "mx1", "--hostname", "mx1.example.com", "--interface", "data1=127.0.0.11")
            try #require(made.status == 0, "\(made.error)")
            let before = try texts()
            let root = try ClusterAuthority.create(clusterID: "partner", clusterName: "Partner", now: Timestamp(Date())).certificatePEM
            try ("# Partners\n" + root).write(toFile: "\(directory)/root.pem", atomically: true, encoding: .utf8)
            let applied = try await apply("{ partner: { pem: { file: root.pem } }, system: { trusted: false } }")
            #expect(applied.status == 0, "\(applied.error)")
            #expect(Set(try texts()) == Set(before + [root]))
            let shown = try await agent("show").output
            #expect(shown.contains("partner") && shown.contains("1 certificate (") && shown.contains("trusted=false"), "\(shown)")

            // By the digest of what the machine has.
            let stored = try AuthorityList(bundle: Array(root.utf8)).setting.json.canonicalText
            #expect(try await apply("{ renamed: \(stored) }").status == 0)
            #expect(Set(try texts()) == Set(before + [root]))
            let leaf = try makeSelfSigned(SelfSignedRequest(commonName: "mx.partner.example"), now: Timestamp(Date())).chain.pem
            try leaf.write(toFile: "\(directory)/leaf.pem", atomically: true, encoding: .utf8)
            let refused = try await apply("{ leaf: { pem: { file: leaf.pem } } }")
            #expect(refused.status == 1 && refused.error.contains("CN=mx.partner.example"), "\(refused.error)")
            #expect(try await apply("{}").status == 0)
            #expect(try texts() == before)
            #expect(try await apply("{ gone: \(stored) }").status == 1)
        }
    }
}

import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite struct AuthorityListTests {
    private static func codes(_ list: AuthorityList, at now: Timestamp = .test) -> [String] {
        list.findings(at: now).map { "\($0.severity) \($0.code)" }
    }

    @Test func `a bundle is read, and what is wrong with it is found`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.root("Other")
        try await issuers.issue("Lower", by: "Root")
        try await issuers.issue("leaf", by: "Root", extensions: TestIssuers.leaf)
        func list(_ names: String...) throws -> AuthorityList {
            try AuthorityList(bundle: Array(("# A list\n" + names.map { try issuers.pem($0) }.joined(separator: "\n# next\n")).utf8))
        }
        #expect(try Self.codes(list("Root", "Other")) == [])
        #expect(try Self.codes(list("Lower", "Root")) == [])
        #expect(try Self.codes(list("Root", "Other", "Root")) == ["warning duplicate-authority"])
        #expect(try Self.codes(list("Other", "Lower")) == ["warning missing-root"])
        #expect(try Self.codes(list("Root", "leaf")) == ["error not-an-authority"])
        let root = try list("Root")
        #expect(Self.codes(root, at: root.facts[0].notAfter) == [])
        #expect(Self.codes(root, at: root.facts[0].notAfter.adding(seconds: 1)) == ["warning expired"])
        #expect(Self.codes(root, at: root.facts[0].notBefore.adding(seconds: -1)) == ["warning not-yet-valid"])

        try list("Root", "Root", "Other").check(at: .test)
        #expect(throws: Refusal(.invalid, "")) { try list("Root", "leaf").check(at: .test) }
        #expect(throws: Refusal(.limit, "")) { try Self.namesakes(Limits.ownAuthorities + 1).check(at: .test) }
        let repeated = try list("Root", "Root", "Other")
        #expect(repeated.facts.count == 3 && repeated.certificates.count == 2)
        #expect(try repeated.pem == issuers.chain("Root", "Other").pem && repeated.blob == Digest(hashing: repeated.pem.utf8))
        #expect(try AuthorityList(bundle: issuers.der("Root")).facts == root.facts)
    }

    /// As many authorities.
    private static func namesakes(_ count: Int) throws -> AuthorityList {
        let one = try (0..<count).map { try ClusterAuthority.create(clusterID: "\($0)", clusterName: "a", now: .test).certificatePEM }
        return try AuthorityList(bundle: Array(one.joined().utf8))
    }

    @Test func `two certificates of one authority's key are noticed`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        let first = try issuers.pem("Root")
        try await issuers.openssl(
            "req", "-x509", "-key", "@Root.key", "-subj", "/CN=Root", "-days", "9", "-config", "@extensions", "-out", "@Root.pem")
        let list = try AuthorityList(bundle: Array((first + issuers.pem("Root")).utf8))
        #expect(Self.codes(list) == ["notice duplicate-authority"])
    }

    @Test func `one that cannot be read does not spoil the others`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.openssl(
            "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "@short.key", "-subj", "/CN=Short", "-out", "@short.pem")
        let list = try AuthorityList(bundle: Array(issuers.pem("Root", "short").utf8))
        #expect(list.certificates.count == 1 && list.unread.count == 1)
        #expect(Self.codes(list) == ["warning unreadable-certificate"])
        let short = try Array(issuers.pem("short").utf8)
        #expect(throws: Refusal(.unreadable, "")) { try AuthorityList(bundle: short) }
        for bytes in [[], Array("nothing".utf8), short.dropLast(5)] as [[UInt8]] {
            #expect(throws: Refusal(.unreadable, "")) { try AuthorityList(bundle: bytes) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a list has its limits, and a thousand namesakes cost little`() throws {
        let one = try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test).chain.pem
        let full = String(repeating: one, count: Limits.authorities)
        #expect(try AuthorityList(bundle: Array(full.utf8)).certificates.count == 1)
        #expect(throws: Refusal(.limit, "")) { try AuthorityList(bundle: Array((full + one).utf8)) }
        #expect(throws: Refusal(.limit, "")) { try AuthorityList(bundle: [UInt8](repeating: 0x20, count: Limits.certificateFileBytes + 1)) }
        let namesakes = try (0..<Limits.authorities).map { _ in
            try makeSelfSigned(SelfSignedRequest(commonName: "a.example"), now: .test).chain.pem
        }
        #expect(try AuthorityList(bundle: Array(namesakes.joined().utf8)).certificates.count == Limits.authorities)
    }

    /// The authorities that this machine trusts.
    private static let system = AuthorityList.systemPaths.first { FileManager.default.fileExists(atPath: $0) }

    @Test func `the system's authorities are read, and the verifier trusts them`() throws {
        let path = try #require(Self.system)
        let list = try AuthorityList(contentsOf: path)
        #expect(list.certificates.count > 50 && list.unread.count < 5, "\(list.unread)")
        #expect(list.facts.allSatisfy { $0.isAuthority && $0.isDetailed })
        #expect(list.facts.filter { $0.signer == $0.fingerprint }.count > 50)
    }

    @Test func `a path that leads to no list says so`() {
        #expect(throws: Refusal(.unavailable, "")) { try AuthorityList(contentsOf: "/nowhere/at-all.pem") }
        #expect(throws: Refusal(.limit, "")) { try AuthorityList(contentsOf: "/dev/zero") }
    }

    @Test func `peers are verified against a list`() async throws {
        let issuers = try TestIssuers()
        try await issuers.root("Root")
        try await issuers.root("Other")
        try await issuers.issue("leaf", by: "Root", extensions: TestIssuers.leaf)
        let leaf = try issuers.der("leaf")
        func trust(_ lists: [String]..., beside others: TrustedAuthorities? = nil) throws -> TrustedAuthorities {
            try TrustedAuthorities(
                lists.map { try AuthorityList(bundle: Array($0.map { try issuers.pem($0) }.joined().utf8)) }, beside: others)
        }
        #expect(try await trust(["Root"]).trust([leaf]))
        #expect(try await !trust(["Other"]).trust([leaf]))
        #expect(try await trust(["Other"], ["Root"]).trust([leaf]))
        #expect(try await trust(["Other"], beside: trust(["Root"])).trust([leaf]))
        #expect(try await !trust().trust([leaf]))

        // An intermediate leads to a root, and is none.
        try await issuers.issue("Lower", by: "Root")
        try await issuers.issue("lowest", by: "Lower", extensions: TestIssuers.leaf)
        let lowest = try issuers.der("lowest")
        #expect(try await !trust(["Root"]).trust([lowest]))
        #expect(try await trust(["Root", "Lower"]).trust([lowest]))
        #expect(try await trust(["Lower"], beside: trust(["Root"])).trust([lowest]))
        #expect(try await !trust(["Lower"]).trust([lowest]))
    }
}

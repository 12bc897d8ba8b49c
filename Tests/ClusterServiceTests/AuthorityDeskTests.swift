import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import FoundationEssentials
import Testing

@Suite("Lists of authorities, from the file to the machine")
struct AuthorityDeskTests {
    /// A cluster with a machine, and two roots from elsewhere.
    fileprivate struct Lists {
        let log = InMemoryLog()
        let desk: Desk
        let root: ClusterAuthority
        let other: ClusterAuthority

        init() async throws {
            desk = try await Desk.make(log: log)
            try await desk.join("mx1")
            let now = desk.clock.now()
            root = try ClusterAuthority.create(clusterID: "one", clusterName: "Partner", now: now)
            other = try ClusterAuthority.create(clusterID: "two", clusterName: "Other", now: now)
        }

        @discardableResult
        func add(
            _ name: String, _ pem: String, at level: Level = .cluster, replace: Bool = false, as caller: Caller? = nil
        ) async throws -> AuthorityView {
            try await desk.admin.addAuthorities(
                AuthorityAddition(level: level, name: name, file: Data(pem.utf8).base64EncodedString(), replace: replace),
                for: caller ?? desk.caller)
        }

        func remove(_ name: String, at level: Level) async throws -> AuthorityRemoval {
            try await desk.admin.removeAuthorities(name, at: level, for: desk.caller)
        }

        func list(_ level: Level? = nil) async throws -> [AuthorityView] { try await desk.admin.authorities(at: level, for: desk.caller) }

        func material() async throws -> [String] {
            let state = await desk.ledger.state
            let needed = try state.configuration(of: state.machine("mx1")).materialNeeded()
            var texts: [String] = []
            for blob in needed.chains.sorted() { texts.append(String(decoding: try await desk.vault.chainPEM(blob), as: UTF8.self)) }
            return texts
        }

        func apply(_ entries: [String: DocumentEntry], dryRun: Bool = false) async throws -> ApplyView {
            let document = ClusterDocument(settings: [.cluster: [.authorities: entries]])
            return try await desk.admin.apply(ApplyRequest(document: JSONValue(encoding: document), dryRun: dryRun), for: desk.caller)
        }
    }

    @Test func `a list is an edit until the commit, then every machine needs its text`() async throws {
        let lists = try await Lists()
        let added = try await lists.add("partner", "# Partners\n" + lists.root.certificatePEM)
        #expect(added.uncommitted)
        #expect(added.certificates.count == 1 && added.expires == lists.root.notAfter)
        #expect(try await lists.material().isEmpty)
        _ = try await lists.desk.commit()
        #expect(try await lists.material() == [lists.root.certificatePEM])
        let all = try await lists.list()
        #expect(all.map(\.name) == ["system", "partner"])
        #expect(all.map(\.implied) == [true, false])
        #expect(all.last?.uncommitted == false)
        await #expect(throws: Refusal(.exists, "")) { try await lists.add("partner", lists.other.certificatePEM) }
        try await lists.add("partner", lists.other.certificatePEM, replace: true)
        #expect(try await lists.material() == [lists.root.certificatePEM])
        _ = try await lists.desk.commit()
        #expect(try await lists.material() == [lists.other.certificatePEM])
    }

    @Test func `a file is checked: a mistake is refused with the certificate's name, the rest is told`() async throws {
        let lists = try await Lists()
        let leaf = try makeSelfSigned(SelfSignedRequest(commonName: "mx.partner.example"), now: lists.desk.clock.now()).chain.pem
        let refusal = await #expect(throws: Refusal(.invalid, "")) { try await lists.add("partner", lists.root.certificatePEM + leaf) }
        #expect(refusal?.reason.contains("CN=mx.partner.example") == true)
        await #expect(throws: Refusal(.unreadable, "")) { try await lists.add("partner", "nothing") }
        await #expect(throws: Refusal(.invalid, "")) { try await lists.add("system", lists.root.certificatePEM) }
        await #expect(throws: Refusal(.invalid, "")) { try await lists.add("no name", lists.root.certificatePEM) }
        await #expect(throws: Refusal(.forbidden, "")) {
            try await lists.add("partner", lists.root.certificatePEM, as: Caller(user: "eve", role: .readOnly))
        }
        let twice = try await lists.add("partner", lists.root.certificatePEM + lists.root.certificatePEM)
        #expect(twice.findings.map(\.code) == [.duplicateAuthority])
        #expect(twice.certificates.count == 1)
        #expect(try await lists.list(.cluster).last?.findings.isEmpty == true)
    }

    @Test func `an edit brings neither a text nor a key that nobody stored`() async throws {
        let lists = try await Lists()
        let facts = try AuthorityList(bundle: Array(lists.root.certificatePEM.utf8)).facts
        let nowhere = Digest(hashing: [1])
        let list = AuthoritySetting(certificates: facts, blob: nowhere).json
        let key = KeyFacts(fingerprint: nowhere, algorithm: "ecdsa-p256")
        let certificate = CertificateSetting(origin: .imported, key: key, chain: facts, chainBlob: nowhere).json
        for (section, value) in [(SectionName.authorities, list), (.certificates, certificate)] {
            for operation in [EntryOperation.set(value), .merge(value)] {
                let edit = EntryEdit(level: .cluster, section: section, entry: "made-up", operation: operation)
                let refusal = await #expect(throws: Refusal(.invalid, "")) {
                    try await lists.desk.admin.edit(EditRequest(edits: [edit]), for: lists.desk.caller)
                }
                #expect(refusal?.reason.contains("is taken in with") == true)
            }
        }
    }

    @Test func `a removal says what shows through, and of what is inherited how to do without it`() async throws {
        let lists = try await Lists()
        try await lists.add("partner", lists.root.certificatePEM)
        try await lists.add("partner", lists.other.certificatePEM, at: .group("main"))
        let group = try await lists.remove("partner", at: .group("main"))
        #expect(group.inherited == .cluster)
        #expect(group.uncommitted == 1)
        let refusal = await #expect(throws: Refusal(.notFound, "")) { try await lists.remove("partner", at: .machine("mx1")) }
        #expect(refusal?.reason.contains("from cluster") == true)
        #expect(refusal?.reason.contains("muster hide authorities/partner --machine mx1") == true)
        let unknown = await #expect(throws: Refusal(.notFound, "")) { try await lists.remove("nobody", at: .cluster) }
        #expect(unknown?.reason.contains("muster authority list") == true)
        try await lists.hide("partner", at: .machine("mx1"))
        #expect(try await lists.list(.machine("mx1")).map(\.hidden) == [true])
        _ = try await lists.desk.commit()
        #expect(try await lists.material().isEmpty)
        // Taking the hiding back is a removal, too.
        #expect(try await lists.remove("partner", at: .machine("mx1")).inherited == .cluster)
        _ = try await lists.desk.commit()
        #expect(try await lists.material() == [lists.root.certificatePEM])
        #expect(try await lists.remove("partner", at: .cluster).inherited == nil)
    }

    @Test func `the operating system's list is trusted until a level says otherwise`() async throws {
        let lists = try await Lists()
        func trusted() async throws -> Bool {
            let state = await lists.desk.ledger.state
            return try state.configuration(of: state.machine("mx1")).authorities().trustsSystem
        }
        #expect(try await trusted())
        let view = try await lists.desk.admin.trustSystem(SystemTrust(level: .cluster, trusted: false), for: lists.desk.caller)
        #expect(view.trusted == false && view.uncommitted)
        _ = try await lists.desk.commit()
        #expect(try await !trusted())
        _ = try await lists.desk.admin.trustSystem(SystemTrust(level: .group("main"), trusted: true), for: lists.desk.caller)
        _ = try await lists.desk.commit()
        #expect(try await trusted())
        #expect(try await lists.remove("system", at: .group("main")).inherited == .cluster)
        _ = try await lists.desk.commit()
        #expect(try await !trusted())
        await #expect(throws: Refusal(.invalid, "")) { try await lists.hide("system", at: .group("main")) }
    }

    @Test func `what expires is among the notices of the status`() async throws {
        let lists = try await Lists()
        try await lists.add("partner", lists.root.certificatePEM, at: .group("main"))
        _ = try await lists.desk.commit()
        func notices() async throws -> [String] {
            try await lists.desk.admin.status(for: lists.desk.caller).notices.filter { $0.hasPrefix("authorities partner at group/main: ") }
        }
        #expect(try await notices().isEmpty)
        lists.desk.clock.advance(seconds: lists.root.notAfter.seconds - lists.desk.clock.now().seconds - 5 * 86_400)
        #expect(try await notices().first?.contains("expires in 5 days") == true)
        lists.desk.clock.advance(seconds: 6 * 86_400)
        #expect(try await notices().first?.contains("expired at") == true)
    }

    @Test func `a document brings a list as a file or by the digest of one that is held`() async throws {
        let lists = try await Lists()
        let file = Array((lists.root.certificatePEM + lists.root.certificatePEM).utf8)
        let entries: [String: DocumentEntry] = ["partner": .authorities(file: file), "system": .value(["trusted": false])]
        let before = try lists.log.blobNames(prefix: "")
        #expect(try await lists.apply(entries, dryRun: true).changes.count == 2)
        #expect(try lists.log.blobNames(prefix: "") == before)
        #expect(try await lists.apply(entries).changes.map(\.entry) == ["partner", "system"])
        _ = try await lists.desk.commit()
        #expect(try await lists.material() == [lists.root.certificatePEM])
        #expect(try await lists.apply(entries).changes.isEmpty)
        // What is known of the certificates comes from the text, whatever the document says.
        var stored = try AuthoritySetting(try #require(await lists.desk.ledger.state.layer[.authorities, "partner"]?.state.value))
        let truth = stored
        stored.certificates[0].subject = "CN=Someone else"
        _ = try await lists.apply(["again": .value(stored.json), "partner": .value(stored.json)])
        _ = try await lists.desk.commit()
        let layer = await lists.desk.ledger.state.layer
        #expect(layer[.authorities].entries.mapValues(\.state) == ["again": .set(truth.json), "partner": .set(truth.json)])
        stored.blob = Digest(hashing: [1])
        await #expect(throws: Refusal(.notFound, "")) { try await lists.apply(["again": .value(stored.json)]) }
        let leaf = try makeSelfSigned(SelfSignedRequest(commonName: "mx.example.com"), now: lists.desk.clock.now()).chain.pem
        await #expect(throws: Refusal(.invalid, "")) { try await lists.apply(["leaf": .authorities(file: Array(leaf.utf8))]) }
    }

    @Test func `a manager's verification counts the text, and names the list whose text is gone or altered`() async throws {
        for isAltered in [false, true] {
            let lists = try await Lists()
            try await lists.add("partner", lists.root.certificatePEM, at: .group("main"))
            _ = try await lists.desk.commit()
            func report() async throws -> ManagerVerification.Report {
                try await ManagerVerification(log: lists.log, master: lists.desk.master).verify()
            }
            #expect(try await report().problems.isEmpty)
            // The ready-made certificate's, and the list.
            #expect(try await report().chains == 2)
            let name = "chain/\(Digest(hashing: lists.root.certificatePEM.utf8).hex)"
            var bytes = try #require(try lists.log.blob(name))
            bytes[bytes.count / 2] ^= 1
            try lists.log.deleteBlob(name)
            if isAltered { try lists.log.putBlob(name, bytes) }
            let problems = try await report().problems
            #expect(problems.count == 1)
            #expect(problems.first?.contains("authorities partner at group/main") == true, "\(problems)")
        }
    }
}

extension AuthorityDeskTests.Lists {
    fileprivate func hide(_ name: String, at level: Level) async throws {
        _ = try await desk.admin.edit(
            EditRequest(edits: [EntryEdit(level: level, section: .authorities, entry: name, operation: .hide)]), for: desk.caller)
    }
}

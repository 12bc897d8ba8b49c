import AdminClient
import AdminContract
import AdminFixtures
import Certificates
import ClusterModel
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Every call of the client reaches its method of the service", .timeLimit(.minutes(1)))
struct ClientTests {
    /// One call, and what the service must then have been asked.
    struct Call: Sendable, CustomTestStringConvertible {
        var question: String
        /// Makes the call; whether the answer was the service's.
        var call: @Sendable (AdminClient) async throws -> Bool
        var testDescription: String { question }

        init(_ question: String, _ call: @escaping @Sendable (AdminClient) async throws -> Bool) {
            self.question = question
            self.call = call
        }
    }

    static let calls: [Call] = [
        Call("whoAmI") { try await $0.whoAmI() == CallerView(user: "admin", role: .administrator, cluster: "acme") },
        Call("status") { try await $0.status().machines == [FixedService.machine] },
        Call("users") { try await $0.users().map(\.name) == ["admin", "bob"] },
        Call("addUser bob read-only") { try await $0.addUser("bob", role: .readOnly).role == .readOnly },
        Call("addUser bob operator eu") { try await $0.addUser("bob", role: .operator, group: "eu").group == "eu" },
        Call("removeUser bob") { try await $0.removeUser("bob").tokens == 2 },
        Call("createToken bob 60") {
            let (profile, token) = try await $0.createToken(TokenRequest(user: "bob", expiresSeconds: 60))
            return profile.token == "muster-token-x" && token.user == "bob" && profile.url.hasPrefix("https://")
        },
        Call("machines") { try await $0.machines() == [FixedService.machine] },
        Call("machine mx1") { try await $0.machine("mx1") == FixedService.machine },
        Call("loss mx1") { try await $0.loss(removing: "mx1") == FixedService.loss },
        Call("move mx1 us") {
            try await $0.moveMachine("mx1", MoveRequest(group: "us")) == FixedService.move("mx1", to: "us", isPreview: false)
        },
        Call("move mx1 us preview") { try await $0.moveMachine("mx1", MoveRequest(group: "us", preview: true)).problems.count == 1 },
        Call("renameMachine mx1 mx9") { try await $0.renameMachine("mx1", to: "mx9") == FixedService.machine },
        Call("remove mx1") { try await $0.removeMachine("mx1") == MachineRemoval(loss: FixedService.loss) },
        Call("remove mx1 archive") {
            try await $0.removeMachine("mx1", archive: true) == MachineRemoval(loss: FixedService.loss, archive: FixedService.archive)
        },
        Call("archives") { try await $0.archives() == [FixedService.archive] },
        Call("forgetArchive 3f9a") { try await $0.forgetArchive("3f9a") == FixedService.archive },
        Call("restoreMachine mx9 - mx1") {
            try await $0.restoreMachine("mx9", RestoreRequest(from: "mx1")).entries.map(\.outcome) == [.added, .replaced, .network, .equal]
        },
        Call("retry mx1") { try await $0.retryMachine("mx1") == FixedService.machine },
        Call("disconnect mx1") { try await $0.disconnectMachine("mx1").state == .disconnected },
        Call("reconnect mx1") { try await $0.reconnectMachine("mx1") == FixedService.machine },
        Call("localConflicts mx1") { try await $0.localConflicts(of: "mx1") == FixedService.localConflicts },
        Call("takeLocal mx1 listeners/relay") {
            try await $0.takeLocalEdits(LocalConflictChoice(entries: ["listeners/relay"]), of: "mx1").uncommitted == 1
        },
        Call("dropLocal mx1 -") { try await $0.dropLocalEdits(LocalConflictChoice(entries: nil), of: "mx1").isEmpty },
        Call("readmit mx1 60") { try await $0.readmitMachine("mx1", ReadmissionRequest(expiresSeconds: 60)).machine == "mx1" },
        Call("ca") { try await $0.ca() == FixedService.ca },
        Call("rotateCA activate mx2,mx3") {
            try await $0.rotateCA(CARequest(move: .activate, without: ["mx2", "mx3"])) == FixedService.ca
        },
        Call("checkConsistency -") { try await $0.checkConsistency() == FixedService.consistency },
        Call("checkConsistency mx1") { try await $0.checkConsistency(of: "mx1") == [FixedService.consistency[0]] },
        Call("repair mx1 machine") { try await $0.repairMachine("mx1", keeping: .machine).outcome == .taken },
        Call("groups") { try await $0.groups() == [GroupView(name: "main", machines: ["mx1"])] },
        Call("addGroup eu") { try await $0.addGroup("eu").name == "eu" },
        Call("renameGroup eu europe") { try await $0.renameGroup("eu", to: "europe").name == "europe" },
        Call("groupLoss eu") { try await $0.loss(deletingGroup: "eu").problems.count == 1 },
        Call("deleteGroup eu") { try await $0.deleteGroup("eu") == FixedService.deletion(of: "eu", problems: []) },
        Call("invite eu 3600") {
            let view = try await $0.invite(InvitationRequest(group: "eu", expiresSeconds: 3600))
            return view.invitation == "muster-invitation-1.x"
        },
        Call("invite - 60 mx1") {
            try await $0.invite(InvitationRequest(group: nil, expiresSeconds: 60, machine: "mx1")).machine == "mx1"
        },
        Call("invite - 60 approval") {
            try await $0.invite(InvitationRequest(group: nil, expiresSeconds: 60, approval: true)).machine == nil
        },
        Call("joinRequests") { try await $0.joinRequests().map(\.machine) == ["mx5"] },
        Call("decideJoin mx5 3f9a true") {
            try await $0.decideJoin(JoinDecision(machine: "mx5", fingerprint: "3f9a", approve: true)).fingerprint == FixedService.digest
        },
        Call("show group/eu destinations .example.com") {
            let entries = try await $0.show(SettingsQuery(level: .group("eu"), section: .destinations, entry: ".example.com"))
            return entries.map(\.hidden) == [false, true] && entries.map(\.value) == [["tls": "preferred"], .null]
        },
        Call("show cluster - -") { !(try await $0.show(SettingsQuery(level: .cluster))).isEmpty },
        Call("effective mx1 destinations a&b=c d% at 7") {
            let entries = try await $0.effective(EffectiveQuery(machine: "mx1", section: .destinations, entry: "a&b=c d%", revision: 7))
            return entries.first?.shadows == [.cluster]
        },
        Call(#"edit machine/mx1 interfaces data1 merge {"https":null}"#) {
            let edit = EntryEdit(level: .machine("mx1"), section: .interfaces, entry: "data1", operation: .merge(["https": .null]))
            return try await $0.edit([edit]).changes == [FixedService.change]
        },
        Call("override group/eu listeners public true") {
            try await $0.override(OverrideRequest(level: .group("eu"), section: .listeners, entry: "public", copy: true)).uncommitted == 1
        },
        Call("copy listeners public cluster group/eu true") {
            let request = CopyRequest(section: .listeners, entry: "public", from: .cluster, to: .group("eu"), move: true)
            return try await $0.copy(request).uncommitted == 2
        },
        Call("changes") { try await $0.changes() == [FixedService.change] },
        Call("previewChanges") { try await $0.previewChanges().machines == [FixedService.impact] },
        Call("keep group/eu destinations *") {
            try await $0.keep(KeepRequest(level: .group("eu"), section: .destinations, entry: SetEntry.wholeSection)).count == 1
        },
        Call("diff 3 -1") { try await $0.diff(DiffQuery(from: 3, to: nil)).levels.count == 2 },
        Call("diff -1 0") { try await $0.diff(DiffQuery(from: nil, to: 0)).to == 0 },
        Call("rollback 2 why true") {
            try await $0.rollback(RollbackRequest(revision: 2, comment: "why", preview: true)).leftOut?.count == 4
        },
        Call("discard - destinations -") {
            try await $0.discard(DiscardQuery(section: .destinations)) == DiscardSummary(discarded: 1, uncommitted: 0)
        },
        Call("commit renewed c1") { try await $0.commit(CommitRequest(comment: "renewed", changeSet: "c1")).revision == 4 },
        Call(#"apply {"cluster":"acme"} true false"#) {
            try await $0.apply(ApplyRequest(document: ["cluster": "acme"], dryRun: true)).commit == nil
        },
        Call("save -") { try await $0.save(SaveRequest()).keys == 0 },
        Call("save secret") { try await $0.save(SaveRequest(password: "secret")).keys == 1 },
        Call("history 7 20") { try await $0.history(Page(after: 7, limit: 20)).first?.revision == 3 },
        Call("certificates -") { try await $0.certificates(at: nil) == [FixedService.certificate] },
        Call("request mail group/eu") { try await $0.certificateRequest("mail", at: .group("eu")).key == FixedService.digest },
        Call("upload cluster mail bGVhZg== Y2E=") {
            let upload = CertificateUpload(level: .cluster, name: "mail", certificate: "bGVhZg==", intermediates: ["Y2E="])
            return try await $0.uploadCertificate(upload) == FixedService.certificate
        },
        Call("export cluster mail secret true") {
            let export = CertificateExport(level: .cluster, name: "mail", password: "secret", legacy: true)
            return try await $0.exportCertificate(export).pkcs12 == "cDEy"
        },
        Call("check") { try await $0.checkCertificates().map(\.served) == [FixedService.digest, nil] },
        Call("mailExchange example.com 127.0.0.1:5353") {
            try await $0.checkMailExchange(MailExchangeRequest(domain: "example.com", resolver: "127.0.0.1:5353"))
                == FixedService.mailExchange
        },
        Call("uses mail machine/mx1") { try await $0.certificateUses("mail", at: .machine("mx1")).map(\.machine) == [nil, "mx1"] },
        Call("deleteCertificate mail group/eu") { try await $0.deleteCertificate("mail", at: .group("eu")).uncommitted == 1 },
        Call("certificates group/eu") { !(try await $0.certificates(at: .group("eu"))).isEmpty },
        Call("certificate mail machine/mx1") {
            try await $0.certificate("mail", at: .machine("mx1")) == FixedService.certificate
        },
        Call("create cluster mail mail.example.com true") {
            let request = SelfSignedRequest(commonName: "mail.example.com", names: ["mx1.example.com"], days: 30, key: .rsa2048)
            let creation = CertificateCreation(level: .cluster, name: "mail", request: request, replace: true)
            return try await $0.createCertificate(creation) == FixedService.certificate
        },
        Call("import cluster mail AAEC secret") {
            let request = CertificateImport(level: .cluster, name: "mail", pkcs12: "AAEC", password: "secret")
            return try await $0.importCertificate(request) == FixedService.certificate
        },
        Call("promote own machine/mx1 group/eu") {
            let request = CertificatePromotion(name: "own", from: .machine("mx1"), to: .group("eu"))
            return try await $0.promoteCertificate(request) == FixedService.certificate
        },
        Call("renewal group/eu mail mail-2026") {
            let query = RenewalQuery(level: .group("eu"), old: "mail", new: "mail-2026")
            return try await $0.renewal(query) == FixedService.renewal(.add)
        },
        Call("alerts true") { try await $0.alerts(all: true) == FixedService.alerts },
        Call("acknowledge a b") {
            try await $0.acknowledgeAlerts(AlertAcknowledgement(ids: ["a", "b"])).first?.acknowledged?.by == "ann"
        },
        Call("authorities -") { try await $0.authorities(at: nil).map(\.hidden) == [false, false, true, false] },
        Call("authority partner-root group/eu") {
            try await $0.authority("partner-root", at: .group("eu")) == FixedService.authority
        },
        Call("addAuthorities machine/mx1 partner-root cGVt true") {
            let addition = AuthorityAddition(level: .machine("mx1"), name: "partner-root", file: "cGVt", replace: true)
            return try await $0.addAuthorities(addition).certificates.count == 2
        },
        Call("trustSystem group/eu false") {
            try await $0.trustSystem(SystemTrust(level: .group("eu"), trusted: false)).trusted == false
        },
        Call("removeAuthorities partner-root group/eu") {
            try await $0.removeAuthorities("partner-root", at: .group("eu")).inherited == .cluster
        },
        Call("audit -1 1000") { try await $0.audit().first?.kind == "cluster-created" },
        Call("refused") { try await $0.refusedAttempts().map(\.who) == ["machine mx9", "bob"] },
        Call("verifyAudit") { try await $0.verifyAudit().intact },
    ]

    @Test(arguments: calls)
    func `a call reaches its method with its arguments`(_ call: Call) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let isAnswered = try await AdminClient.with(server.profile, call.call)
            #expect(isAnswered)
        }
        #expect(service.questions == ["admin " + call.question])
    }

    @Test func `keys that tools count on are there even when null`() async throws {
        try await RunningServer.with(FixedService()) { server in
            let body = try await server.request("GET", "/api/v1/machines").body
            let machine = try JSONValue(parsing: body.utf8).items?.first
            #expect(
                machine?.members.map { Set($0.keys) }?.isSuperset(of: [
                    "name", "group", "state", "targetRevision", "appliedRevision", "targetDigest", "appliedDigest", "reasons", "services",
                ]) == true)
            let services = machine?["services"]?.items ?? []
            #expect(
                services.map { $0.members.map { Set($0.keys) } ?? [] }.allSatisfy {
                    $0 == ["service", "certificate", "fingerprint", "served", "unprovable"]
                })
            #expect(services.last?["served"] == .null)
            let certificate = try JSONValue(parsing: try await server.request("GET", "/api/v1/certificates/mail").body.utf8)
            #expect(
                certificate.members.map { Set($0.keys) }?.isSuperset(of: [
                    "name", "level", "subject", "issuer", "fingerprint", "notBefore", "notAfter", "usedBy", "findings", "chain",
                ]) == true)
            let authorities = try JSONValue(parsing: try await server.request("GET", "/api/v1/authorities").body.utf8)
            #expect(
                authorities.items?.allSatisfy {
                    Set(($0.members ?? [:]).keys) == [
                        "name", "level", "trusted", "certificates", "expires", "blob", "findings", "hidden", "implied", "uncommitted",
                    ]
                } == true)
        }
    }

    @Test func `a manager that cannot be reached is named`() async throws {
        let authority = try ClusterAuthority.create(clusterID: "0123", clusterName: "acme", now: Timestamp(Date()))
        // Port 1 of an address that nothing listens on.
        let profile = Profile(url: "https://127.98.76.54:1", ca: authority.certificatePEM, token: "t")
        let error = await #expect(throws: Refusal(.unavailable, "")) { try await AdminClient.with(profile) { _ = try await $0.status() } }
        #expect(error?.reason.contains("https://127.98.76.54:1") == true)
    }

    @Test func `another authority's manager gets no token`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            var profile = server.profile
            profile.ca = try ClusterAuthority.create(clusterID: "0123", clusterName: "acme", now: Timestamp(Date())).certificatePEM
            let stranger = profile
            let error = await #expect(throws: Refusal(.unavailable, "")) {
                try await AdminClient.with(stranger) { _ = try await $0.status() }
            }
            #expect(error?.reason.contains("TLS") == true, "\(error?.reason ?? "")")
        }
        #expect(service.questions.isEmpty)
    }

    @Test(arguments: ["../groups", "mx1/loss", "", "mx 1", "mx1?x=y"])
    func `a name that would lead to another path is refused before it is sent`(_ name: String) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            await #expect(throws: Refusal(.invalid, "")) {
                try await AdminClient.with(server.profile) { _ = try await $0.removeMachine(name) }
            }
        }
        #expect(service.questions.isEmpty)
    }

    @Test func `a profile never shows its token`() {
        let profile = Profile(url: "https://127.0.0.1:1", ca: "", token: "canary")
        #expect(!"\(profile) \(String(reflecting: profile))".contains("canary"))
        let request = CertificateImport(level: .cluster, name: "mail", pkcs12: "canary", password: "canary")
        #expect(!"\(request)".contains("canary"))
    }
}

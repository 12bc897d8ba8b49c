import AdminContract
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("A role may be limited to one group")
struct LimitedRoleTests {
    /// Groups main with mx1 and us with mx2; eve administers main, oli edits it, rita looks at it.
    private struct Scene {
        let desk: Desk
        let tokens: Tokens

        init() async throws {
            desk = try await Desk.make()
            tokens = Tokens(ledger: desk.ledger, now: desk.clock.now)
            _ = try await desk.admin.addGroup(GroupRequest(name: "us"), for: desk.caller)
            try await desk.join("mx1")
            let invitation = try await desk.enrolment.invite(by: "ann", group: "us", seconds: 60)
            _ = try await desk.enrolment.join(desk.request("mx2", invitation: invitation, address: "127.0.0.12"))
            for (level, name) in [(Level.cluster, "shared.example"), (.group("main"), "main.example"), (.group("us"), "us.example")] {
                try await desk.set(.destinations, name, ["tls": "required"], at: level)
            }
            for level in [Level.cluster, .group("main"), .group("us")] {
                let request = SelfSignedRequest(commonName: "mail.example.com", names: [], days: 30, key: .ecdsaP256)
                _ = try await desk.admin.createCertificate(
                    CertificateCreation(level: level, name: "mail", request: request, replace: false), for: desk.caller)
            }
            _ = try await desk.commit()
            for (name, role) in [("eve", Role.administrator), ("oli", .operator), ("rita", .readOnly)] {
                _ = try await desk.admin.addUser(UserRequest(name: name, role: role, group: "main"), for: desk.caller)
            }
        }

        /// Who bears a token of this user's.
        func caller(_ user: String) async throws -> Caller {
            let token = try await desk.admin.createToken(TokenRequest(user: user, expiresSeconds: 60), for: desk.caller)
            return try #require(await tokens.caller(bearing: token.token))
        }

        func expectForbidden(
            _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: (any AdminService) async throws -> Void
        ) async {
            let position = await desk.ledger.state.head.position
            let refusal = await #expect(throws: Refusal(.forbidden, ""), "\(what)", sourceLocation: sourceLocation) {
                try await body(desk.admin)
            }
            #expect(
                refusal?.reason.contains("in the group main only") == true, "\(what): \(refusal?.reason ?? "")",
                sourceLocation: sourceLocation)
            #expect(await desk.ledger.state.head.position == position, "\(what)", sourceLocation: sourceLocation)
        }
    }

    @Test func `it is shown where it is limited, follows the group's name, and keeps the group`() async throws {
        let scene = try await Scene()
        let oli = try await scene.caller("oli")
        #expect(oli.group != nil)
        #expect(try await scene.desk.admin.whoAmI(oli).group == "main")
        _ = try await scene.desk.admin.renameGroup("main", RenameRequest(name: "eu"), for: scene.desk.caller)
        #expect(try await scene.desk.admin.whoAmI(oli).group == "eu")
        #expect(try await scene.desk.admin.users(for: scene.desk.caller).map(\.group) == [nil, "eu", "eu", "eu"])
        _ = try await scene.desk.admin.moveMachine("mx1", MoveRequest(group: "us"), for: scene.desk.caller)
        let refusal = await #expect(throws: Refusal(.inUse, "")) { try await scene.desk.admin.deleteGroup("eu", for: scene.desk.caller) }
        #expect(refusal?.reason.contains("eve, oli, rita") == true)
        await #expect(throws: Refusal(.notFound, "")) {
            try await scene.desk.admin.addUser(UserRequest(name: "pat", role: .operator, group: "gone"), for: scene.desk.caller)
        }
        let audit = try await scene.desk.admin.audit(Page(), for: scene.desk.caller)
        #expect(audit.contains { $0.summary == "added oli as operator, in the group eu only" })
    }

    @Test func `the own group and its machines can be edited and committed, and nothing else`() async throws {
        let scene = try await Scene()
        let (desk, oli) = (scene.desk, try await scene.caller("oli"))
        for level in [Level.group("main"), .machine("mx1")] {
            try await desk.set(.destinations, "new.example", ["tls": "none"], at: level, by: oli)
        }
        for level in [Level.cluster, .group("us"), .machine("mx2")] {
            await scene.expectForbidden("edit at \(level)") { _ in
                try await desk.set(.destinations, "new.example", ["tls": "none"], at: level, by: oli)
            }
            let creation = CertificateCreation(
                level: level, name: "own", request: SelfSignedRequest(commonName: "a.example", names: [], days: 1, key: .ecdsaP256),
                replace: false)
            await scene.expectForbidden("create at \(level)") { _ = try await $0.createCertificate(creation, for: oli) }
            await scene.expectForbidden("delete at \(level)") { _ = try await $0.deleteCertificate("mail", at: level, for: oli) }
            await scene.expectForbidden("promote to \(level)") {
                _ = try await $0.promoteCertificate(CertificatePromotion(name: "mail", from: .group("main"), to: level), for: oli)
            }
            await scene.expectForbidden("trust at \(level)") {
                _ = try await $0.trustSystem(SystemTrust(level: level, trusted: false), for: oli)
            }
            await scene.expectForbidden("move to \(level)") {
                _ = try await $0.copy(
                    CopyRequest(section: .destinations, entry: "main.example", from: .group("main"), to: level, move: true), for: oli)
            }
        }
        // What the cluster has may be brought nearer; what another group has may not.
        _ = try await desk.admin.override(
            OverrideRequest(level: .group("main"), section: .destinations, entry: "shared.example", copy: true), for: oli)
        let foreign = CopyRequest(section: .certificates, entry: "mail", from: .group("us"), to: .group("main"), move: false)
        await scene.expectForbidden("copy from us") { _ = try await $0.copy(foreign, for: oli) }
        let preview = try await desk.admin.previewChanges(for: oli)
        #expect(preview.machines.map(\.machine) == ["mx1"] && preview.problems.isEmpty)
        let commit = try await desk.commit(by: oli)
        #expect(commit.revision == 2 && commit.roster == ["mx1"])
        await scene.expectForbidden("roll back") { _ = try await $0.rollback(RollbackRequest(revision: 1), for: oli) }
    }

    @Test func `what others have is neither shown nor told`() async throws {
        let scene = try await Scene()
        let desk = scene.desk
        let rita = try await scene.caller("rita")
        #expect(try await desk.admin.machines(for: rita).map(\.name) == ["mx1"])
        #expect(try await desk.admin.status(for: rita).machines.map(\.name) == ["mx1"])
        #expect(try await desk.admin.groups(for: rita) == [GroupView(name: "main", machines: ["mx1"])])
        #expect(
            try await desk.admin.certificates(at: nil, for: rita).map(\.level) == [.cluster, .cluster, .group("main")], "demo, mail, mail")
        #expect(
            try await desk.admin.show(SettingsQuery(level: .cluster, section: .destinations), for: rita).map(\.name) == ["shared.example"])
        let effective = try await desk.admin.effective(EffectiveQuery(machine: "mx1", section: .destinations), for: rita)
        #expect(effective.map(\.name) == ["main.example", "shared.example"])
        let diff = try await desk.admin.diff(DiffQuery(from: 0, to: nil), for: rita)
        #expect(!diff.levels.map(\.level).contains(.group("us")) && diff.levels.map(\.level).contains(.group("main")))
        await scene.expectForbidden("show us") { _ = try await $0.show(SettingsQuery(level: .group("us")), for: rita) }
        await scene.expectForbidden("show mx2") { _ = try await $0.show(SettingsQuery(level: .machine("mx2")), for: rita) }
        await scene.expectForbidden("machine mx2") { _ = try await $0.machine("mx2", for: rita) }
        await scene.expectForbidden("effective mx2") { _ = try await $0.effective(EffectiveQuery(machine: "mx2"), for: rita) }
        await scene.expectForbidden("loss mx2") { _ = try await $0.loss(removing: "mx2", for: rita) }
        await scene.expectForbidden("loss us") { _ = try await $0.loss(deletingGroup: "us", for: rita) }
        await scene.expectForbidden("certificate us") { _ = try await $0.certificate("mail", at: .group("us"), for: rita) }
        await scene.expectForbidden("authorities us") { _ = try await $0.authorities(at: .group("us"), for: rita) }
        await scene.expectForbidden("renewal") {
            _ = try await $0.renewal(RenewalQuery(level: .cluster, old: "mail", new: "m2"), for: rita)
        }
        await scene.expectForbidden("audit") { _ = try await $0.audit(Page(), for: rita) }
        await scene.expectForbidden("verify") { _ = try await $0.verifyAudit(for: rita) }
        await scene.expectForbidden("save") { _ = try await $0.save(SaveRequest(), for: rita) }
        await scene.expectForbidden("users") { _ = try await $0.users(for: rita) }
        // At an earlier revision, too: the machine was elsewhere then.
        _ = try await desk.admin.moveMachine("mx2", MoveRequest(group: "main"), for: desk.caller)
        #expect(try await desk.admin.machine("mx2", for: rita).group == "main")
        await #expect(throws: Refusal(.notFound, "")) {
            try await desk.admin.effective(EffectiveQuery(machine: "mx2", revision: 1), for: rita)
        }
    }

    @Test func `an administrator of a group decides who is in it, and about nothing else`() async throws {
        let scene = try await Scene()
        let (desk, eve) = (scene.desk, try await scene.caller("eve"))
        #expect(try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60), for: eve).group == "main")
        await scene.expectForbidden("invite to us") {
            _ = try await $0.invite(InvitationRequest(group: "us", expiresSeconds: 60), for: eve)
        }
        #expect(try await desk.admin.renameMachine("mx1", RenameRequest(name: "edge1x"), for: eve).name == "edge1x")
        await scene.expectForbidden("rename mx2") { _ = try await $0.renameMachine("mx2", RenameRequest(name: "x"), for: eve) }
        await scene.expectForbidden("remove mx2") { _ = try await $0.removeMachine("mx2", for: eve) }
        await scene.expectForbidden("retry mx2") { _ = try await $0.retryMachine("mx2", for: eve) }
        // A move concerns two groups.
        for (machine, group) in [("edge1x", "us"), ("mx2", "main")] {
            await scene.expectForbidden("move \(machine)") { _ = try await $0.moveMachine(machine, MoveRequest(group: group), for: eve) }
        }
        let export = CertificateExport(level: .group("us"), name: "mail", password: "p", legacy: false)
        await scene.expectForbidden("export us") { _ = try await $0.exportCertificate(export, for: eve) }
        _ = try await desk.admin.exportCertificate(
            CertificateExport(level: .group("main"), name: "mail", password: "p", legacy: false), for: eve)
        await scene.expectForbidden("add group") { _ = try await $0.addGroup(GroupRequest(name: "new"), for: eve) }
        await scene.expectForbidden("rename group") { _ = try await $0.renameGroup("main", RenameRequest(name: "new"), for: eve) }
        await scene.expectForbidden("delete group") { _ = try await $0.deleteGroup("main", for: eve) }
        await scene.expectForbidden("add user") {
            _ = try await $0.addUser(UserRequest(name: "pat", role: .readOnly, group: "main"), for: eve)
        }
        await scene.expectForbidden("remove user") { _ = try await $0.removeUser("oli", for: eve) }
        await scene.expectForbidden("token") { _ = try await $0.createToken(TokenRequest(user: "ann", expiresSeconds: 60), for: eve) }
        _ = try await desk.admin.removeMachine("edge1x", for: eve)
        #expect(await desk.ledger.state.memberships.count == 1)
    }

    @Test func `a document is applied as far as the role holds, and brings no foreign key along`() async throws {
        let scene = try await Scene()
        let (desk, oli) = (scene.desk, try await scene.caller("oli"))
        let saved = try await desk.admin.save(SaveRequest(), for: desk.caller).document
        let foreign = try #require(saved["settings"]?["group/us"]?["certificates"]?["mail"])
        let own = try #require(saved["settings"]?["group/main"]?["certificates"]?["mail"])
        func apply(_ settings: JSONValue, groups: JSONValue = ["main"]) async throws {
            _ = try await desk.admin.apply(ApplyRequest(document: ["groups": groups, "settings": settings]), for: oli)
        }
        try await apply([
            "group/main": [
                "certificates": ["mail": ["certificate": ["masked": own]]], "destinations": ["x.example": ["value": ["tls": "none"]]],
            ]
        ])
        await scene.expectForbidden("apply at cluster") { _ in
            try await apply(["cluster": ["destinations": ["x.example": ["value": ["tls": "none"]]]]])
        }
        await scene.expectForbidden("apply a group") { _ in try await apply([:], groups: ["main", "new"]) }
        let refusal = await #expect(throws: Refusal(.forbidden, "")) {
            try await apply(["machine/mx1": ["certificates": ["mail": ["certificate": ["masked": foreign]]]]])
        }
        #expect(refusal?.reason.contains("without its key") == true)
        #expect(try await desk.commit(by: oli).machines.map(\.machine) == ["mx1"])
    }

    @Test func `edits for a machine that was moved away are not committed, and can be discarded`() async throws {
        let scene = try await Scene()
        let (desk, oli) = (scene.desk, try await scene.caller("oli"))
        try await desk.set(.destinations, "new.example", ["tls": "none"], at: .machine("mx1"), by: oli)
        _ = try await desk.admin.moveMachine("mx1", MoveRequest(group: "us"), for: desk.caller)
        #expect(try await desk.admin.previewChanges(for: oli).problems.count == 1)
        await scene.expectForbidden("commit") { _ in _ = try await desk.commit(by: oli) }
        #expect(try await desk.admin.discard(DiscardQuery(level: nil, section: nil, entry: nil), for: oli).discarded == 1)
        #expect(try await desk.commit(by: oli).revision == nil)
    }
}

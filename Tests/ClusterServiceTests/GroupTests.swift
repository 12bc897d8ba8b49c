import AdminContract
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("Groups are renamed and deleted, machines moved and renamed")
struct GroupTests {
    /// Groups main, with mx1, and us. Each has a certificate `mail` of its own over the cluster's, which mx1's listener uses.
    private func desk() async throws -> Desk {
        let desk = try await Desk.make()
        _ = try await desk.admin.addGroup(GroupRequest(name: "us"), for: desk.caller)
        try await desk.join("mx1")
        for level in [Level.group("main"), .group("us")] {
            let request = SelfSignedRequest(commonName: "\(level.name ?? "").example.com", names: [], days: 30, key: .ecdsaP256)
            _ = try await desk.admin.createCertificate(
                CertificateCreation(level: level, name: "mail", request: request, replace: false), for: desk.caller)
        }
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        try await desk.set(
            .listeners, "public", ["interface": "data1", "port": 2525, "certificate": "mail", "defaultPolicy": "accepted"],
            at: .group("main"))
        try await desk.set(
            .listeners, "public", ["interface": "data1", "port": 2525, "certificate": "mail", "defaultPolicy": "accepted"],
            at: .group("us"))
        try await desk.set(.destinations, "bank.example", ["tls": "required"], at: .group("us"))
        try await desk.set(.destinations, "old.example", ["tls": "none"], at: .group("main"))
        _ = try await desk.commit()
        return desk
    }

    private func move(_ desk: Desk, _ machine: String, to group: String, preview: Bool = false, by caller: Caller? = nil) async throws
        -> MoveView
    {
        try await desk.admin.moveMachine(machine, MoveRequest(group: group, preview: preview), for: caller ?? desk.caller)
    }

    private func fingerprint(_ desk: Desk, _ group: String) async throws -> Digest {
        try await desk.admin.certificate("mail", at: .group(group), for: desk.caller).fingerprint
    }

    @Test func `a move says what the machine gains, loses and serves; the preview says the same and moves nothing`() async throws {
        let desk = try await desk()
        let position = await desk.ledger.state.head.position
        let preview = try await move(desk, "mx1", to: "us", preview: true)
        #expect(await desk.ledger.state.head.position == position)
        #expect(preview.from == "main" && preview.to == "us" && preview.problems.isEmpty)
        let impact = try #require(preview.machines.first)
        let kinds = Dictionary(uniqueKeysWithValues: impact.changes.map { ("\($0.section)/\($0.name)", $0.change) })
        #expect(kinds == ["certificates/mail": .changed, "destinations/bank.example": .added, "destinations/old.example": .removed])
        let service = try #require(impact.services.first)
        #expect(service.service == "listener/public")
        #expect(service.before?.fingerprint == (try await fingerprint(desk, "main")))
        #expect(service.after?.fingerprint == (try await fingerprint(desk, "us")))

        let done = try await move(desk, "mx1", to: "us")
        #expect(done.machines == preview.machines)
        #expect(done.position == position + 1)
        let view = try await desk.admin.machine("mx1", for: desk.caller)
        #expect(view.group == "us" && view.targetRevision == 1)
        #expect(view.services.map(\.fingerprint) == [try await fingerprint(desk, "us")])
        // Once more is no harm, and no entry.
        let again = try await move(desk, "mx1", to: "us")
        #expect(again.from == "us" && again.machines.isEmpty && again.position == position + 1)
        let audit = try await desk.admin.audit(Page(after: position), for: desk.caller)
        #expect(audit.map(\.summary) == ["moved mx1 from the group main to us"])
    }

    @Test func `a move that would break the machine is refused with reasons, and the preview names them`() async throws {
        let desk = try await desk()
        // It holds in main, where there is such a policy, and not in us.
        try await desk.set(.mailFlowPolicies, "partners", ["tls": "required"], at: .group("main"))
        try await desk.set(
            .listeners, "inside", ["interface": "data1", "port": 2526, "certificate": "mail", "defaultPolicy": "partners"],
            at: .machine("mx1"))
        _ = try await desk.commit()
        let position = await desk.ledger.state.head.position
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await move(desk, "mx1", to: "us") }
        #expect(refusal?.reason.contains("the machine mx1 would not hold together") == true)
        #expect(refusal?.details.contains { $0.contains("mailFlowPolicies/partners") } == true)
        #expect(try await move(desk, "mx1", to: "us", preview: true).problems == refusal?.details)
        #expect(await desk.ledger.state.head.position == position)
        await #expect(throws: Refusal(.notFound, "")) { try await move(desk, "mx1", to: "nowhere") }
        await #expect(throws: Refusal(.notFound, "")) { try await move(desk, "mx9", to: "us") }
    }

    @Test func `a move to what the machine's agent does not understand is refused`() async throws {
        let desk = try await desk()
        _ = try await desk.admin.addGroup(GroupRequest(name: "bare"), for: desk.caller)
        let invitation = try await desk.enrolment.invite(by: "ann", group: "bare", seconds: 60)
        var request = try desk.request("mx2", invitation: invitation, address: "127.0.0.12")
        request.knowledge = .ours(agent: "muster/0.9")
        request.knowledge.sections[.destinations] = nil
        _ = try await desk.enrolment.join(request)
        let refusal = await #expect(throws: Refusal(.version, "")) { try await move(desk, "mx2", to: "us") }
        #expect(refusal?.details.contains { $0.contains("destinations/bank.example") } == true)
        #expect(try await move(desk, "mx2", to: "us", preview: true).problems == refusal?.details)
    }

    @Test func `a deleted group takes its settings, names them and its invitations, and nobody's edits in silence`() async throws {
        let desk = try await desk()
        let invitation = try await desk.enrolment.invite(by: "ann", group: "main", seconds: 3600)
        let bob = Caller(user: "bob", role: .operator)
        try await desk.set(.destinations, "late.example", ["tls": "required"], at: .group("main"), by: bob)
        try await desk.set(.destinations, "kept.example", ["tls": "required"], by: bob)
        var refusal = await #expect(throws: Refusal(.inUse, "")) { try await desk.admin.deleteGroup("main", for: desk.caller) }
        #expect(refusal?.reason.contains("mx1") == true && refusal?.reason.contains("muster machine move mx1 --group us") == true)
        #expect(try await desk.admin.loss(deletingGroup: "main", for: desk.caller).problems == [refusal?.reason])
        _ = try await move(desk, "mx1", to: "us")

        let loss = try await desk.admin.loss(deletingGroup: "main", for: desk.caller)
        #expect(loss.problems.isEmpty)
        #expect(loss.certificates.map(\.name) == ["mail"])
        #expect(loss.settings == ["destinations": ["old.example"], "listeners": ["public"]])
        #expect(loss.invitations.map(\.id) == [invitation.id])
        #expect(try await desk.admin.deleteGroup("main", for: desk.caller) == loss)
        #expect(try await desk.admin.groups(for: desk.caller) == [GroupView(name: "us", machines: ["mx1"])])

        // Whoever uses the invitation is told.
        refusal = await #expect(throws: Refusal(.notFound, "")) {
            try await desk.enrolment.join(desk.request("mx2", invitation: invitation, address: "127.0.0.12"))
        }
        #expect(refusal?.reason.contains("group that the invitation leads to was deleted") == true)
        // Bob hears of his edit, and the other one goes through.
        let sentence = "group main was deleted, and your edit for it went with it"
        #expect(try await desk.admin.previewChanges(for: bob).notices.contains(sentence))
        let commit = try await desk.commit(by: bob)
        #expect(commit.revision == 2 && commit.notices.contains(sentence))
        refusal = await #expect(throws: Refusal(.inUse, "")) { try await desk.admin.deleteGroup("us", for: desk.caller) }
        #expect(refusal?.reason.contains("the only group") == true)
        let last = try await desk.admin.audit(Page(), for: desk.caller).first { $0.kind == "group-deleted" }
        #expect(last?.summary.contains("deleted the group main; lost: certificate mail") == true)
    }

    @Test func `new machines join the group that is left when the cluster's first is gone, and the question is asked when there are two`()
        async throws
    {
        let desk = try await desk()
        _ = try await move(desk, "mx1", to: "us")
        _ = try await desk.admin.renameGroup("main", RenameRequest(name: "first"), for: desk.caller)
        #expect(try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60), for: desk.caller).group == "first")
        _ = try await desk.admin.deleteGroup("first", for: desk.caller)
        #expect(try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60), for: desk.caller).group == "us")
        _ = try await desk.admin.addGroup(GroupRequest(name: "eu"), for: desk.caller)
        let refusal = await #expect(throws: Refusal(.invalid, "")) {
            try await desk.admin.invite(InvitationRequest(group: nil, expiresSeconds: 60), for: desk.caller)
        }
        #expect(refusal?.reason.contains("--group NAME, one of eu, us") == true)
        // An empty group is a group like any other.
        #expect(try await desk.admin.groups(for: desk.caller).first == GroupView(name: "eu", machines: []))
    }

    @Test func `names change, and edits, settings and targets stay where they are`() async throws {
        let desk = try await desk()
        let before = await desk.ledger.state
        try await desk.set(.destinations, "mine.example", ["tls": "required"], at: .machine("mx1"))
        try await desk.set(.destinations, "ours.example", ["tls": "required"], at: .group("main"))
        let view = try await desk.admin.renameMachine("mx1", RenameRequest(name: "edge"), for: desk.caller)
        #expect(view.name == "edge" && view.ownName == "mx1")
        #expect(
            try await desk.admin.renameGroup("main", RenameRequest(name: "eu"), for: desk.caller)
                == GroupView(name: "eu", machines: ["edge"]))
        let after = await desk.ledger.state
        #expect(after.configurations().mapValues(\.digest) == before.configurations().mapValues(\.digest))
        #expect(try await desk.admin.changes(for: desk.caller).map(\.level) == [.machine("edge"), .group("eu")])
        #expect(try await desk.commit().revision == 2)
        let document = try await desk.admin.save(SaveRequest(), for: desk.caller).document
        #expect(document["groups"] == ["eu", "us"])
        #expect(document["settings"]?["machine/edge"]?["destinations"]?["mine.example"] != nil)
        #expect(document["settings"]?["machine/mx1"] == nil)
        // Then as they were called then, now as they are called now.
        let then = try await desk.admin.effective(EffectiveQuery(machine: "mx1", section: .destinations, revision: 1), for: desk.caller)
        #expect(then.map(\.level) == [.group("main")])
        let diff = try await desk.admin.diff(DiffQuery(from: 1, to: nil), for: desk.caller)
        #expect(diff.levels.map(\.level) == [.group("eu"), .machine("edge")])
        #expect(diff.levels.map(\.former) == [.group("main"), .machine("mx1")])
        // Back again, twice, is no harm.
        for _ in 0..<2 { #expect(try await desk.admin.renameMachine("edge", RenameRequest(name: "edge"), for: desk.caller).name == "edge") }
        #expect(try await desk.admin.renameMachine("edge", RenameRequest(name: "mx1"), for: desk.caller).ownName == nil)
        let kinds = try await desk.admin.audit(Page(), for: desk.caller).map(\.summary)
        #expect(kinds.contains("renamed the machine mx1 to edge") && kinds.contains("renamed the group main to eu"))
    }

    @Test func `a rollback across a move and a deletion names what it cannot bring back`() async throws {
        let desk = try await desk()
        _ = try await move(desk, "mx1", to: "us")
        _ = try await desk.admin.renameMachine("mx1", RenameRequest(name: "mx9"), for: desk.caller)
        _ = try await desk.admin.deleteGroup("main", for: desk.caller)
        _ = try await desk.admin.addGroup(GroupRequest(name: "main"), for: desk.caller)
        try await desk.set(.destinations, "bank.example", ["tls": "none"], at: .group("us"))
        try await desk.set(.destinations, "new.example", ["tls": "none"], at: .group("main"))
        _ = try await desk.commit()
        let answer = try await desk.admin.rollback(RollbackRequest(revision: 1), for: desk.caller)
        #expect(answer.revision == 3)
        #expect(
            answer.leftOut == [
                .init(
                    level: .group("main"), reason: .groupGone,
                    entries: ["certificates/mail", "destinations/old.example", "listeners/public"]),
                .init(level: .machine("mx9"), reason: .moved, entries: ["group/main"]),
            ])
        let state = await desk.ledger.state
        #expect(try state.layer(state.layerID(of: .group("us")))?[.destinations, "bank.example"]?.state == .set(["tls": "required"]))
        // The new group of the old name is another one: it had nothing at that revision.
        #expect(try state.layer(state.layerID(of: .group("main")))?[.destinations, "new.example"] == nil)
        #expect(try state.layer(state.layerID(of: .group("main")))?[.listeners, "public"] == nil)
        // What was then is read back from the log, with the names of then.
        let then = try await desk.ledger.state(at: 1)
        #expect(then.groups.values.map(\.name).sorted() == ["main", "us"] && then.membership(named: "mx1") != nil)
    }

    @Test func `names that are taken or could be taken for another are refused, whoever gives them`() async throws {
        let desk = try await desk()
        _ = try await desk.admin.addUser(UserRequest(name: "bob", role: .operator), for: desk.caller)
        _ = try await desk.enrolment.join(desk.request("mx2", invitation: try await desk.invite(), address: "127.0.0.12"))
        for name in ["mx1", "MX1", "mxl", "mxI"] {
            let refusal = await #expect(throws: Refusal(.exists, "")) {
                try await desk.admin.renameMachine("mx2", RenameRequest(name: name), for: desk.caller)
            }
            #expect(refusal?.reason.contains("\"mx1\"") == true)
            let join = try desk.request(name, invitation: try await desk.invite(), address: "127.0.0.13")
            let joined = await #expect(throws: Refusal(.exists, "")) { try await desk.enrolment.join(join) }
            #expect(joined?.reason.contains("mx1") == true)
        }
        for name in ["MAIN", "Main", "US"] {
            await #expect(throws: Refusal(.exists, "")) { try await desk.admin.addGroup(GroupRequest(name: name), for: desk.caller) }
        }
        await #expect(throws: Refusal(.exists, "")) {
            try await desk.admin.renameGroup("main", RenameRequest(name: "us"), for: desk.caller)
        }
        await #expect(throws: Refusal(.exists, "")) {
            try await desk.admin.renameGroup("main", RenameRequest(name: "US"), for: desk.caller)
        }
        await #expect(throws: Refusal(.exists, "")) {
            try await desk.admin.addUser(UserRequest(name: "B0b", role: .operator), for: desk.caller)
        }
        for name in ["", "../x", "mx 1", "m\u{445}1"] {
            await #expect(throws: Refusal(.invalid, "")) {
                try await desk.admin.renameMachine("mx2", RenameRequest(name: name), for: desk.caller)
            }
            await #expect(throws: Refusal(.invalid, "")) {
                try await desk.admin.renameGroup("us", RenameRequest(name: name), for: desk.caller)
            }
        }
        // A document may not bring such a group along either.
        let document: JSONValue = [
            "groups": ["main", "Us"], "settings": ["group/Us": ["destinations": ["x.example": ["value": ["tls": "none"]]]]],
        ]
        for dryRun in [true, false] {
            await #expect(throws: Refusal(.exists, "")) {
                try await desk.admin.apply(ApplyRequest(document: document, dryRun: dryRun), for: desk.caller)
            }
        }
        // The own name in other letters is no other's, and the name of a removed machine is free.
        _ = try await desk.admin.renameMachine("mx1", RenameRequest(name: "MX1"), for: desk.caller)
        _ = try await desk.admin.removeMachine("MX1", for: desk.caller)
        #expect(try await desk.admin.renameMachine("mx2", RenameRequest(name: "mx1"), for: desk.caller).name == "mx1")
    }

    @Test func `a machine that did not hear that it is in is answered again, whatever it was renamed to meanwhile`() async throws {
        let desk = try await Desk.make()
        let request = try desk.request("mx1", invitation: try await desk.invite())
        let first = try await desk.enrolment.join(request)
        _ = try await desk.admin.renameMachine("mx1", RenameRequest(name: "edge"), for: desk.caller)
        #expect(try await desk.enrolment.join(request).membership == first.membership)
        #expect(await desk.ledger.state.memberships.count == 1)
    }

    @Test func `an empty group is fine: its last machine may be moved or removed`() async throws {
        let desk = try await desk()
        _ = try await desk.admin.removeMachine("mx1", for: desk.caller)
        #expect(try await desk.admin.groups(for: desk.caller).map(\.machines) == [[], []])
        _ = try await desk.admin.deleteGroup("main", for: desk.caller)
    }
}

import AdminContract
import ClusterLog
import ClusterModel
import ClusterService
import Testing

@Suite("Any earlier state is one command away")
struct RollbackTests {
    /// Digests of what every machine gets, by membership.
    private func digests(_ state: ClusterState) -> [MembershipID: Digest] { state.configurations().mapValues(\.digest) }

    private func roll(_ desk: Desk, to revision: Int, preview: Bool = false) async throws -> CommitView {
        try await desk.admin.rollback(RollbackRequest(revision: revision, preview: preview), for: desk.caller)
    }

    private func create(_ desk: Desk, _ name: String, at level: Level, replace: Bool = false) async throws {
        let request = SelfSignedRequest(commonName: "\(name).example.com", names: [], days: 30, key: .ecdsaP256)
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: level, name: name, request: request, replace: replace), for: desk.caller)
    }

    @Test func `after a rollback every layer that still exists is what it was, by digest, and the network settings are today's`()
        async throws
    {
        let desk = try await Desk.make()
        _ = try await desk.admin.addGroup(GroupRequest(name: "eu"), for: desk.caller)
        for machine in ["mx1", "mx2", "mx3"] { try await desk.join(machine) }
        try await create(desk, "mail", at: .cluster)
        try await create(desk, "own", at: .machine("mx1"))
        try await create(desk, "own", at: .machine("mx3"))
        try await desk.set(.destinations, "default", ["tls": "required"])
        try await desk.set(.destinations, "bank.example", ["tls": "required"], at: .group("main"))
        try await desk.set(.destinations, "bank.example", ["tls": "none"], at: .machine("mx2"))
        _ = try await desk.commit()
        let then = await desk.ledger.state

        // Everything changes: set, unset, hidden, isolated; a machine goes, one comes, one gets another address.
        try await create(desk, "mail", at: .cluster, replace: true)
        try await desk.set(.destinations, "default", ["tls": "none"], at: .group("eu"))
        for (level, operation) in [(Level.cluster, EntryOperation.remove), (.machine("mx1"), .hide)] {
            _ = try await desk.admin.edit(
                EditRequest(edits: [EntryEdit(level: level, section: .destinations, entry: "default", operation: operation)]),
                for: desk.caller)
        }
        _ = try await desk.admin.edit(
            EditRequest(edits: [EntryEdit(level: .machine("mx2"), section: .destinations, entry: nil, operation: .isolate)]),
            for: desk.caller)
        try await desk.set(.interfaces, "data1", ["hostname": "mx.example.com", "address": "127.0.0.99"], at: .machine("mx2"))
        _ = try await desk.commit()
        _ = try await desk.admin.removeMachine("mx3", for: desk.caller)
        try await desk.join("mx3")
        try await desk.set(.destinations, "later.example", ["tls": "none"], at: .machine("mx3"))
        _ = try await desk.commit()
        let before = await desk.ledger.state

        let answer = try await roll(desk, to: 1)
        let after = await desk.ledger.state
        #expect(answer.revision == 4)
        #expect(after.layer.differences(to: then.layer).isEmpty)
        for group in then.groups.values { #expect(after.groups[group.id]?.layer.differences(to: group.layer).isEmpty == true) }
        let mx1 = try then.machine("mx1").id
        let mx2 = try then.machine("mx2").id
        #expect(digests(after)[mx1] == digests(then)[mx1])
        let left = try #require(after.memberships[mx2]).layer.differences(to: try #require(then.memberships[mx2]).layer)
        #expect(left.map(\.path) == ["interfaces/data1"])
        // The layer of the membership that ended is gone, and the one of today's mx3 was not there.
        #expect(try after.machine("mx3").layer.differences(to: before.machine("mx3").layer).isEmpty)
        #expect(try after.machine("mx3").layer[.certificates, "own"] == nil)
        #expect(
            answer.leftOut == [
                .init(level: .machine("mx2"), reason: .network, entries: ["interfaces/data1"]),
                .init(level: .machine("mx3"), reason: .ended, entries: ["certificates/own"]),
                .init(level: .machine("mx3"), reason: .joinedLater, entries: ["destinations/later.example"]),
            ])
        let newest = try await desk.admin.history(Page(limit: 1), for: desk.caller).first
        #expect((newest?.kind, newest?.comment) == ("rollback", "Back to revision 1"))
        // And forth again: a rollback is a commit like any other.
        _ = try await roll(desk, to: 3)
        #expect(digests(await desk.ledger.state) == digests(before))
        // The log reads the same.
        let again = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(digests(await again.ledger.state) == digests(before))
        #expect(try await roll(again, to: 3).revision == nil)
    }

    @Test func `to before the first revision, only what machines brought is left`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let then = digests(await desk.ledger.state)
        try await desk.set(.destinations, "default", ["tls": "required"], at: .machine("mx1"))
        _ = try await desk.commit()
        #expect(try await roll(desk, to: 0).revision == 2)
        #expect(digests(await desk.ledger.state) == then)
    }

    @Test func `a preview changes nothing and says what would change`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        let preview = try await roll(desk, to: 0, preview: true)
        #expect(preview.revision == nil)
        #expect(preview.machines.map(\.changes) == [[EntryImpact(section: .destinations, name: "default", change: .removed)]])
        #expect(await desk.ledger.state.revision == 1)
    }

    @Test func `it is refused with uncommitted changes, to a revision that is not there, by a reader, and with a comment of a megabyte`()
        async throws
    {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        await #expect(throws: Refusal(.notFound, "")) { try await roll(desk, to: 2) }
        await #expect(throws: Refusal(.notFound, "")) { try await roll(desk, to: -1) }
        await #expect(throws: Refusal(.forbidden, "")) {
            try await desk.admin.rollback(RollbackRequest(revision: 0), for: Caller(user: "rita", role: .readOnly))
        }
        await #expect(throws: Refusal(.limit, "")) {
            try await desk.admin.rollback(
                RollbackRequest(revision: 0, comment: String(repeating: "x", count: 1 << 20)), for: desk.caller)
        }
        try await desk.set(.destinations, "default", ["tls": "none"])
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await roll(desk, to: 0) }
        #expect(refusal?.reason.contains("1 uncommitted edit") == true)
        #expect(await desk.ledger.state.revision == 1)
    }

    @Test func `what would not hold together today is refused with machine and entry`() async throws {
        let desk = try await Desk.make()
        try await create(desk, "mail", at: .cluster)
        _ = try await desk.commit()
        try await create(desk, "other", at: .cluster)
        _ = try await desk.commit()
        try await desk.join("mx9")
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "other"], at: .machine("mx9"))
        _ = try await desk.commit()
        let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await roll(desk, to: 1) }
        #expect(refusal?.details.first?.contains("machine mx9: listeners/public") == true)
        #expect(await desk.ledger.state.revision == 3)
    }

    @Test func `a certificate whose key is gone from the vault is named, and nothing changes`() async throws {
        let desk = try await Desk.make()
        try await create(desk, "mail", at: .cluster)
        _ = try await desk.commit()
        let key = try #require(await desk.ledger.state.layer[.certificates, "mail"]?.state.value?["key"]?["fingerprint"]?.text)
        try await create(desk, "mail", at: .cluster, replace: true)
        _ = try await desk.commit()
        try await desk.log.deleteBlob("key/\(key)")
        let refusal = await #expect(throws: Refusal(.notFound, "")) { try await roll(desk, to: 1) }
        #expect(refusal?.details == ["certificates/mail: the key \(key.prefix(12))"])
        #expect(await desk.ledger.state.revision == 2)
    }

    @Test func `others' edits of what a rollback changed are in conflict with it`() async throws {
        let desk = try await Desk.make()
        let bob = Caller(user: "bob", role: .operator)
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        try await desk.set(.destinations, "default", ["tls": "none"], by: bob)
        _ = try await roll(desk, to: 0)
        let refusal = await #expect(throws: Refusal(.conflict, "")) { try await desk.commit(by: bob) }
        #expect(refusal?.details.first?.contains("ann took it away in revision 2") == true)
    }

    @Test func `a difference is told by level and entry, of any two revisions and in both directions`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        try await desk.join("mx1")
        try await desk.set(.destinations, "default", ["tls": "none"])
        try await desk.set(.destinations, "default", ["tls": "preferred"], at: .group("main"))
        _ = try await desk.commit()
        let diff = try await desk.admin.diff(DiffQuery(from: 1, to: 2), for: desk.caller)
        #expect(diff.levels.map(\.level) == [.cluster, .group("main"), .machine("mx1")])
        #expect(diff.levels.map(\.presence) == [.both, .both, .added])
        #expect(
            diff.levels[0].changes == [
                EntryDiff(section: .destinations, entry: "default", change: "set", before: ["tls": "required"], after: ["tls": "none"])
            ])
        #expect(diff.levels[2].changes.map(\.section) == [.interfaces])
        let back = try await desk.admin.diff(DiffQuery(from: nil, to: 1), for: desk.caller)
        #expect(back.from == 2)
        #expect(back.levels.map(\.presence) == [.both, .both, .removed])
        #expect(back.levels[1].changes.first?.change == "remove")
        #expect(try await desk.admin.diff(DiffQuery(from: 2, to: nil), for: desk.caller).levels.isEmpty)
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.diff(DiffQuery(from: 9, to: nil), for: desk.caller) }
    }

    @Test func `a preview of changes names each machine's services with both fingerprints`() async throws {
        let desk = try await Desk.make()
        for machine in ["mx1", "mx2"] { try await desk.join(machine) }
        try await create(desk, "mail", at: .cluster)
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        try await desk.set(
            .listeners, "public", ["interface": "data1", "port": 2525, "certificate": "mail", "defaultPolicy": "accepted"])
        _ = try await desk.commit()
        func fingerprint(_ level: Level) async throws -> Digest {
            try await desk.admin.certificate("mail", at: level, for: desk.caller).fingerprint
        }
        let old = try await fingerprint(.cluster)
        try await create(desk, "mail", at: .machine("mx2"))
        let new = try await fingerprint(.machine("mx2"))
        let preview = try await desk.admin.previewChanges(for: desk.caller)
        #expect(preview.machines.map(\.machine) == ["mx2"])
        #expect(
            preview.machines.first?.services == [
                ServiceImpact(
                    service: "listener/public", before: .init(certificate: "mail", fingerprint: old),
                    after: .init(certificate: "mail", fingerprint: new))
            ])
        #expect(preview.problems.isEmpty)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "none"])
        let broken = try await desk.admin.previewChanges(for: desk.caller)
        #expect(broken.problems.first?.contains("listeners/public") == true)
    }
}

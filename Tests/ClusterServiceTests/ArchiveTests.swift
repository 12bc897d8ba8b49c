import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import FoundationEssentials
import Testing

@Suite("A removed machine's level can be kept, and comes back on request only")
struct ArchiveTests {
    /// A machine with a certificate of its own that its listener serves, and words of its own in other sections.
    private func cluster(_ log: any ClusterLog = InMemoryLog()) async throws -> Desk {
        let desk = try await Desk.make(log: log)
        try await desk.join("mx1")
        let request = CertificateCreation(
            level: .machine("mx1"), name: "mail", request: SelfSignedRequest(commonName: "mx1.example.com"), replace: false)
        _ = try await desk.admin.createCertificate(request, for: desk.caller)
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail"], at: .machine("mx1"))
        try await desk.set(.destinations, "bank.example", ["tls": "required"], at: .machine("mx1"))
        try await desk.set(.destinations, "default", ["tls": "preferred"])
        try await desk.edit(.destinations, "default", .hide)
        try await desk.edit(.mailFlowPolicies, nil, .isolate)
        _ = try await desk.commit()
        return desk
    }

    private func outcomes(_ view: RestoreView) -> [String: RestoredEntry.Outcome] {
        Dictionary(uniqueKeysWithValues: view.entries.map { ($0.path, $0.outcome) })
    }

    @Test func `what was archived comes back as edits with its keys, and the machine gets what it had`() async throws {
        let desk = try await cluster()
        let before = try await desk.ledger.state.machine("mx1")
        let had = await desk.ledger.state.configuration(of: before)
        let removal = try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller)
        let archive = try #require(removal.archive)
        #expect(archive.entries == 5 && archive.machine == "mx1" && archive.by == "ann")
        #expect(try await desk.admin.archives(for: desk.caller) == [archive])
        let audit = try await desk.admin.audit(Page(), for: desk.caller)
        #expect(audit.last?.summary == "removed mx1, and archived its 5 entries as \(archive.id)")

        // In the cluster again, it has what the cluster gives (mission C5), until somebody asks.
        try await desk.join("mx1")
        #expect(try await desk.ledger.state.machine("mx1").layer[.certificates].isEmpty)
        let restored = try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller)
        #expect(
            outcomes(restored) == [
                "certificates/mail": .added, "listeners/public": .added, "destinations/bank.example": .added,
                "destinations/default": .added,
                "mailFlowPolicies": .added, "interfaces/data1": .network,
            ])
        #expect(restored.uncommitted == 5)
        #expect(try await desk.ledger.state.machine("mx1").layer[.certificates].isEmpty, "nothing is committed")
        _ = try await desk.commit()
        let state = await desk.ledger.state
        let has = try state.configuration(of: state.machine("mx1"))
        #expect(has.digest == had.digest)
        let needed = try has.materialNeeded()
        try await desk.vault.prepare(needed)
        #expect(desk.vault.material(for: needed).count == needed.keys.count + needed.chains.count)
        let export = CertificateExport(level: .machine("mx1"), name: "mail", password: "secret")
        let exported = try await desk.admin.exportCertificate(export, for: desk.caller)
        #expect(exported.fingerprint == removal.loss.certificates.first?.fingerprint)

        let again = try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller)
        #expect(Set(again.entries.map(\.outcome)) == [.equal, .network] && again.uncommitted == 0)
    }

    @Test func `without asking nothing is kept: the loss is the documented one`() async throws {
        let desk = try await cluster()
        #expect(try await desk.admin.removeMachine("mx1", for: desk.caller).archive == nil)
        #expect(try await desk.admin.archives(for: desk.caller).isEmpty)
        #expect(try await desk.log.blobNames(prefix: "archive/").isEmpty)
        try await desk.join("mx1")
        let refusal = await #expect(throws: Refusal(.notFound, "")) {
            try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller)
        }
        #expect(refusal?.reason.contains("--from OLDNAME") == true)
        // A machine that nothing was set for has nothing to keep.
        #expect(try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller).archive == nil)
    }

    @Test func `what the machine says today is replaced in the open, and its network settings stay`() async throws {
        let desk = try await cluster()
        try await desk.set(
            .interfaces, "data1", ["hostname": "mx.example.com", "address": "127.0.0.11", "https": ["certificate": "mail"]],
            at: .machine("mx1"))
        _ = try await desk.commit()
        _ = try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller)
        _ = try await desk.enrolment.join(desk.request("mx1", invitation: desk.invite(), address: "127.0.0.99"))
        try await desk.set(.destinations, "bank.example", ["tls": "none"], at: .machine("mx1"))
        _ = try await desk.commit()
        let restored = try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller)
        #expect(outcomes(restored)["destinations/bank.example"] == .replaced)
        #expect(restored.notices.first?.contains("muster interface set data1 --https-certificate mail --machine mx1") == true)
        let change = try await desk.admin.changes(for: desk.caller).first { $0.entry == "bank.example" }
        #expect(change?.before == ["tls": "none"] && change?.after == ["tls": "required"])
        _ = try await desk.commit()
        let layer = try await desk.ledger.state.machine("mx1").layer
        #expect(layer[.interfaces, "data1"]?.state.value?["address"] == "127.0.0.99")
        #expect(layer[.interfaces, "data1"]?.state.value?["https"] == nil)
    }

    @Test func `the newest archive of the name is taken, or the one that is named, also for another machine`() async throws {
        let desk = try await Desk.make()
        var ids: [String] = []
        for mode in ["none", "required"] {
            try await desk.join("mx1")
            try await desk.set(.destinations, "bank.example", ["tls": .string(mode)], at: .machine("mx1"))
            _ = try await desk.commit()
            desk.clock.advance(seconds: 60)
            ids.append(try #require(try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller).archive).id)
        }
        #expect(try await desk.admin.archives(for: desk.caller).map(\.id) == ids.reversed())
        try await desk.join("mx9")
        func mode(_ request: RestoreRequest) async throws -> JSONValue? {
            _ = try await desk.admin.restoreMachine("mx9", request, for: desk.caller)
            return try await desk.admin.changes(for: desk.caller).first?.after["tls"]
        }
        await #expect(throws: Refusal(.notFound, "")) { try await mode(RestoreRequest()) }
        await #expect(throws: Refusal(.notFound, "")) { try await mode(RestoreRequest(archive: "zz")) }
        await #expect(throws: Refusal(.notFound, "")) { try await mode(RestoreRequest(archive: "")) }
        #expect(try await mode(RestoreRequest(from: "mx1")) == "required")
        #expect(try await mode(RestoreRequest(archive: String(ids[0].prefix(8)))) == "none")
    }

    @Test func `an archive is sealed, bound to its content, and named by manager verify when it is gone`() async throws {
        let log = InMemoryLog()
        let desk = try await cluster(log)
        let archive = try #require(try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller).archive)
        let name = try #require(try log.blobNames(prefix: "archive/").first)
        let bytes = try #require(try log.blob(name))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("bank.example"))
        func problems() async throws -> [String] { try await ManagerVerification(log: log, master: desk.master).verify().problems }
        #expect(try await problems().isEmpty)

        // A key that only the archive names is looked for, too; without it nothing is restored.
        try await desk.join("mx1")
        let content = try ArchivedLayer(bytes: try await desk.vault.archive(try #require(Digest(hex: name.dropFirst("archive/".count)))))
        let setting = try CertificateSetting(try #require(content.layer[.certificates, "mail"]?.state.value))
        let key = "key/\(setting.key.fingerprint.hex)"
        let sealed = try #require(try log.blob(key))
        try log.deleteBlob(key)
        #expect(try await problems().contains { $0.contains("certificate mail in the archive \(archive.id)") })
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller) }
        #expect(try await desk.admin.changes(for: desk.caller).isEmpty)
        try log.putBlob(key, sealed)

        try log.deleteBlob(name)
        #expect(try await problems().contains { $0.contains(archive.id) && $0.contains("mx1") })
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller) }
        var altered = bytes
        altered[altered.count / 2] ^= 1
        try log.putBlob(name, altered)
        await #expect(throws: Refusal(.unreadable, "")) { try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller) }
    }

    @Test func `a forgotten archive is gone with its content, and the log says who forgot it`() async throws {
        let desk = try await cluster()
        let archive = try #require(try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller).archive)
        let oli = Caller(user: "oli", role: .operator)
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.forgetArchive(archive.id, for: oli) }
        #expect(try await desk.admin.forgetArchive(archive.id, for: desk.caller) == archive)
        #expect(try await desk.admin.archives(for: desk.caller).isEmpty)
        #expect(try await desk.log.blobNames(prefix: "archive/").isEmpty)
        await #expect(throws: Refusal(.notFound, "")) { try await desk.admin.forgetArchive(archive.id, for: desk.caller) }
        let audit = try await desk.admin.audit(Page(), for: desk.caller)
        #expect(audit.last?.summary == "forgot the archive \(archive.id) of mx1")
        #expect(try await desk.admin.verifyAudit(for: desk.caller).intact)
        // The log tells the time when it was there, and a manager that starts reads it.
        #expect(try await desk.ledger.state(at: 1).archives.isEmpty)
        let opened = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        #expect(await opened.ledger.state.archives.isEmpty)
        // A rollback is past it.
        try await desk.set(.destinations, "default", ["tls": "none"])
        _ = try await desk.commit()
        let back = try await desk.admin.rollback(RollbackRequest(revision: 1, comment: "", preview: false), for: desk.caller)
        #expect(back.leftOut?.map(\.reason) == [.ended])
    }

    @Test func `who only reads restores nothing, and an operator removes nothing`() async throws {
        let desk = try await cluster()
        let (oli, rita) = (Caller(user: "oli", role: .operator), Caller(user: "rita", role: .readOnly))
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.removeMachine("mx1", archive: true, for: oli) }
        #expect(try await desk.log.blobNames(prefix: "archive/").isEmpty)
        _ = try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller)
        try await desk.join("mx1")
        await #expect(throws: Refusal(.forbidden, "")) { try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: rita) }
        #expect(try await desk.admin.restoreMachine("mx1", RestoreRequest(), for: oli).uncommitted == 5)
    }

    @Test func `a commit that comes while the level is being sealed is in the archive`() async throws {
        let desk = try await cluster()
        // It does not know of the commit before its removal meets it in the log.
        let other = try await Desk(log: desk.log, master: desk.master, clock: desk.clock)
        try await desk.set(.destinations, "late.example", ["tls": "required"], at: .machine("mx1"))
        _ = try await desk.commit()
        let archive = try #require(try await other.admin.removeMachine("mx1", archive: true, for: desk.caller).archive)
        #expect(archive.entries == 6)
        try await other.join("mx1")
        let restored = try await other.admin.restoreMachine("mx1", RestoreRequest(), for: desk.caller)
        #expect(outcomes(restored)["destinations/late.example"] == .added)
    }

    @Test func `a level that does not fit into an archive is refused before anything is removed`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        let senders = (0..<1000).map {
            JSONValue.string("s\($0)." + String(repeating: "a", count: 60) + String(repeating: ".b", count: 60) + ".example")
        }
        for number in 0..<6 {
            let group: JSONValue = ["name": "known", "policy": "accepted", "senders": .array(senders)]
            try await desk.set(.mailFlowPolicies, "accepted", ["tls": "off"], at: .machine("mx1"))
            try await desk.set(
                .listeners, "l\(number)", ["interface": "none", "port": .integer(Int64(3000 + number)), "senderGroups": [group]],
                at: .machine("mx1"))
            _ = try await desk.commit()
        }
        let refusal = await #expect(throws: Refusal(.limit, "")) {
            try await desk.admin.removeMachine("mx1", archive: true, for: desk.caller)
        }
        #expect(refusal?.reason.contains("Nothing was removed") == true)
        #expect(try await desk.admin.machines(for: desk.caller).count == 1)
    }
}

extension Desk {
    fileprivate func edit(_ section: SectionName, _ entry: String?, _ operation: EntryOperation) async throws {
        let edit = EntryEdit(level: .machine("mx1"), section: section, entry: entry, operation: operation)
        _ = try await admin.edit(EditRequest(edits: [edit]), for: caller)
    }
}

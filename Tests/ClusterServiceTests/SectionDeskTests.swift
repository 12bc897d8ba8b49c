import AdminContract
import ClusterModel
import ClusterService
import Testing

@Suite("Every section is edited by the same rules")
struct SectionDeskTests {
    private func create(_ name: String, in desk: Desk) async throws {
        let request = SelfSignedRequest(commonName: "\(name).example.com")
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: .cluster, name: name, request: request, replace: false), for: desk.caller)
    }

    private func merge(_ section: SectionName, _ entry: String, _ patch: JSONValue, at level: Level = .cluster, in desk: Desk) async throws
    {
        let edit = EntryEdit(level: level, section: section, entry: entry, operation: .merge(patch))
        _ = try await desk.admin.edit(EditRequest(edits: [edit]), for: desk.caller)
    }

    @Test(
        arguments: [
            (SectionName.ldap, "settings", [:] as JSONValue, "ldap"), (.webSecurity, "settings", ["urlFiltering": true], "web-security"),
            (.services, "malware-analysis", ["host": "amp.example.com"], "service/malware-analysis"),
            (.services, "dlp-enterprise-manager", ["host": "dlp.example.com"], "service/dlp-enterprise-manager"),
            (.delivery, "settings", [:], "delivery"),
        ] as [(SectionName, String, JSONValue, String)])
    func `a client certificate is in use by its service, travels for it, and is not deleted`(
        _ section: SectionName, _ entry: String, _ value: JSONValue, _ service: String
    ) async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        for name in ["mail", "spare"] { try await create(name, in: desk) }
        try await desk.set(section, entry, value.with("certificate", "mail"))
        _ = try await desk.commit()
        let uses = try await desk.admin.certificateUses("mail", at: .cluster, for: desk.caller)
        #expect(uses.map(\.description) == ["\(service) on mx1, set at cluster"])
        let refusal = await #expect(throws: Refusal(.inUse, "")) {
            try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller)
        }
        #expect(refusal?.details == ["\(service) on mx1, set at cluster"])
        let machine = try await desk.admin.machine("mx1", for: desk.caller)
        #expect(machine.services.map(\.service) == [service])
        #expect(machine.services.first?.certificate == "mail")
        #expect(machine.services.first?.unprovable?.contains("nothing here to connect to") == true)
        let state = await desk.ledger.state
        let needed = try state.configuration(of: state.machine("mx1")).materialNeeded()
        #expect(needed.keys.count == 1)
        // A machine that loses its membership keeps a key that somebody may want to replace.
        let loss = try await desk.admin.loss(removing: "mx1", for: desk.caller)
        #expect(loss.keysLeftBehind.map(\.name) == ["mail"])
        #expect(loss.keysLeftBehind.first?.services == [service])
        try await merge(section, entry, ["certificate": .null], in: desk)
        #expect(try await desk.admin.deleteCertificate("mail", at: .cluster, for: desk.caller).changes.count == 1)
    }

    @Test func `a listener whose interface a machine lacks is disabled there, said at the commit, in the status and of the machine`()
        async throws
    {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await desk.enrolment.join(desk.request("mx2", invitation: desk.invite(), address: "127.0.0.12"))
        try await desk.set(.interfaces, "inside", ["hostname": "mx2.inside.example", "address": "127.0.0.13"], at: .machine("mx2"))
        try await desk.set(.listeners, "inside", ["interface": "inside"])
        let notices = try await desk.commit().notices
        #expect(notices.count == 1)
        #expect(notices.first?.hasPrefix("machine mx1: listeners/inside: interface names interfaces/inside") == true)
        #expect(notices.first?.contains("it is disabled here") == true)
        let status = try await desk.admin.status(for: desk.caller)
        #expect(status.notices.contains { $0 == notices.first })
        let reason = "there is no interface \"inside\" on this machine"
        #expect(status.machines.map(\.disabled) == [[DisabledService(service: "listener/inside", reason: reason)], []])
        try await desk.set(.interfaces, "inside", ["hostname": "mx1.inside.example", "address": "127.0.0.14"], at: .machine("mx1"))
        #expect(try await desk.commit().notices.isEmpty)
        #expect(try await desk.admin.status(for: desk.caller).machines.allSatisfy { $0.disabled.isEmpty })
    }

    @Test func `what a commit lets in and people should know is said`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.mailFlowPolicies, "p", [:])
        try await desk.set(
            .listeners, "public",
            [
                "interface": "data1",
                "senderGroups": [
                    ["name": "ONE", "senders": ["192.0.2.0/24"], "policy": "p"], ["name": "TWO", "senders": ["192.0.2.7"], "policy": "p"],
                ],
            ])
        try await desk.set(.tlsProfiles, "inbound", ["minimumVersion": "tls1.1", "ciphers": "ALL"])
        let notices = try await desk.commit().notices
        #expect(notices.count == 3)
        #expect(notices.contains { $0.contains("listeners/public: senderGroups[1].senders[0]: 192.0.2.7 in the group TWO never matches") })
        #expect(notices.contains { $0.contains("tlsProfiles/inbound: tls1.1 is spoken") })
        #expect(notices.contains { $0.contains("without authentication; leave it out, or add !aNULL") })
    }

    @Test func `changing a field of what is only inherited is refused with the way to do it`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        try await desk.set(.listeners, "public", ["interface": "data1"])
        _ = try await desk.commit()
        for (level, option) in [(Level.machine("mx1"), "--machine mx1"), (.group("main"), "--group main")] {
            let refusal = await #expect(throws: Refusal(.invalid, "")) {
                try await merge(.listeners, "public", ["port": 2525], at: level, in: desk)
            }
            #expect(refusal?.reason.contains("\(level) inherits listeners/public") == true)
            #expect(refusal?.reason.hasSuffix("muster override listeners/public --copy \(option)") == true)
        }
        // A value that is wrong by itself, and an entry that nobody has, are answered as ever.
        for (entry, patch) in [("public", ["port": 70000]), ("other", ["port": 25])] as [(String, JSONValue)] {
            let refusal = await #expect(throws: Refusal(.invalid, "")) {
                try await merge(.listeners, entry, patch, at: .machine("mx1"), in: desk)
            }
            #expect(refusal?.reason.contains("override") == false)
        }
        _ = try await desk.admin.override(
            OverrideRequest(level: .machine("mx1"), section: .listeners, entry: "public", copy: true), for: desk.caller)
        try await merge(.listeners, "public", ["port": 2525], at: .machine("mx1"), in: desk)
        #expect(try await desk.admin.changes(for: desk.caller).first?.after == ["interface": "data1", "port": 2525])
    }

    @Test func `a destination is the same however its domain is written`() async throws {
        let desk = try await Desk.make()
        try await desk.set(.destinations, "Bank.Example", ["tls": "required"])
        try await merge(.destinations, "BANK.example", ["nameCheck": "domain"], in: desk)
        let changes = try await desk.admin.changes(for: desk.caller)
        #expect(changes.map(\.entry) == ["bank.example"])
        #expect(changes.first?.after == ["tls": "required", "nameCheck": "domain"])
        let query = SettingsQuery(level: .cluster, section: .destinations, entry: "bank.EXAMPLE")
        #expect(try await desk.admin.show(query, for: desk.caller).map(\.name) == ["bank.example"])
        _ = try await desk.commit()
        _ = try await desk.admin.override(
            OverrideRequest(level: .group("main"), section: .destinations, entry: "Bank.example", copy: true), for: desk.caller)
        #expect(try await desk.admin.discard(DiscardQuery(section: .destinations, entry: "BANK.EXAMPLE"), for: desk.caller).discarded == 1)
        let edit = EntryEdit(level: .cluster, section: .destinations, entry: "Bank.Example", operation: .remove)
        _ = try await desk.admin.edit(EditRequest(edits: [edit]), for: desk.caller)
        _ = try await desk.commit()
        #expect(await desk.ledger.state.layer[.destinations].entries.isEmpty)
    }

    @Test func `a document names a domain once, in upper or lower case`() throws {
        let hidden: [String: DocumentEntry] = ["bank.example": .hidden, "Bank.Example": .hidden]
        var document = ClusterDocument(settings: [.cluster: [.destinations: hidden]])
        #expect(throws: Refusal(.invalid, "")) { try document.check() }
        document.settings[.cluster] = [.destinations: ["Bank.Example": .hidden]]
        try document.check()
        #expect(document.settings[.cluster]?[.destinations]?.keys.sorted() == ["bank.example"])
    }

    @Test(arguments: [(SectionName.system, "settings"), (.interfaces, "data1")])
    func `a section of machines is refused at other levels, whatever is asked, with the level to use`(
        _ section: SectionName, _ entry: String
    ) async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        for level in [Level.cluster, .group("main"), .group("nowhere")] {
            for operation in [EntryOperation.set(["hostname": "a.example"]), .merge(["hostname": "a.example"]), .remove, .hide, .isolate] {
                let edit = EntryEdit(level: level, section: section, entry: operation == .isolate ? nil : entry, operation: operation)
                let refusal = await #expect(throws: Refusal(.wrongLevel, "")) {
                    try await desk.admin.edit(EditRequest(edits: [edit]), for: desk.caller)
                }
                #expect(refusal?.reason.contains("machine level only. Use --machine NAME.") == true)
            }
            await #expect(throws: Refusal(.wrongLevel, "")) {
                let request = OverrideRequest(level: level, section: section, entry: entry, copy: true)
                return try await desk.admin.override(request, for: desk.caller)
            }
            await #expect(throws: Refusal(.wrongLevel, "")) {
                try await desk.admin.copy(
                    CopyRequest(section: section, entry: entry, from: .machine("mx1"), to: level, move: false), for: desk.caller)
            }
        }
    }

    @Test(arguments: [(SectionName.destinations, "bаnk.example"), (.listeners, "publіc"), (.tlsProfiles, "inbоund")])
    func `a name with a letter that only looks right is refused by the letter's number`(_ section: SectionName, _ name: String) async throws
    {
        let desk = try await Desk.make()
        let refusal = await #expect(throws: Refusal(.invalid, "")) { try await desk.set(section, name, [:]) }
        #expect(refusal?.reason.contains("U+04") == true, "\(refusal?.reason ?? "")")
        #expect(refusal?.reason.contains("is not ASCII") == true)
    }
}

extension JSONValue {
    fileprivate func with(_ field: String, _ value: JSONValue) -> JSONValue {
        .object((members ?? [:]).merging([field: value]) { $1 })
    }
}

import AdminContract
import Certificates
import ClusterLog
import ClusterModel
import ClusterService
import Replication
import Testing

@Suite("A manager's data is checked as a whole")
struct ManagerVerificationTests {
    /// A cluster with a machine and a certificate, and the log that it left.
    private func cluster() async throws -> (desk: Desk, log: InMemoryLog) {
        let log = InMemoryLog()
        let desk = try await Desk.make(log: log)
        try await desk.join("mx1")
        let request = CertificateCreation(
            level: .machine("mx1"), name: "mail", request: SelfSignedRequest(commonName: "mx1.example.com"), replace: false)
        _ = try await desk.admin.createCertificate(request, for: desk.caller)
        _ = try await desk.commit()
        return (desk, log)
    }

    private func report(_ desk: Desk, _ log: any ClusterLog) async throws -> ManagerVerification.Report {
        try await ManagerVerification(log: log, master: desk.master).verify()
    }

    @Test func `all that is there is counted, and found sound`() async throws {
        let (desk, log) = try await cluster()
        let report = try await report(desk, log)
        #expect(report.problems.isEmpty)
        let state = await desk.ledger.state
        #expect(report.position == state.head.position)
        #expect(report.hash == state.head.hash)
        #expect((report.machines, report.revision) == (1, 1))
        // The authority's, the ready-made certificate's, and the certificate's.
        #expect((report.keys, report.chains) == (3, 2))
    }

    @Test func `a key or chain that is gone or altered is named with the certificate that it belongs to`() async throws {
        for prefix in ["key/", "chain/"] {
            for isAltered in [false, true] {
                let (desk, log) = try await cluster()
                let view = try await desk.admin.show(SettingsQuery(level: .machine("mx1"), section: .certificates), for: desk.caller)
                let setting = try CertificateSetting(try #require(view.first).value)
                let name = prefix + (prefix == "key/" ? setting.key.fingerprint : setting.chainBlob).hex
                var bytes = try #require(try log.blob(name))
                bytes[bytes.count / 2] ^= 1
                try log.deleteBlob(name)
                if isAltered { try log.putBlob(name, bytes) }
                let problems = try await report(desk, log).problems
                #expect(problems.count == 1)
                #expect(problems.first?.contains("certificate mail at machine/mx1") == true, "\(problems)")
            }
        }
    }

    @Test func `another master key is named, and opens nothing`() async throws {
        let (_, log) = try await cluster()
        let report = try await ManagerVerification(log: log, master: .generate()).verify()
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.contains("was not sealed by this cluster") == true)
    }

    @Test func `an altered entry ends the log there`() async throws {
        let (desk, log) = try await cluster()
        let entries = try log.entries(after: 0, limit: 100)
        let forged = InMemoryLog()
        for entry in entries {
            var entry = entry
            if entry.position == 3 { entry.seal = Digest(hashing: [1]) }
            try forged.append(entry, after: try forged.head())
        }
        let report = try await report(desk, forged)
        #expect(report.position == 2)
        #expect(report.problems.first?.contains("Entry 3") == true)
    }

    @Test func `a backup's note is read under the key that it was made under, and unaltered`() throws {
        let master = MasterKey.generate()
        let settings = ManagerDirectory.Settings(
            manager: "a1", cluster: "acme", adminListen: "127.0.0.1:1", memberListen: "127.0.0.1:2", advertise: ["m:2"])
        let note = try BackupNote(made: Timestamp(seconds: 1_800_000_000), settings: settings).sealed(by: master)
        #expect(try BackupNote(bytes: note.bytes, seal: note.seal, master: master).settings.advertise == ["m:2"])
        #expect(throws: Refusal(.unreadable, "")) { try BackupNote(bytes: note.bytes, seal: note.seal, master: .generate()) }
        var altered = note.bytes
        altered[altered.count / 2] ^= 1
        #expect(throws: Refusal(.unreadable, "")) { try BackupNote(bytes: altered, seal: note.seal, master: master) }
    }
}

@Suite("A cluster goes on from an older backup", .timeLimit(.minutes(1)))
struct ManagerRecoveryTests {
    @Test func `a member's sighting is known, given up, lost or unproven`() async throws {
        let log = InMemoryLog()
        let desk = try await Desk.make(log: log)
        let backup = log.book
        try await desk.join("mx1")
        let seen = desk.ledger.sighting(of: await desk.ledger.state)
        #expect(try await desk.ledger.standing(of: seen) == .held)
        #expect(try await desk.ledger.standing(of: .none) == .held)

        let old = try await Desk(log: InMemoryLog(backup), master: desk.master, clock: desk.clock)
        #expect(try await old.ledger.standing(of: seen) == .lost)
        var madeUp = seen
        madeUp.head.position += 1
        #expect(try await old.ledger.standing(of: madeUp) == .unproven)
        madeUp = seen
        madeUp.epoch = 7
        #expect(try await old.ledger.standing(of: madeUp) == .unproven)

        let invitation = try await old.invite()
        let (before, after) = try await ManagerRecovery.recover(log: old.log, master: old.master, now: old.clock.now)
        #expect((before.epoch, after.epoch) == (0, 1))
        let recovered = try await Desk(log: old.log, master: old.master, clock: old.clock)
        #expect(try await recovered.ledger.standing(of: seen) == .givenUp)
        let sighting = recovered.ledger.sighting(of: await recovered.ledger.state)
        #expect(sighting.mayFollow(seen))
        #expect(!seen.mayFollow(sighting))
        // It may have been used in what was given up.
        await #expect(throws: Refusal(.invitation, "")) {
            try await recovered.enrolment.join(recovered.request("mx1", invitation: invitation))
        }
        try await recovered.join("mx1")
    }

    @Test func `nothing is committed while a machine has seen more than the log holds`() async throws {
        let log = InMemoryLog()
        let desk = try await Desk.make(log: log)
        let member = try await desk.join("mx1")
        let backup = log.book
        try await desk.set(.destinations, "default", ["tls": "required"])
        _ = try await desk.commit()
        let seen = desk.ledger.sighting(of: await desk.ledger.state)

        let old = try await Desk(log: InMemoryLog(backup), master: desk.master, clock: desk.clock)
        let running = Task { try await old.fleet.run() }
        // Before it has taken the log in, it would ask the member to come again.
        while !old.fleet.isServing { await Task.yield() }
        let (link, said) = try await old.connect(member, seen: seen)
        for await message in said {
            guard case .refused(let code, let reason) = message else { continue }
            #expect(code == .conflict)
            #expect(reason.contains("muster manager recover"))
            break
        }
        #expect(old.fleet.outdated != nil)
        try await old.set(.destinations, "default", ["tls": "preferred"])
        await #expect(throws: Refusal(.conflict, "")) { try await old.commit() }
        #expect(try await old.admin.status(for: old.caller).notices.first?.contains("muster manager recover") == true)
        link.close()
        running.cancel()
    }
}

extension Desk {
    /// A member's connection that has said hello.
    fileprivate func connect(_ member: JoinAnswer, seen: Sighting) async throws
        -> (link: any Link<MemberMessage>, said: AsyncStream<ManagerMessage>)
    {
        let connector = InProcessConnector(port: fleet) { MembershipID(rawValue: $0.certificate) }
        let identity = MemberIdentity(certificate: member.membership.rawValue, key: "")
        let (link, events) = try await connector.connect(
            to: "manager", as: identity, trusting: .authorities(pem: "", clusterID: member.clusterID))
        link.send(.hello(Hello(agent: "test", clock: clock.now(), running: nil, seen: seen)))
        let said = AsyncStream<ManagerMessage> { continuation in
            let listening = Task {
                for await case .received(let message) in events { continuation.yield(message) }
                continuation.finish()
            }
            continuation.onTermination = { _ in listening.cancel() }
        }
        return (link, said)
    }
}

import AdminClient
import AdminContract
import Certificates
import ClusterModel
import FoundationEssentials
import Subprocess
import Testing

/// A fleet whose every wire shows one certificate, `mail`: listeners on two machines, HTTPS on one, and what goes out.
private struct Fleet {
    let cluster: CrashCluster
    let client: AdminClient

    static let httpsPort = 8443

    /// Lends two machines that serve `mail`, which is good for 20 days; the second one's agent is handed over, to be stopped and started.
    static func with(_ body: (Fleet, _ mx2: Server) async throws -> Void) async throws {
        try await CrashCluster.with { cluster in
            for machine in ["mx1", "mx2"] { try await cluster.makeMachine(machine) }
            try await cluster.withManager { client in
                for machine in ["mx1", "mx2"] { try await cluster.join(machine, client) }
                try await cluster.withAgent("mx1") {
                    let mx2 = try await cluster.startAgent("mx2")
                    try await cluster.ending(mx2) {
                        let fleet = Fleet(cluster: cluster, client: client)
                        try await fleet.prepare()
                        try await body(fleet, mx2)
                    }
                }
            }
        }
    }

    private func prepare() async throws {
        let request = SelfSignedRequest(commonName: "mail.example.com", names: ["mx1.example.com", "mx2.example.com"], days: 20)
        _ = try await client.createCertificate(CertificateCreation(level: .cluster, name: "mail", request: request, replace: false))
        try await cluster.submitListener(client)
        _ = try await client.edit([
            EntryEdit(level: .cluster, section: .delivery, entry: EntryNaming.onlyEntry, operation: .set(["certificate": "mail"])),
            EntryEdit(
                level: .machine("mx1"), section: .interfaces, entry: "data1",
                operation: .merge(["https": ["port": .integer(Int64(Fleet.httpsPort)), "certificate": "mail"]])),
        ])
        _ = try await client.commit(CommitRequest(comment: "first"))
        for machine in ["mx1", "mx2"] { try await cluster.synced(machine, client) }
    }

    func renewal(of old: String, with new: String, made: [String] = selfSigned) -> [String] {
        ["cert", "renew", old, "--with", new, "--retire", "--profile", "\(cluster.data)/admin.profile.json"] + made
    }

    private static let selfSigned = [
        "--common-name", "mail.example.com", "--san", "mx1.example.com", "--san", "mx2.example.com",
    ]

    /// A certificate in files, as an authority would send it: how a renewal takes it in.
    func files(_ name: String) async throws -> [String] {
        let (pem, key) = ("\(cluster.directory)/\(name).pem", "\(cluster.directory)/\(name).key")
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", pem, "-days",
                "300",
                "-subj", "/CN=mail.example.com", "-addext", "subjectAltName=DNS:mx1.example.com,DNS:mx2.example.com",
            ], output: .discarded, error: .string(limit: 1 << 16))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return ["--pem", pem, "--key-file", key]
    }

    /// What strangers see on a wire.
    func wires() async throws -> [Digest?] {
        let https = try await Subprocess.run(
            .name("openssl"), arguments: ["s_client", "-connect", "\(cluster.address(of: "mx1")):\(Fleet.httpsPort)"],
            input: .string(""), output: .string(limit: 1 << 20), error: .discarded)
        return [
            try await cluster.served(by: "mx1")?.fingerprint, try await cluster.served(by: "mx2")?.fingerprint,
            Served.leaf(in: https.standardOutput),
        ]
    }

    /// Every wire shows the certificate, everything names it, and the old one is gone.
    func expectRenewed(_ old: String, with new: String) async throws {
        let fingerprint = try await client.certificate(new, at: .cluster).fingerprint
        #expect(try await wires() == [fingerprint, fingerprint, fingerprint])
        #expect(try await client.certificates(at: nil).map(\.name).sorted() == ["demo", new])
        #expect(try await client.certificateUses(new, at: .cluster).count == 5)
        #expect(try await client.changes().isEmpty)
    }
}

@Suite("A renewal of the whole fleet through the real binary", .timeLimit(.minutes(3)))
struct RenewalTests {
    @Test func `killed after any step, the same command finds out what is done and goes on`() async throws {
        try await Fleet.with { fleet, _ in
            // What the watch found is raised by itself, and cleared by the renewal.
            try await fleet.cluster.wait(for: "an alert for each machine") {
                try await fleet.client.alerts().map { "\($0.machine ?? "") \($0.threshold ?? 0)" }.sorted() == ["mx1 30", "mx2 30"]
            }
            var old = "mail"
            var kills = 0
            while true {
                let new = "mail-\(kills + 1)"
                let revisions = try await fleet.client.history().count
                let run = try await Muster.run(fleet.renewal(of: old, with: new), failpoint: "renew:\(kills + 1):after")
                if !run.isKilled {
                    #expect(run.isDone, "\(run.error)")
                    try await fleet.expectRenewed(old, with: new)
                    break
                }
                kills += 1
                let again = try await Muster.run(fleet.renewal(of: old, with: new))
                #expect(again.isDone, "after step \(kills): \(again.error)")
                try await fleet.expectRenewed(old, with: new)
                // One revision points everything at the new one, one takes the old one away; none is made twice.
                #expect(try await fleet.client.history().count == revisions + 2, "after step \(kills)")
                // Once more: there is nothing left to do.
                #expect(try await Muster.run(fleet.renewal(of: old, with: new)).isDone)
                #expect(try await fleet.client.history().count == revisions + 2, "after step \(kills), again")
                old = new
            }
            // Made, submitted, committed, proved, taken away, committed.
            #expect(kills == 6)
            try await fleet.cluster.wait(for: "the alerts to be cleared") { try await fleet.client.alerts().isEmpty }
            #expect(try await fleet.client.alerts(all: true).count == 2)
        }
    }

    @Test func `a machine that is offline keeps the old certificate there and is named; when it is back, the same command ends it`()
        async throws
    {
        try await Fleet.with { fleet, mx2 in
            try await mx2.kill()
            try await fleet.cluster.wait(for: "mx2 to be offline") { try await fleet.client.machine("mx2").state == .offline }
            let renewal = fleet.renewal(of: "mail", with: "mail-2")
            let run = try await Muster.run(renewal + ["--timeout", "20s"])
            #expect(run.ending == .exited(1))
            #expect(run.error.contains("mx2: absent") && !run.error.contains("mx1:"), "\(run.error)")
            #expect(run.error.contains("muster cert renew mail --with mail-2 --retire"))
            #expect(run.output.contains("mx1: proved (delivery, https/data1, listener/public)"), "\(run.output)")
            let (old, new) = (
                try await fleet.client.certificate("mail", at: .cluster), try await fleet.client.certificate("mail-2", at: .cluster)
            )
            #expect(old.usedBy.isEmpty)
            #expect(try await fleet.wires() == [new.fingerprint, nil, new.fingerprint])
            try await fleet.cluster.withAgent("mx2") {
                try await fleet.cluster.synced("mx2", fleet.client)
                let again = try await Muster.run(renewal)
                #expect(again.isDone, "\(again.error)")
                try await fleet.expectRenewed("mail", with: "mail-2")
            }
        }
    }

    @Test func `a certificate in files is taken in once, and other files under its name are refused`() async throws {
        try await Fleet.with { fleet, _ in
            let (files, others) = (try await fleet.files("new"), try await fleet.files("other"))
            #expect(try await Muster.run(fleet.renewal(of: "mail", with: "mail-2", made: files), failpoint: "renew:1:after").isKilled)
            let other = try await Muster.run(fleet.renewal(of: "mail", with: "mail-2", made: others))
            #expect(other.ending == .exited(1) && other.error.contains("another certificate \"mail-2\""), "\(other.error)")
            let again = try await Muster.run(fleet.renewal(of: "mail", with: "mail-2", made: files))
            #expect(again.isDone, "\(again.error)")
            try await fleet.expectRenewed("mail", with: "mail-2")
        }
    }

    @Test func `another edit of the same administrator is neither committed nor lost`() async throws {
        try await Fleet.with { fleet, _ in
            _ = try await fleet.client.edit([
                EntryEdit(level: .cluster, section: .destinations, entry: "bank.example", operation: .set(["tls": "required"]))
            ])
            let before = try await fleet.wires()
            let run = try await Muster.run(fleet.renewal(of: "mail", with: "mail-2"))
            #expect(run.ending == .exited(1) && run.error.contains("destinations/bank.example at cluster"), "\(run.error)")
            #expect(try await fleet.client.changes().map(\.entry) == ["bank.example"])
            #expect(try await fleet.wires() == before)
        }
    }
}

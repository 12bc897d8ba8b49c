import AdminContract
import AdminFixtures
import ClusterModel
import Testing

// Serialized: each case is a process.
@Suite("What a renewal says and does, step by step", .serialized, .timeLimit(.minutes(1)))
struct RenewTests {
    private func renew(_ views: [RenewalView], _ arguments: [String], changes: [ChangeView] = [FixedService.change]) async throws -> (
        run: Run, asked: [String]
    ) {
        let service = FixedService(changes: changes, renewals: views)
        let run = try await RunningServer.with(service) { server in
            try await muster(["cert", "renew", "mail"] + arguments, profile: server.profile)
        }
        return (run, service.questions.map { String($0.dropFirst("admin ".count)) })
    }

    @Test func `all steps in one run, each shown`() async throws {
        let (run, asked) = try await renew(FixedService.renewalFromBeginToEnd, ["--common-name", "mail.example.com", "--retire"])
        #expect(run.status == 0, "\(run.error)")
        try expectGolden(run.output, "cert-renew")
        #expect(
            asked == [
                "renewal cluster mail -", "create cluster mail-2026 mail.example.com false", "renewal cluster mail mail-2026",
                #"edit machine/mx1 interfaces data1 merge {"https":{"certificate":"mail-2026"}}"#,
                #"edit cluster listeners public merge {"certificate":"mail-2026"}"#, "renewal cluster mail mail-2026", "changes",
                "commit Renew the certificate mail with mail-2026 c1", "renewal cluster mail mail-2026", "status",
                "renewal cluster mail mail-2026", "changes", "deleteCertificate mail cluster", "renewal cluster mail mail-2026", "changes",
                "commit Retire the certificate mail, renewed with mail-2026 c1", "renewal cluster mail mail-2026",
            ])
    }

    @Test func `programs get one value, and without --retire the old certificate stays`() async throws {
        let views = Array(FixedService.renewalFromBeginToEnd.dropLast(2))
        let (run, asked) = try await renew(views, ["--common-name", "mail.example.com", "--output", "json"])
        #expect(run.status == 0, "\(run.error)")
        try expectGolden(run.output, "cert-renew-json")
        #expect(!asked.contains { $0.hasPrefix("deleteCertificate") })
    }

    @Test func `what is submitted is not submitted again, and what is done is not done again`() async throws {
        let (run, asked) = try await renew(
            [
                FixedService.renewal(.repoint, submitted: true), FixedService.renewal(.repoint, submitted: true),
                FixedService.renewal(.retire),
            ], [])
        #expect(run.status == 0, "\(run.error)")
        #expect(!asked.contains { $0.hasPrefix("edit") || $0.hasPrefix("create") })
        let other = try await renew([FixedService.renewal(.repoint)], ["--common-name", "other.example.com"])
        #expect(other.run.status == 1 && other.run.error.contains("another certificate"))
        let (again, nothing) = try await renew([FixedService.renewal(.done)], ["--retire"])
        #expect(again.status == 0, "\(again.error)")
        #expect(nothing.allSatisfy { $0.hasPrefix("renewal") })
    }

    @Test func `a machine that has not proved it keeps the old certificate there, and is named with the way to go on`() async throws {
        let (run, asked) = try await renew([FixedService.renewal(.prove, absent: true)], ["--retire", "--timeout", "1s"])
        #expect(run.status == 1)
        try expectGolden(run.error, "cert-renew-absent")
        #expect(!asked.contains { $0.hasPrefix("deleteCertificate") || $0.hasPrefix("commit") })
    }

    @Test func `other edits of the caller, errors and overrides stop it before anything is committed`() async throws {
        var view = FixedService.renewal(.repoint)
        view.foreign = ["destinations/bank.example at group/eu"]
        let foreign = try await renew([view], ["--retire"])
        #expect(foreign.run.status == 1 && foreign.run.error.contains("  - destinations/bank.example at group/eu"))
        view = FixedService.renewal(.repoint)
        view.overriding = ["mx3"]
        let overriding = try await renew([view], [])
        #expect(
            overriding.run.status == 1 && overriding.run.error.contains("--include-overrides") && overriding.run.error.contains("  - mx3"))
        view = FixedService.renewal(.repoint)
        view.findings = [CertificateFinding(code: .nameMismatch, severity: .error, text: "It does not cover mx1.", cure: "Have it.")]
        let errors = try await renew([view], [])
        #expect(errors.run.status == 1 && errors.run.error.contains("name-mismatch: It does not cover mx1. Have it."))
        for asked in [foreign.asked, overriding.asked, errors.asked] { #expect(asked.allSatisfy { $0.hasPrefix("renewal") }) }
        view = FixedService.renewal(.repoint)
        view.obstacles = ["listener/public, set at cluster, is also that of mx3."]
        let shared = try await renew([view], ["--include-overrides", "--force"])
        #expect(shared.run.status == 1 && shared.run.error.contains("  - listener/public, set at cluster, is also that of mx3."))
        // What was refused goes on when it is meant so.
        view = FixedService.renewal(.repoint)
        view.overriding = ["mx3"]
        view.findings = [CertificateFinding(code: .nameMismatch, severity: .error, text: "It does not cover mx1.", cure: "Have it.")]
        let forced = try await renew([view, view, FixedService.renewal(.retire)], ["--force", "--include-overrides"])
        #expect(forced.run.status == 0 && forced.asked.contains { $0.hasPrefix("commit") }, "\(forced.run.error)")
    }

    @Test func `without a new certificate, and no word how to make one, nothing is done`() async throws {
        let (run, asked) = try await renew([FixedService.renewal(.add)], [])
        #expect(run.status == 1 && run.error.contains("--common-name HOST"))
        #expect(asked == ["renewal cluster mail -"])
    }
}

import AdminFixtures
import ClusterModel
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("What commands print", .serialized, .timeLimit(.minutes(1)))
struct OutputTests {
    @Test(arguments: [
        ("status", ["status"]), ("machine-list", ["machine", "list"]), ("machine-show", ["machine", "show", "mx1"]),
        ("machine-remove-preview", ["machine", "remove", "mx1", "--preview"]), ("machine-remove", ["machine", "remove", "mx1"]),
        ("group-list", ["group", "list"]), ("cert-list", ["cert", "list"]), ("cert-show", ["cert", "show", "mail"]),
        ("cert-create", ["cert", "create", "mail", "--common-name", "mail.example.com"]),
        ("cert-csr", ["cert", "csr", "mail"]), ("cert-check", ["cert", "check"]), ("cert-check-one", ["cert", "check", "mail"]),
        ("cert-where-used", ["cert", "where-used", "mail"]), ("destination-list", ["destination", "list"]),
        ("destination-show", ["destination", "show", "default"]),
        ("destination-set", ["destination", "set", "bank.example", "--tls", "required"]), ("show", ["show"]),
        ("effective", ["effective", "mx1"]), ("effective-explain", ["effective", "mx1", "--explain"]), ("changes", ["changes"]),
        ("commit", ["commit", "-m", "renewed"]), ("save", ["save"]), ("save-json", ["save", "-o", "json"]), ("history", ["history"]),
        ("audit-list", ["audit", "list"]),
        ("audit-verify", ["audit", "verify"]), ("whoami", ["whoami"]), ("machine-list-json", ["machine", "list", "--output", "json"]),
        ("machine-list-yaml", ["machine", "list", "--output", "yaml"]), ("commit-json", ["commit", "-o", "json"]),
    ])
    func `an answer is printed as it was written down`(_ name: String, _ arguments: [String]) async throws {
        try await RunningServer.with(FixedService(fleets: [FixedService.fleet])) { server in
            let run = try await muster(arguments, profile: server.profile)
            #expect(run.status == 0, "\(run.error)")
            try expectGolden(run.output, name)
        }
    }

    @Test func `no line of a table ends with spaces, and no text steers the terminal`() async throws {
        try await RunningServer.with(FixedService(fleets: [FixedService.fleet])) { server in
            for arguments in [["history"], ["status"], ["cert", "list"]] {
                let run = try await muster(arguments, profile: server.profile)
                #expect(!run.output.unicodeScalars.contains("\u{1B}"))
                #expect(run.output.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
            }
        }
    }

    @Test func `an empty list is an empty list, with a remark for people beside it`() async throws {
        try await RunningServer.with(FixedService(fleets: [[]], changes: [])) { server in
            let table = try await muster(["machine", "list"], profile: server.profile)
            #expect(table.output.isEmpty)
            #expect(table.error.contains("muster invite"))
            let json = try await muster(["changes", "--output", "json"], profile: server.profile)
            #expect(try JSONValue(parsing: json.output.utf8) == [])
        }
    }

    @Test func `an invitation stands alone on standard output`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(["invite", "--group", "eu", "--expires", "2h"], profile: server.profile)
            #expect(run.output == "muster-invitation-1.x\n")
        }
        #expect(service.questions == ["admin invite eu 7200"])
    }
}

import AdminClient
import AdminFixtures
import ClusterModel
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("What commands print", .serialized, .timeLimit(.minutes(1)))
struct OutputTests {
    @Test(arguments: [
        ("status", ["status"]), ("machine-list", ["machine", "list"]), ("machine-show", ["machine", "show", "mx1"]),
        ("machine-remove-preview", ["machine", "remove", "mx1", "--preview"]), ("machine-remove", ["machine", "remove", "mx1"]),
        ("machine-move", ["machine", "move", "mx1", "--group", "us"]),
        ("machine-move-preview", ["machine", "move", "mx1", "--group", "us", "--preview"]),
        ("machine-move-json", ["machine", "move", "mx1", "--group", "us", "-o", "json"]),
        ("machine-move-wait", ["machine", "move", "mx1", "--group", "us", "--wait"]),
        ("machine-rename", ["machine", "rename", "mx1", "mx9"]), ("group-rename", ["group", "rename", "eu", "europe"]),
        ("group-delete", ["group", "delete", "us"]), ("group-delete-preview", ["group", "delete", "us", "--preview"]),
        ("machine-remove-archive", ["machine", "remove", "mx1", "--archive"]), ("machine-archives", ["machine", "archives"]),
        ("machine-remove-archive-json", ["machine", "remove", "mx1", "--archive", "-o", "json"]),
        ("machine-requests", ["machine", "requests"]),
        ("machine-approve", ["machine", "approve", "mx5", "--fingerprint", "3f9a0c51d2e7"]), ("machine-deny", ["machine", "deny", "mx5"]),
        ("machine-restore", ["machine", "restore", "mx1"]), ("machine-forget", ["machine", "forget", "3f9a"]),
        ("machine-disconnect", ["machine", "disconnect", "mx1"]), ("machine-conflicts", ["machine", "conflicts", "mx1"]),
        ("machine-take", ["machine", "take", "mx1", "listeners/relay"]), ("machine-drop", ["machine", "drop", "mx1", "--all"]),
        ("machine-readmit", ["machine", "readmit", "mx1"]), ("ca-show", ["ca", "show"]), ("ca-show-json", ["ca", "show", "-o", "json"]),
        ("group-list", ["group", "list"]), ("cert-list", ["cert", "list"]), ("cert-show", ["cert", "show", "mail"]),
        ("cert-create", ["cert", "create", "mail", "--common-name", "mail.example.com"]),
        ("cert-csr", ["cert", "csr", "mail"]), ("cert-check", ["cert", "check"]), ("cert-check-one", ["cert", "check", "mail"]),
        ("authority-list", ["authority", "list", "--all"]), ("authority-show", ["authority", "show", "partner-root"]),
        ("authority-add", ["authority", "add", "partner-root", "/dev/null"]), ("authority-add-system", ["authority", "add", "system"]),
        ("authority-remove", ["authority", "remove", "partner-root", "--group", "eu"]),
        ("authority-remove-system", ["authority", "remove", "system", "--machine", "mx1"]),
        ("authority-unset-system", ["authority", "remove", "system", "--unset"]),
        ("authority-list-json", ["authority", "list", "-o", "json"]),
        ("cert-where-used", ["cert", "where-used", "mail"]), ("destination-list", ["destination", "list"]),
        ("destination-show", ["destination", "show", "default"]),
        ("system-list", ["system", "list", "--machine", "mx1"]), ("interface-list", ["interface", "list", "--machine", "mx1"]),
        ("interface-show", ["interface", "show", "data1", "--machine", "mx1"]), ("listener-list", ["listener", "list"]),
        ("policy-list", ["policy", "list"]), ("delivery-list", ["delivery", "list"]), ("tls-profile-list", ["tls-profile", "list"]),
        ("ldap-list", ["ldap", "list"]), ("ldap-show", ["ldap", "show"]), ("web-security-list", ["web-security", "list"]),
        ("service-list", ["service", "list"]), ("alert-show", ["alert", "show"]),
        ("destination-set", ["destination", "set", "bank.example", "--tls", "required"]), ("show", ["show"]),
        ("effective", ["effective", "mx1"]), ("effective-explain", ["effective", "mx1", "--explain"]), ("changes", ["changes"]),
        ("changes-preview", ["changes", "--preview"]),
        ("changes-keep", ["changes", "--keep", "destinations/bank.example", "--group", "eu"]), ("diff", ["diff", "2"]),
        ("diff-json", ["diff", "2", "3", "-o", "json"]), ("rollback", ["rollback", "2"]),
        ("rollback-preview", ["rollback", "2", "--preview"]), ("user-list", ["user", "list"]),
        ("user-add", ["user", "add", "bob", "--role", "read-only"]), ("user-remove", ["user", "remove", "bob"]),
        ("commit", ["commit", "-m", "renewed"]), ("save", ["save"]), ("save-json", ["save", "-o", "json"]), ("history", ["history"]),
        ("alert-list", ["alert", "list"]), ("alert-list-all", ["alert", "list", "--all"]),
        ("alert-list-json", ["alert", "list", "--output", "json"]), ("alert-acknowledge", ["alert", "acknowledge", "a"]),
        ("audit-list", ["audit", "list"]), ("audit-list-refused", ["audit", "list", "--refused"]),
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

    @Test func `a conflict is shown with both versions, who, when, and the two ways out`() async throws {
        try await RunningServer.with(FixedService(changes: [FixedService.conflict])) { server in
            let run = try await muster(["changes"], profile: server.profile)
            #expect(run.status == 0)
            try expectGolden(run.output, "changes-conflict")
        }
    }

    @Test func `a profile with a new token stands alone on standard output, and can be used`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(["token", "create", "--user", "bob", "--expires", "2h"], profile: server.profile)
            #expect(run.status == 0)
            let profile = try JSONValue(parsing: run.output.utf8)
            #expect(profile["token"] == "muster-token-x")
            #expect(profile["url"]?.text == server.profile.url && profile["ca"]?.text == server.profile.ca)
            #expect(!run.error.contains("muster-token-x"))
            #expect(run.error.contains("bob, who is operator"))
        }
        #expect(service.questions == ["admin createToken bob 7200"])
    }

    @Test func `the check of a domain ends with 1 for an error, and says what does not agree`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(["cert", "check", "--domain", "example.com"], profile: server.profile)
            #expect(run.status == 1)
            try expectGolden(run.output, "cert-check-domain")
            let json = try await muster(["cert", "check", "--domain", "example.com", "-o", "json"], profile: server.profile)
            #expect(json.status == 1)
            try expectGolden(json.output, "cert-check-domain-json")
        }
    }

    @Test(arguments: [
        ("check", ["check"], 1), ("check-json", ["check", "-o", "json"], 1), ("check-agrees", ["check", "mx2"], 0),
        ("check-partly", ["check", "mx3"], 1), ("check-not-compared", ["check", "mx4"], 1),
        ("check-keep-cluster", ["check", "mx1", "--keep", "cluster"], 0),
        ("check-keep-machine", ["check", "mx1", "--keep", "machine"], 1),
    ])
    func `a check ends with 1 unless all was compared and agrees, and a repair unless all was put right`(
        _ name: String, _ arguments: [String], _ status: Int
    ) async throws {
        try await RunningServer.with(FixedService()) { server in
            let run = try await muster(arguments, profile: server.profile)
            #expect(run.status == status, "\(run.error)")
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

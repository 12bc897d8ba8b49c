import AdminClient
import AdminContract
import AdminFixtures
import ClusterModel
import FoundationEssentials
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("How commands explain themselves, and what they say to wrong usage", .serialized, .timeLimit(.minutes(1)))
struct UsageTests {
    @Test(arguments: [
        ["machine"], ["machine", "remove"], ["machine", "restore"], ["machine", "conflicts"], ["machine", "take"], ["agent", "adopt"],
        ["agent", "join"],
        ["agent", "set"], ["manager", "init"], ["group", "add"],
        ["cert", "create"], ["cert", "import"], ["cert", "check"], ["cert", "renew"],
        ["authority"], ["authority", "add"], ["authority", "remove"], ["listener", "set"],
        ["policy", "set"], ["destination", "set"], ["interface", "set"], ["delivery", "set"], ["delivery", "show"], ["effective"],
        ["system", "set"], ["tls-profile"], ["tls-profile", "set"], ["ldap", "set"], ["web-security", "set"], ["service", "set"],
        ["alert"], ["alert", "set"], ["commit"], ["save"], ["apply"], ["invite"], ["status"], ["changes"], ["diff"], ["rollback"], ["user"],
        ["token", "create"],
    ])
    func `the help of a command is as it was written down`(_ command: [String]) async throws {
        let run = try await muster(command + ["--help"])
        #expect(run.status == 0)
        try expectGolden(run.output, "help-" + command.joined(separator: "-"))
    }

    @Test func `every command teaches with an example`() async throws {
        let dump = try await muster(["--experimental-dump-help"])
        let root = try JSONValue(parsing: dump.output.utf8)
        var untaught: [String] = []
        func visit(_ command: JSONValue, _ path: [String]) {
            let path = path + [command["commandName"]?.text ?? "?"]
            if path.contains("help") { return }
            if command["discussion"]?.text?.contains("  muster ") != true { untaught.append(path.joined(separator: " ")) }
            for child in command["subcommands"]?.items ?? [] { visit(child, path) }
        }
        visit(root["command"] ?? .null, [])
        #expect(untaught.isEmpty)
    }

    /// ESA's words, each with the command that it stands for.
    @Test(arguments: [
        ("certconfig list", "cert list"), ("listenerconfig list", "listener list"), ("destconfig list", "destination list"),
        ("destconfig setup --certificate mail", "delivery set --certificate mail"), ("interfaceconfig list", "interface list"),
        ("deliveryconfig show", "delivery show"), ("showchanges", "changes"), ("clearchanges", "discard"), ("showconfig", "save"),
        ("saveconfig", "save"), ("rollbackconfig 2", "rollback 2"), ("ldapconfig show", "ldap show"), ("alertconfig show", "alert show"),
        ("websecurityconfig show", "web-security show"), ("sslconfig list", "tls-profile list"),
        ("sethostname mx1.example.com --machine mx1", "system set --hostname mx1.example.com --machine mx1"),
        ("clusterconfig list", "machine list"), ("clustercheck mx1", "check mx1"),
    ])
    func `the words of another system mean the command`(_ word: String, _ command: String) async throws {
        let service = FixedService(fleets: [FixedService.fleet])
        try await RunningServer.with(service) { server in
            let named = try await muster(command.split(separator: " ").map(String.init), profile: server.profile)
            let asked = service.questions
            let alias = try await muster(word.split(separator: " ").map(String.init), profile: server.profile)
            #expect(alias.status == named.status && alias.output == named.output && alias.error == named.error)
            #expect(service.questions == asked + asked)
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `every shell gets completions`(_ shell: String) async throws {
        let run = try await muster(["--generate-completion-script", shell])
        #expect(run.status == 0 && run.error.isEmpty)
        for word in ["where-used", "ecdsa-p384", "mailFlowPolicies"] { #expect(run.output.contains(word)) }
    }

    @Test(arguments: [
        ["nonsense"], ["machine", "nonsense"], ["machine", "show"], ["machine", "list", "--nonsense"],
        ["show", "--group", "a", "--machine", "b"],
        ["override", "listeners/public"], ["override", "listeners", "--machine", "mx1"], ["hide", "destinations"],
        ["isolate", "destinations/bank.example"], ["listener", "set"], ["listener", "set", "public", "--port", "many"],
        ["listener", "set", "public", "--server-name", "a.example"], ["listener", "set", "public", "--sender-group", "PARTNERS"],
        ["listener", "set", "public", "--clear", "nonsense"],
        ["listener", "set", "public", "--certificate", "mail", "--clear", "certificate"], ["policy", "set", "p", "--tls", "perhaps"],
        ["tls-profile", "set", "inbound", "--minimum", "ssl3"], ["tls-profile", "set", "inbound", "--cipher-suite", "TLS_NULL"],
        ["alert", "set", "--class", "system"], ["alert", "set", "--recipient", "nobody"], ["alert", "set", "--severity", "loud"],
        ["alert", "set", "--recipient", "a@b.example", "--clear", "recipients"], ["ldap", "set", "--clear", "port"],
        ["interface", "set", "data1", "--clear", "https.nonsense"], ["interface", "set", "data1", "--clear", "hostname.x"],
        ["interface", "set", "data1", "--https-tls-profile", "a", "--clear", "https.tlsProfile"], ["service", "set"], ["system", "set"],
        ["delivery", "show", "name"], ["cert", "create", "mail"], ["cert", "create", "mail", "--common-name", "a", "--key", "rsa-512"],
        ["cert", "import", "mail"], ["cert", "import", "mail", "--pem", "chain.pem"],
        ["cert", "import", "mail", "--pkcs12", "a", "--pem", "b", "--key", "c"],
        ["cert", "promote", "mail", "--from", "mx1", "--to", "cluster"],
        ["cert", "renew", "mail", "--pem", "a"], ["cert", "renew", "mail", "--pkcs12", "a", "--common-name", "b"],
        ["cert", "renew", "mail", "--san", "a"], ["alert", "acknowledge"], ["save", "--include-secrets"], ["save", "--password-file", "x"],
        ["cert", "list", "--all", "--cluster"], ["apply"], ["apply", "-f", "x", "--dry-run", "--commit"], ["apply", "-f", "x", "--wait"],
        ["authority", "add", "partner"], ["authority", "add", "system", "ca.pem"], ["authority", "remove", "partner", "--unset"],
        ["authority", "list", "--all", "--group", "eu"], ["authority", "show"],
        ["commit", "--timeout", "soon"], ["invite", "--expires", "0h"], ["history", "--limit", "0"],
        ["machine", "list", "--output", "xml"], ["diff"], ["diff", "newest"], ["diff", "1", "2", "3"], ["rollback"], ["rollback", "head"],
        ["rollback", "1", "--preview", "--wait"], ["changes", "--cluster"], ["changes", "--keep", "destinations/a", "--preview"],
        ["user", "add", "bob"], ["user", "add", "bob", "--role", "king"], ["token", "create", "--expires", "soon"],
    ])
    func `wrong usage ends with 64 and says so on standard error`(_ arguments: [String]) async throws {
        let run = try await muster(arguments)
        #expect(run.status == 64)
        #expect(run.error.contains("Error: "))
        #expect(run.output.isEmpty)
    }

    @Test func `a manager that cannot be reached ends with 69 and is named`() async throws {
        let profile = try await RunningServer.with(FixedService()) { $0.profile }
        let run = try await muster(["machine", "list"], profile: profile)
        #expect(run.status == 69)
        #expect(run.error.contains(profile.url))
        #expect(run.output.isEmpty)
    }

    @Test func `no profile, a broken one and one that is not text end with 1`() async throws {
        let none = try await muster(["status"])
        #expect(none.status == 1)
        #expect(none.error.contains("/.config/muster/profile.json"))
        try await withScratch { directory in
            let path = "\(directory)/broken.json"
            try #"{"url":"https://127.0.0.1:1","token":"canary"}"#.write(toFile: path, atomically: true, encoding: .utf8)
            let broken = try await muster(["status", "--profile", path])
            #expect(broken.status == 1)
            #expect(broken.error.contains("is not a profile"))
            #expect(!broken.error.contains("canary"))
        }
    }

    @Test(arguments: Refusal.Code.examples)
    func `a refusal ends with its exit status, its reason and its details`(_ code: Refusal.Code, _ status: Int) async throws {
        let service = FixedService(refusing: Refusal(code, "The reason.", details: ["the first", "the second"]))
        try await RunningServer.with(service) { server in
            let run = try await muster(["machine", "list"], profile: server.profile)
            #expect(run.status == status)
            #expect(run.error == "Error: The reason.\n  - the first\n  - the second\n")
            #expect(run.output.isEmpty)
        }
    }
}

extension Refusal.Code {
    fileprivate static let examples: [(Refusal.Code, Int)] = [
        (.conflict, 1), (.forbidden, 1), (.wouldBreak, 1), (.failure, 1), (.unavailable, 69), (Refusal.Code(rawValue: "moon-phase"), 1),
    ]
}

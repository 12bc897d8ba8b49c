import AdminFixtures
import ClusterModel
import FoundationEssentials
import Testing

// Serialized: each case is a process, and a hundred at once would starve each other of the processor.
@Suite("What commands ask of the manager", .serialized, .timeLimit(.minutes(1)))
struct EditTests {
    @Test(arguments: [
        (["listener", "set", "public", "--port", "2525"], #"edit cluster listeners public merge {"port":2525}"#),
        (
            ["listener", "set", "public", "--group", "eu", "--certificate", "mail", "--clear", "defaultPolicy"],
            #"edit group/eu listeners public merge {"certificate":"mail","defaultPolicy":null}"#
        ),
        (
            [
                "listener", "set", "public", "--sender-group", "PARTNERS=partners:192.0.2.0/24,.partner.example", "--sender-group",
                "V6=p:2001:db8::/32",
            ],
            #"edit cluster listeners public merge {"senderGroups":["#
                + #"{"name":"PARTNERS","policy":"partners","senders":["192.0.2.0/24",".partner.example"]},"#
                + #"{"name":"V6","policy":"p","senders":["2001:db8::/32"]}]}"#
        ),
        (
            ["listener", "set", "public", "--server-name", "mx.brand.example=brand"],
            #"edit cluster listeners public merge {"serverNames":[{"certificate":"brand","name":"mx.brand.example"}]}"#
        ),
        (
            ["policy", "set", "partners", "--tls", "required", "--verify-client-certificate"],
            #"edit cluster mailFlowPolicies partners merge {"tls":"required","verifyClientCertificate":true}"#
        ),
        (
            ["policy", "set", "partners", "--no-verify-client-certificate"],
            #"edit cluster mailFlowPolicies partners merge {"verifyClientCertificate":false}"#
        ),
        (
            ["destconfig", "set", ".bank.example", "--tls", "required-verify", "--name-check", "domain"],
            #"edit cluster destinations .bank.example merge {"nameCheck":"domain","tls":"required-verify"}"#
        ),
        (
            ["interface", "set", "data1", "--machine", "mx1", "--https-port", "8443"],
            #"edit machine/mx1 interfaces data1 merge {"https":{"port":8443}}"#
        ),
        (
            ["delivery", "set", "--certificate", "mail", "--alert-on-required-tls-failure"],
            #"edit cluster delivery settings merge {"alertOnRequiredTLSFailure":true,"certificate":"mail"}"#
        ),
        (
            ["interface", "set", "data1", "--machine", "mx1", "--https-certificate", "web", "--clear", "https.tlsProfile"],
            #"edit machine/mx1 interfaces data1 merge {"https":{"certificate":"web","tlsProfile":null}}"#
        ),
        (
            ["listener", "set", "public", "--tls-profile", "strict"],
            #"edit cluster listeners public merge {"tlsProfile":"strict"}"#
        ),
        (["delivery", "set", "--tls-profile", "strict"], #"edit cluster delivery settings merge {"tlsProfile":"strict"}"#),
        (
            ["sethostname", "mx1.example.com", "--machine", "mx1"],
            #"edit machine/mx1 system settings merge {"hostname":"mx1.example.com"}"#
        ),
        (
            ["ldapconfig", "set", "--certificate", "mail", "--no-verify-server-certificate", "--group", "eu"],
            #"edit group/eu ldap settings merge {"certificate":"mail","verifyServerCertificate":false}"#
        ),
        (["ldap", "set", "--clear", "certificate"], #"edit cluster ldap settings merge {"certificate":null}"#),
        (
            ["websecurityconfig", "set", "--url-filtering", "--certificate", "url"],
            #"edit cluster webSecurity settings merge {"certificate":"url","urlFiltering":true}"#
        ),
        (
            ["service", "set", "malware-analysis", "--host", "amp.example.com", "--port", "8443", "--certificate", "mail"],
            #"edit cluster services malware-analysis merge {"certificate":"mail","host":"amp.example.com","port":8443}"#
        ),
        (["service", "unset", "malware-analysis", "--machine", "mx1"], "edit machine/mx1 services malware-analysis remove"),
        (
            ["sslconfig", "set", "inbound", "--minimum", "tls1.1", "--ciphers", "HIGH:!aNULL", "--cipher-suite", "TLS_AES_256_GCM_SHA384"],
            #"edit cluster tlsProfiles inbound merge {"cipherSuites":["TLS_AES_256_GCM_SHA384"],"ciphers":"HIGH:!aNULL","minimumVersion":"tls1.1"}"#
        ),
        (
            ["alertconfig", "set", "--sender", "muster@example.com", "--relay-host", "relay.example.com", "--relay-tls", "required"],
            #"edit cluster alerts settings merge {"relay":{"host":"relay.example.com","tls":"required"},"sender":"muster@example.com"}"#
        ),
        (["alert", "set", "--clear", "recipients"], #"edit cluster alerts settings merge {"recipients":null}"#),
        (["alert", "unset", "--group", "eu"], "edit group/eu alerts settings remove"),
        (["hide", "web-security", "--group", "eu"], "edit group/eu webSecurity settings hide"),
        (["show", "tls-profile/inbound"], "show cluster tlsProfiles inbound"),
        (["destination", "unset", "bank.example", "--machine", "mx1"], "edit machine/mx1 destinations bank.example remove"),
        (["delivery", "unset"], "edit cluster delivery settings remove"),
        (["hide", "destination/bank.example", "--group", "eu"], "edit group/eu destinations bank.example hide"),
        (["hide", "delivery", "--group", "eu"], "edit group/eu delivery settings hide"),
        (["isolate", "destinations", "--machine", "mx1"], "edit machine/mx1 destinations - isolate"),
        (["isolate", "destinations", "--machine", "mx1", "--undo"], "edit machine/mx1 destinations - inherit"),
        (["override", "listeners/public", "--copy", "--machine", "mx1"], "override machine/mx1 listeners public true"),
        (
            ["move", "destinations/bank.example", "--from", "machine/mx1", "--to", "cluster"],
            "copy destinations bank.example machine/mx1 cluster true"
        ),
        (["show", "delivery", "--group", "eu"], "show group/eu delivery -"),
        (["discard", "listeners/public"], "discard - listeners public"), (["discard", "--machine", "mx1"], "discard machine/mx1 - -"),
        (["cert", "list"], "certificates cluster"), (["cert", "list", "--all"], "certificates -"),
        (
            ["cert", "create", "mail", "--machine", "mx1", "--common-name", "a.example", "--replace"],
            "create machine/mx1 mail a.example true"
        ),
        (["cert", "promote", "mail", "--from", "machine/mx1", "--to", "group/eu"], "promote mail machine/mx1 group/eu"),
        (["cert", "delete", "mail", "--group", "eu"], "deleteCertificate mail group/eu"),
        (["cert", "csr", "mail", "--machine", "mx1"], "request mail machine/mx1"), (["cert", "check"], "check"),
        (["cert", "check", "mail"], "certificate mail cluster"), (["cert", "where-used", "mail"], "uses mail cluster"),
        (["machine", "remove", "mx1", "--preview"], "loss mx1"),
        (["machine", "remove", "mx1"], "remove mx1"),
        (["machine", "readmit", "mx1", "--expires", "4h"], "readmit mx1 14400"), (["ca", "prepare"], "rotateCA prepare "),
        (["ca", "trust"], "rotateCA trust "), (["ca", "activate", "--without", "mx2"], "rotateCA activate mx2"),
        (["ca", "retire"], "rotateCA retire "), (["ca", "abort"], "rotateCA abort "),
        (["check", "mx2"], "checkConsistency mx2"), (["check", "mx1", "--keep", "cluster"], "repair mx1 cluster"),
        (["machine", "retry", "mx1"], "retry mx1"), (["group", "add", "eu"], "addGroup eu"),
        (["machine", "move", "mx1", "--group", "us"], "move mx1 us"),
        (["machine", "move", "mx1", "--group", "us", "--preview"], "move mx1 us preview"),
        (["machine", "rename", "mx1", "mx9"], "renameMachine mx1 mx9"), (["group", "rename", "eu", "europe"], "renameGroup eu europe"),
        (["group", "delete", "eu", "--preview"], "groupLoss eu"), (["group", "delete", "eu"], "deleteGroup eu"),
        (["user", "add", "bob", "--role", "operator", "--group", "eu"], "addUser bob operator eu"),
    ])
    func `a command asks exactly one thing`(_ arguments: [String], _ question: String) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(arguments, profile: server.profile)
            #expect(run.status == 0, "\(run.error)")
        }
        #expect(service.questions == ["admin \(question)"])
    }

    @Test(arguments: [
        ["interface", "list"], ["interface", "set", "data1", "--address", "192.0.2.1"], ["interface", "show", "data1", "--group", "eu"],
        ["hide", "interfaces/data1"], ["show", "system"], ["interface", "unset", "data1"], ["interface", "list", "--group", "eu"],
        ["system", "list"], ["system", "show"], ["system", "set", "--hostname", "a.example"], ["system", "unset", "--group", "eu"],
    ])
    func `a level that a section does not have is refused with the right one`(_ arguments: [String]) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(arguments, profile: server.profile)
            #expect(run.status == 1)
            #expect(run.error.contains("machine level only"))
            #expect(run.error.contains("--machine NAME"))
        }
        #expect(service.questions.isEmpty)
    }

    @Test(arguments: [
        (
            ["--recipient", "new@Example.com", "--class", "cluster", "--class", "system", "--severity", "critical"],
            #"[{"address":"ops@example.com","severity":"warning"},{"address":"pki@example.com","classes":["certificates"]},"#
                + #"{"address":"new@example.com","classes":["system","cluster"],"severity":"critical"}]"#
        ),
        (
            ["--recipient", "pki@EXAMPLE.com"],
            #"[{"address":"ops@example.com","severity":"warning"},{"address":"pki@example.com"}]"#
        ),
        (["--remove-recipient", "ops@example.com"], #"[{"address":"pki@example.com","classes":["certificates"]}]"#),
        (
            ["--remove-recipient", "ops@example.com", "--recipient", "pki@example.com", "--severity", "warning"],
            #"[{"address":"pki@example.com","severity":"warning"}]"#
        ), (["--remove-recipient", "ops@example.com", "--remove-recipient", "pki@example.com"], "[]"),
    ])
    func `a recipient of alerts is added, changed or taken away, and the others stay`(_ options: [String], _ list: String) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(["alert", "set"] + options, profile: server.profile)
            #expect(run.status == 0, "\(run.error)")
        }
        #expect(
            service.questions == [
                "admin show cluster alerts -", #"admin edit cluster alerts settings merge {"recipients":\#(list)}"#,
            ])
    }

    @Test func `somebody who is told of nothing cannot be taken off the list`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let run = try await muster(["alert", "set", "--remove-recipient", "who@example.com"], profile: server.profile)
            #expect(run.status == 1)
            #expect(run.error.contains("who@example.com is no recipient at this level"))
        }
        #expect(service.questions == ["admin show cluster alerts -"])
    }

    @Test func `a document is read with the files beside it, and sent as one request`() async throws {
        let service = FixedService()
        try await withScratch { directory in
            let document = """
                cluster: acme
                settings:
                  cluster:
                    certificates: { mail: { pkcs12: { file: mail.p12, passwordFile: mail.pw } } }
                """
            try document.write(toFile: "\(directory)/acme.yaml", atomically: true, encoding: .utf8)
            try "not really".write(toFile: "\(directory)/mail.p12", atomically: true, encoding: .utf8)
            try "secret\n".write(toFile: "\(directory)/mail.pw", atomically: true, encoding: .utf8)
            try await RunningServer.with(service) { server in
                let run = try await muster(["apply", "-f", "\(directory)/acme.yaml", "--dry-run"], profile: server.profile)
                #expect(run.status == 0, "\(run.error)")
                #expect(run.output.contains("dry run"))
                #expect(!run.output.contains("secret"))
            }
        }
        let question = try #require(service.questions.first)
        #expect(question.hasPrefix("admin apply {") && question.hasSuffix(" true false"))
        #expect(question.contains("bm90IHJlYWxseQ=="))
    }

    @Test func `what is wrong with a document is listed by line, and nothing is sent`() async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let document = "settings:\n  cluster:\n    destinations:\n      default: { tls: perhaps }\n    listners: {}\n"
            let run = try await muster(["apply", "-f", "-"], profile: server.profile, input: document)
            #expect(run.status == 1)
            #expect(run.error.contains("standard input:4:"))
            #expect(run.error.contains("standard input:5:"))
        }
        #expect(service.questions.isEmpty)
    }

    @Test func `an exported file is its owner's alone, replaces none, and its password shows nowhere`() async throws {
        let service = FixedService()
        try await withScratch { directory in
            let file = "\(directory)/mail.p12"
            try "canary\n".write(toFile: "\(directory)/mail.pw", atomically: true, encoding: .utf8)
            try await RunningServer.with(service) { server in
                let arguments = ["cert", "export", "mail", "--pkcs12", file, "--password-file", "\(directory)/mail.pw"]
                let run = try await muster(arguments, profile: server.profile)
                #expect(run.status == 0, "\(run.error)")
                #expect(!(run.output + run.error).contains("canary"))
                #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
                #expect(try String(contentsOfFile: file, encoding: .utf8) == "p12")
                let again = try await muster(arguments, profile: server.profile)
                #expect(again.status == 1)
                #expect(again.error.contains("replaces none"))
            }
        }
        #expect(service.questions == ["admin export cluster mail canary false"])
    }

    @Test func `what an authority sent is read and uploaded, the leaf or intermediates alone`() async throws {
        let service = FixedService()
        try await withScratch { directory in
            for name in ["leaf", "ca"] { try name.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8) }
            try await RunningServer.with(service) { server in
                let leaf = ["cert", "upload", "mail", "\(directory)/leaf", "--intermediate", "\(directory)/ca"]
                let later = ["cert", "upload", "mail", "--intermediate", "\(directory)/ca", "--group", "eu"]
                for (arguments, status) in [(leaf, 0), (later, 0), (["cert", "upload", "mail"], 64)] {
                    let run = try await muster(arguments, profile: server.profile)
                    #expect(run.status == status, "\(run.error)")
                }
            }
        }
        #expect(service.questions == ["admin upload cluster mail bGVhZg== Y2E=", "admin upload group/eu mail - Y2E="])
    }

    @Test func `an imported file and its password reach the manager, and no output`() async throws {
        let service = FixedService()
        try await withScratch { directory in
            try "p12".write(toFile: "\(directory)/mail.p12", atomically: true, encoding: .utf8)
            try "canary\nmore\n".write(toFile: "\(directory)/mail.pw", atomically: true, encoding: .utf8)
            try await RunningServer.with(service) { server in
                let arguments = ["cert", "import", "mail", "--pkcs12", "\(directory)/mail.p12", "--password-file", "\(directory)/mail.pw"]
                let run = try await muster(arguments, profile: server.profile)
                #expect(run.status == 0, "\(run.error)")
                #expect(!(run.output + run.error).contains("canary"))
            }
        }
        #expect(service.questions == ["admin import cluster mail cDEy canary"])
    }
}

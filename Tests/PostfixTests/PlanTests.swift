import Certificates
import ClusterModel
import Foundation
import Gateways
import PostfixFixtures
import SMTPFixtures
import Testing

/// What Postfix is told, as text: no Postfix is needed to read it.
struct PlanTests {
    private func plan(_ setup: Setup, main: String? = nil, master: String? = nil, system: String? = nil) throws -> PostfixPlan {
        try PostfixPlan(
            try setup.configuration, over: try PostfixBase(main: main, master: master), system: system, in: "/etc/postfix/gen/1")
    }

    /// The reasons against a configuration.
    private func reasons(_ setup: Setup, main: String? = nil) -> [String] {
        let refusal = #expect(throws: Refusal.self) { try plan(setup, main: main) }
        return refusal?.details ?? []
    }

    /// The options of the listener `public`.
    private func options(_ setup: Setup, main: String? = nil) throws -> [String: String] {
        let listener = try #require(try plan(setup, main: main).listeners.first)
        return Dictionary(listener.process.options.map { ($0.name, $0.value) }) { _, last in last }
    }

    private func parameters(_ setup: Setup, main: String? = nil) throws -> PostfixParameters {
        try PostfixParameters(parsing: try #require(try plan(setup, main: main).files["main.cf"]).text)
    }

    @Test func `a whole gateway, file by file`() throws {
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        setup.address = "192.0.2.1"
        setup.certificates["delivery"] = try Issuer.selfSigned("mx1.example.com")
        setup.delivery.certificate = "delivery"
        setup.delivery.interface = "data1"
        setup.addGroup("exempt", ["198.51.100.7"], MailFlowPolicySetting(tls: .preferred))
        setup.addGroup("plain", ["198.51.100.0/24", "2001:db8::/32"], MailFlowPolicySetting(tls: .off))
        setup.addGroup("strict", ["203.0.113.0/24"], MailFlowPolicySetting(tls: .required, verifyClientCertificate: true))
        var some = MailFlowPolicySetting(tls: .preferred, verifyClientCertificate: true)
        some.tlsMandatorySenders = ["bank.example", ".gov.example", "a+b@firm.example", "alarm@"]
        setup.policies["all"] = some
        setup.destinations = [
            "default": DestinationSetting(tls: .preferred), "a.example": DestinationSetting(tls: .none),
            "b.example": DestinationSetting(tls: .required), "c.example": DestinationSetting(tls: .preferredVerify),
            ".d.example": DestinationSetting(tls: .requiredVerify),
        ]
        setup.profiles["inbound"] = TLSProfileSetting(minimum: .tls12, maximum: .tls12, ciphers: "ECDHE+AESGCM, !aNULL")
        let plan = try plan(setup)
        let texts = plan.files.sorted { $0.key < $1.key }.map { name, file in
            "==> \(name)\(file.isSecret ? " (0600)" : "")\n" + (name.hasPrefix("tls/") ? "" : file.text)
        }
        try expectGolden("gateway.txt", texts.joined(separator: "\n"))
    }

    @Test func `names go into tables of their own, in the order of the groups`() throws {
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        let strict = MailFlowPolicySetting(tls: .required)
        setup.addGroup("one", ["192.0.2.1", "mta.partner.test", ".partner.test"], strict)
        setup.addGroup("two", ["ALL"], MailFlowPolicySetting(tls: .preferred))
        let plan = try plan(setup)
        #expect(plan.files["listener-public-senders-1.cidr"]?.text == "192.0.2.1/32 muster_policy_1\n")
        #expect(
            plan.files["listener-public-senders-2.regexp"]?.text
                == "/^mta\\.partner\\.test$/ muster_policy_1\n/\\.partner\\.test$/ muster_policy_1\n")
        #expect(plan.files["listener-public-senders-3.cidr"]?.text == "0.0.0.0/0 muster_policy_2\n::/0 muster_policy_2\n")
    }

    @Test func `what Postfix cannot express is refused, with what to do`() throws {
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        setup.addGroup("partners", [".partner.test"], MailFlowPolicySetting(tls: .off))
        setup.profiles["inbound"] = TLSProfileSetting(cipherSuites: [.aes256GCM])
        setup.https = HTTPSService(port: 443, certificate: "mail")
        let reasons = reasons(setup)
        #expect(reasons.count == 3)
        #expect(
            reasons.contains {
                $0.hasPrefix("listeners/public: the sender group partners has host names, and its policy partners does not")
            })
        #expect(reasons.contains { $0.hasPrefix("tlsProfiles/inbound: cipherSuites names suites of TLS 1.3") })
        #expect(reasons.contains { $0.hasPrefix("interfaces/data1: it has HTTPS, and Postfix has none") })
    }

    @Test func `a session is had about the policy of the listener's own address, where no host name counts`() throws {
        var setup = Setup(MailFlowPolicySetting(tls: .required), certificate: try Issuer.selfSigned("mx1.example.com"))
        func terms() throws -> PolicyTerms? { try plan(setup).listeners.first?.terms }
        #expect(try terms() == PolicyTerms(offersTLS: true, requiresTLS: true))
        setup.addGroup("self", [setup.address], MailFlowPolicySetting(tls: .off))
        #expect(try terms() == PolicyTerms(offersTLS: false, requiresTLS: false))
        setup.listeners["public"]?.senderGroups = []
        setup.addGroup("names", ["mx.partner.test"], MailFlowPolicySetting(tls: .preferred))
        #expect(try terms() == nil)
    }

    @Test func `a group of names may have no TLS where nobody has`() throws {
        var setup = Setup(MailFlowPolicySetting(tls: .off))
        setup.addGroup("partners", [".partner.test"], MailFlowPolicySetting(tls: .off))
        #expect(try options(setup)["smtpd_tls_security_level"] == "none")
    }

    @Test func `authorities are the lists, and the system's where it is trusted`() throws {
        var setup = Setup(
            MailFlowPolicySetting(tls: .required, verifyClientCertificate: true), certificate: try Issuer.selfSigned("mx1.example.com"))
        #expect(try options(setup)["smtpd_tls_CAfile"] == "")
        #expect(try parameters(setup)["smtp_tls_CAfile"] == "")
        let issuer = try Issuer("Good")
        setup.authorities["partners"] = try issuer.list
        setup.trustsSystem = true
        let plan = try plan(setup, system: "the system's\n")
        #expect(plan.files["tls/authorities.pem"]?.text == "the system's\n" + (try issuer.list.pem))
        #expect(try options(setup)["smtpd_tls_CAfile"] == "/etc/postfix/gen/1/tls/authorities.pem")
    }

    @Test func `a chain is written key first, then leaf, then what leads on`() throws {
        let certificate = try Issuer("Good").issue("mx1.example.com")
        let file = try #require(try plan(Setup(certificate: certificate)).files["tls/mail.pem"])
        #expect(file.isSecret)
        #expect(file.text == (try PrivateKey(pem: certificate.key)).pem + certificate.chain)
    }

    @Test(arguments: [
        (TLSProfileSetting(minimum: .tls10), ">=TLSv1"), (TLSProfileSetting(minimum: .tls11, maximum: .tls12), ">=TLSv1.1:<=TLSv1.2"),
        (TLSProfileSetting(minimum: .tls13), ">=TLSv1.3"),
    ])
    func `versions are those of the profile`(_ profile: TLSProfileSetting, _ protocols: String) throws {
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        setup.profiles = ["inbound": profile, "outbound": profile]
        #expect(try options(setup)["smtpd_tls_protocols"] == protocols)
        #expect(try options(setup)["smtpd_tls_mandatory_protocols"] == protocols)
        #expect(try parameters(setup)["smtp_tls_protocols"] == protocols)
        #expect(try parameters(setup)["smtp_tls_mandatory_protocols"] == protocols)
    }

    @Test func `hand-made settings stay where they do not contradict, and those that give way are named`() throws {
        let main =
            "# mine\nmynetworks = 192.0.2.0/24,\n  198.51.100.0/24\nsmtp_tls_security_level = encrypt\nsmtpd_discard_ehlo_keywords = chunking, starttls\n"
        let master = """
            smtp inet n - y - - smtpd
            submission inet n - y - - smtpd
              -o smtpd_tls_security_level=encrypt
            192.0.2.1:2525 inet n - n - - spawn
            smtp unix - - y - - smtp
            slow unix - - y - - smtp
              -o smtp_tls_security_level=none -o { syslog_name = postfix/slow }
            """
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        setup.address = "192.0.2.1"
        let plan = try plan(setup, main: main, master: master)
        #expect(
            plan.overridden == [
                "main.cf: smtp_tls_security_level", "master.cf: smtp inet, for Muster's listeners take mail",
                "master.cf: 192.0.2.1:2525 inet, for the listener public is there",
                "master.cf: smtp_tls_security_level of slow unix",
            ])
        let parameters = try PostfixParameters(parsing: try #require(plan.files["main.cf"]).text)
        #expect(parameters["mynetworks"] == "192.0.2.0/24, 198.51.100.0/24")
        #expect(parameters["smtp_tls_security_level"] == "none")
        let processes = try PostfixProcess.all(parsing: try #require(plan.files["master.cf"]).text)
        #expect(processes.map(\.name) == ["submission", "smtp", "slow", "192.0.2.1:2525"])
        #expect(processes[0]["smtpd_tls_security_level"] == "encrypt" && processes[0].columns[2] == "y")
        #expect(processes[2].options == [.init("syslog_name", "postfix/slow"), .init("minimal_backoff_time", "1000d")])
        #expect(processes[3]["smtpd_discard_ehlo_keywords"] == "chunking")
    }

    @Test func `a listener goes on with what the service was told that it takes the place of`() throws {
        let master = """
            192.0.2.1:2525 inet n - n - 7 smtpd
              -o content_filter=scan -o smtpd_tls_auth_only=yes -o smtpd_tls_security_level=none -o syslog_name=own -o smtpd_client_restrictions=reject
            2525 inet n - n - - smtpd -o content_filter=other
            """
        var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        setup.address = "192.0.2.1"
        func process(_ master: String) throws -> PostfixProcess { try #require(try plan(setup, master: master).listeners.first).process }
        let listener = try process(master)
        #expect(listener["content_filter"] == "scan" && listener["smtpd_tls_security_level"] == "may" && listener.columns.last == "7")
        #expect(listener["smtpd_tls_auth_only"] == "yes")
        #expect(listener["syslog_name"] == "postfix/public" && listener["smtpd_client_restrictions"]?.hasPrefix("muster_") == true)
        #expect(
            try process("2525 inet n - n - 1 postscreen -o a=1\nsmtpd pass - - n - - smtpd -o content_filter=behind")["content_filter"]
                == "behind")
    }

    @Test func `hand-made restrictions on clients move into a list that is free`() throws {
        let setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
        let clients = "smtpd_client_restrictions = reject_unknown_client_hostname\n"
        #expect(try options(setup, main: clients)["smtpd_sender_restrictions"] == "muster_own_clients")
        let senders = clients + "smtpd_sender_restrictions = reject_non_fqdn_sender\n"
        #expect(try options(setup, main: senders)["smtpd_sender_restrictions"] == nil)
        #expect(try options(setup, main: senders)["smtpd_helo_restrictions"] == "muster_own_clients")
        #expect(try options(setup, main: senders)["smtpd_helo_required"] == "yes")
        let all = senders + "smtpd_helo_restrictions = reject_invalid_helo_hostname\n"
        #expect(reasons(setup, main: all).first?.hasSuffix("merge two of them") == true)
    }

    @Test(arguments: ["junk", "a b = c", "= c"])
    func `a line of main.cf that sets nothing is named by its number`(_ line: String) {
        let refusal = #expect(throws: Refusal.self) { try PostfixBase(main: "a = b\n\(line)\n") }
        #expect(refusal?.reason.hasPrefix("original/main.cf: line 2 sets") == true)
    }

    @Test func `options of the gateway are checked before a machine is made with them`() throws {
        for (options, code) in [
            ([:], Refusal.Code.invalid), (["config-dir": "etc"], .invalid), (["config-dir": "/tmp/a b"], .invalid),
            (["config-dir": "/tmp/muster-is-not-there"], .notFound), (["config-dir": "/tmp", "config": "/tmp"], .invalid),
            (["config-dir": "/tmp", "command-dir": "/tmp"], .notFound),
        ] as [([String: String], Refusal.Code)] {
            #expect(throws: Refusal(code, "")) { try PostfixOptions(options) }
        }
    }

    private func expectGolden(_ name: String, _ text: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
        if ProcessInfo.processInfo.environment["MUSTER_UPDATE_GOLDEN"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOf: file, encoding: .utf8)), "MUSTER_UPDATE_GOLDEN=1 writes it anew")
    }
}

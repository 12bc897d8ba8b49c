import Certificates
import ClusterModel
import FoundationEssentials
import Gateways
import PostfixFixtures
import SMTPFixtures
import Testing

/// What an installation comes to, decided from facts: no Postfix is needed for it.
@Suite("An existing Postfix becomes settings")
struct AdoptionTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let standard = [
        "myhostname": "mx1.example.com", "inet_interfaces": "all", "inet_protocols": "all", "tls_append_default_CA": "no",
        "smtpd_tls_protocols": ">=TLSv1.2", "smtpd_tls_mandatory_protocols": ">=TLSv1.2", "smtp_tls_protocols": ">=TLSv1.2",
        "smtp_tls_mandatory_protocols": ">=TLSv1.2", "smtp_tls_secure_cert_match": "nexthop, dot-nexthop",
        "smtp_tls_verify_cert_match": "hostname", "smtp_tls_enforce_peername": "yes",
    ]

    /// The facts of files without anything to expand.
    private func installation(
        main: String = "", master: String = "192.0.2.1:25 inet n - n - - smtpd\n", files: [String: String] = [:]
    ) throws -> PostfixInstallation {
        let base = try PostfixBase(main: main, master: master)
        let written = Dictionary(base.parameters.names.map { ($0, base.parameters[$0] ?? "") }) { first, _ in first }
        let parameters = AdoptionTests.standard.merging(written) { $1 }
        var installation = PostfixInstallation(directory: "/etc/postfix", base: base, parameters: parameters)
        installation.services = PostfixInstallation.takingMail(base.processes).map { process in
            .init(process, parameters.merging(process.options.map { ($0.name, $0.value) }) { $1 })
        }
        installation.files = files.mapValues { .text($0) }
        installation.addresses = ["127.0.0.1", "192.0.2.1", "198.51.100.1", "::1", "2001:db8::1"].compactMap { IPAddress($0) }
        return installation
    }

    private func adopt(
        _ installation: PostfixInstallation, hostname: String? = nil, interfaces: [String: String] = [:]
    ) throws -> PostfixAdoption {
        try PostfixAdoption(installation, hostname: hostname, interfaces: interfaces, now: AdoptionTests.now)
    }

    /// With a certificate for everything.
    private func served(_ main: String, master: String = "192.0.2.1:25 inet n - n - - smtpd\n") throws -> PostfixAdoption {
        let mail = try Issuer.selfSigned("mx1.example.com")
        return try adopt(
            try installation(
                main: "smtpd_tls_chain_files = /mail.pem\n" + main, master: master, files: ["/mail.pem": mail.key + mail.chain]))
    }

    private func listeners(_ adoption: PostfixAdoption) throws -> [String: ListenerSetting] {
        Dictionary(try adoption.configuration.settings.values(ListenerSetting.self, in: .listeners).map { ($0.name, $0.value) }) {
            first, _ in
            first
        }
    }

    // MARK: - Listeners

    @Test(
        arguments: [
            ("smtpd_tls_security_level = none", .off), ("smtpd_tls_security_level = may", .preferred),
            ("smtpd_tls_security_level = encrypt", .required),
            ("smtpd_tls_security_level = secure", .required), ("smtpd_use_tls = yes", .preferred), ("smtpd_enforce_tls = yes", .required),
            ("", .off),
            ("smtpd_tls_security_level = may\nsmtpd_discard_ehlo_keywords = chunking, starttls", .off),
            ("smtpd_tls_security_level = none\nsmtpd_enforce_tls = yes", .off),
        ] as [(String, MailFlowPolicySetting.TLS)])
    func `the level of a service is the policy of its listener`(_ main: String, _ tls: MailFlowPolicySetting.TLS) throws {
        let adoption = try served(main)
        let listener = try #require(try listeners(adoption)["public"])
        let policy = try listener.defaultPolicy.flatMap {
            try adoption.configuration.settings.value(MailFlowPolicySetting.self, .mailFlowPolicies, $0)
        }
        #expect((policy?.tls ?? .off) == tls)
        #expect(adoption.report.problems.isEmpty)
    }

    @Test func `certificates of clients are verified where TLS is demanded, and asking alone is named as lost`() throws {
        let list = try Issuer("Partners").list.pem
        let mail = try Issuer.selfSigned("mx1.example.com")
        func adopted(_ level: String, _ word: String) throws -> PostfixAdoption {
            let main = """
                smtpd_tls_chain_files = /mail.pem
                smtpd_tls_security_level = \(level)
                smtpd_tls_\(word)_ccert = yes
                smtpd_tls_CAfile = /partners-ca.pem
                smtp_tls_CApath = /etc/ssl/certs/
                """
            let files = ["/mail.pem": mail.key + mail.chain, "/partners-ca.pem": list]
            return try adopt(try installation(main: main, files: files))
        }
        let verified = try adopted("encrypt", "req")
        #expect(try listeners(verified)["public"]?.defaultPolicy == "required-verify")
        let trusted = try verified.configuration.settings.authorities()
        #expect(trusted.trustsSystem && trusted.lists.map(\.name) == ["partners-ca"])
        #expect(verified.report.wouldChange.contains { $0.place.parameter == "smtpd_tls_CAfile" && $0.becomes.hasPrefix("both by") })
        let asked = try adopted("may", "ask")
        #expect(try listeners(asked)["public"]?.defaultPolicy == "preferred")
        #expect(try asked.configuration.settings.authorities().lists.isEmpty)
        #expect(asked.report.wouldChange.contains { $0.place == .init("main.cf", "smtpd_tls_ask_ccert") })
    }

    @Test func `a service at all addresses becomes a listener at each of them`() throws {
        let all = try listeners(try adopt(try installation(master: "smtp inet n - n - - smtpd\n")))
        #expect(all.keys.sorted() == ["local", "local6", "public-data1", "public-data2", "public-data3"])
        #expect(all["local"]?.type == .private)
        let four = try listeners(try adopt(try installation(main: "inet_protocols = ipv4", master: "25 inet n - n - - smtpd\n")))
        #expect(four.keys.sorted() == ["local", "public-data1", "public-data2"])
        let own = try listeners(try adopt(try installation(main: "inet_interfaces = loopback-only", master: "25 inet n - n - - smtpd\n")))
        #expect(own.keys.sorted() == ["local", "local6"])
        let said = try adopt(try installation(master: "smtp inet n - n - - smtpd\n"), interfaces: ["wan": "192.0.2.1"])
        #expect(try listeners(said).mapValues(\.interface) == ["public": "wan"])
        #expect(said.report.wouldChange.contains { $0.becomes.hasPrefix("listens at 192.0.2.1 only") })
        let named = try adopt(try installation(main: "inet_interfaces = $myhostname, localhost", master: "25 inet n - n - - smtpd\n"))
        #expect(named.report.problems.map(\.cure) == ["Say which addresses are meant: --interface NAME=ADDRESS"])
    }

    @Test func `other services stay, and what a service was told goes on with its listener`() throws {
        let master = """
            192.0.2.1:25 inet n - n - 20 smtpd -o content_filter=scan:[127.0.0.1]:10024 -o smtpd_client_restrictions=reject
            submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
            127.0.0.1:10025 inet n - n - - smtpd
            smtp unix - - n - - smtp -o smtp_tls_security_level=none
            """
        let report = try served("smtpd_tls_security_level = may\nrelayhost = secret.example", master: master).report
        #expect(
            report.leftAlone.map(\.place.description) == [
                "main.cf: relayhost", "master.cf: 192.0.2.1:25 inet: content_filter", "master.cf: submission inet smtpd",
                "master.cf: 127.0.0.1:10025 inet smtpd", "master.cf",
            ])
        let changed = report.wouldChange.map(\.place.description)
        #expect(changed.contains("master.cf: 192.0.2.1:25 inet: smtpd_client_restrictions"))
        #expect(changed.contains("master.cf: smtp unix: smtp_tls_security_level"))
        #expect(!String(decoding: try JSONEncoder().encode(report), as: UTF8.self).contains("secret.example"))
    }

    @Test func `whatever gives way to Muster and became no setting is named, whether anybody thought of it or not`() throws {
        let main = """
            smtpd_tls_security_level = may
            smtp_tls_exclude_ciphers = aNULL
            smtp_tls_note_starttls_offer = no
            service_throttle_time = 60s
            smtpd_delay_reject = no
            smtpd_client_restrictions = permit_mynetworks
            tls_server_sni_maps = hash:/sni
            """
        let report = try served(main).report
        let changed = report.wouldChange.filter { $0.place.file == "main.cf" }.map { "\($0.place.parameter ?? ""): \($0.becomes)" }
        #expect(
            changed == [
                "smtp_tls_exclude_ciphers: not set", "smtp_tls_note_starttls_offer: yes", "service_throttle_time: 1s",
                "smtpd_delay_reject: yes, at Muster's listeners",
                "tls_server_sni_maps: no certificate by name at Muster's listeners, until one is given (serverNames; muster listener set --server-name)",
            ])
        #expect(report.leftAlone.compactMap(\.place.parameter) == ["smtpd_client_restrictions"])
    }

    @Test(arguments: [
        (">=TLSv1.2", "tls1.2 to tls1.3"), ("!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", "tls1.2 to tls1.3"), ("TLSv1.2", "tls1.2 to tls1.2"),
        (">=TLSv1.1:<=TLSv1.2", "tls1.1 to tls1.2"), ("", "tls1.0 to tls1.3"), ("!SSLv2", "tls1.0 to tls1.3"),
        (">=0303", "tls1.2 to tls1.3"),
        ("TLSv1 TLSv1.3", nil), ("TLSv9", nil), ("<=SSLv3", nil), ("!TLSv1,!TLSv1.1,!TLSv1.2,!TLSv1.3", nil),
    ])
    func `versions of TLS become a profile, and what is no range is named`(_ protocols: String, _ versions: String?) throws {
        let adoption = try served("smtpd_tls_security_level = may\nsmtpd_tls_protocols = \(protocols)")
        let profile = try adoption.configuration.settings.tlsProfile(nil, for: .inbound)
        #expect("\(profile.minimumVersion.rawValue) to \(profile.maximumVersion.rawValue)" == versions ?? "tls1.2 to tls1.3")
        #expect(adoption.report.wouldChange.contains { $0.place.parameter == "smtpd_tls_protocols" } == (versions == nil))
    }

    // MARK: - Certificates

    @Test func `of two certificates the one with an RSA key is kept, and the other named`() throws {
        let curve = try Issuer.selfSigned("mx1.example.com")
        var request = SelfSignedRequest(commonName: "mx1.example.com")
        request.key = .rsa2048
        let rsa = try makeSelfSigned(request, now: AdoptionTests.now)
        let both = try adopt(
            try installation(
                main: "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = /both.pem",
                files: ["/both.pem": curve.key + curve.chain + rsa.key.pem + rsa.chain.pem]))
        let listener = try #require(try listeners(both)["public"]?.certificate)
        let kept = try both.configuration.settings.value(CertificateSetting.self, .certificates, listener)
        #expect(kept?.leaf?.fingerprint == rsa.chain.facts.first?.fingerprint)
        #expect(both.report.wouldChange.contains { $0.becomes.hasPrefix("only that with a key of rsa") })
        #expect(both.report.problems.isEmpty)
    }

    /// A certificate that cannot be had is in the way; and whatever is wrong with a key, it is not shown.
    @Test(arguments: ["missing", "other", "encrypted", "none"])
    func `a certificate that cannot be served is in the way, and no key is in the words`(_ fault: String) throws {
        let (mail, other) = (try Issuer.selfSigned("mx1.example.com"), try Issuer.selfSigned("mx1.example.com"))
        let keys = [
            "other": other.key, "encrypted": mail.key.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY"), "none": "no key at all",
        ]
        var facts = try installation(
            main: "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /mail.crt\nsmtpd_tls_key_file = /mail.key",
            files: ["/mail.crt": mail.chain])
        facts.files["/mail.key"] = keys[fault].map { .text($0) } ?? .unreadable("there is no such file")
        let report = try adopt(facts).report
        #expect(report.problems.count == 1)
        #expect(report.problems[0].problem.contains("/mail.key"))
        let words = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        for key in [mail.key, other.key] {
            for line in key.split(separator: "\n") where !line.hasPrefix("-") { #expect(!words.contains(line)) }
        }
    }

    @Test func `TLS that is demanded without a certificate is in the way`() throws {
        let report = try adopt(try installation(main: "smtpd_tls_security_level = encrypt")).report
        #expect(report.problems.map(\.place) == [.init("main.cf", "smtpd_tls_security_level")])
    }

    // MARK: - Destinations

    @Test(
        arguments: [
            ("none", .none, nil, nil), ("may", .preferred, nil, nil), ("encrypt", .required, nil, nil),
            ("verify", .requiredVerify, .host, nil), ("secure match=nexthop", .requiredVerify, .domain, nil),
            ("secure match=nexthop:hostname", .requiredVerify, .host, nil),
            ("secure", .requiredVerify, .domain, "match=nexthop, dot-nexthop"),
            ("secure match=mx.provider.example", .requiredVerify, .domain, "match=mx.provider.example"), ("dane", .preferred, nil, "dane"),
            ("dane-only", .requiredVerify, .domain, "dane-only"), ("fingerprint match=AA:BB", .requiredVerify, .domain, "fingerprint"),
            ("encrypt protocols=>=TLSv1.3", .required, nil, "protocols=>=TLSv1.3"),
        ] as [(String, DestinationSetting.TLS, DestinationSetting.NameCheck?, String?)])
    func `a policy of the table becomes a destination, and what it cannot say is named`(
        _ policy: String, _ tls: DestinationSetting.TLS, _ check: DestinationSetting.NameCheck?, _ lost: String?
    ) throws {
        var facts = try installation(main: "smtp_tls_security_level = encrypt\nsmtp_tls_policy_maps = hash:/tls")
        facts.tables["hash:/tls"] = .lines([.init("Bank.example", policy), .init("bank.example", "none")])
        let adoption = try adopt(facts)
        let destination = try adoption.configuration.settings.value(DestinationSetting.self, .destinations, "bank.example")
        #expect(destination?.tls == tls)
        if let check { #expect(destination?.nameCheck == check) }
        #expect(adoption.report.wouldChange.first { $0.place == .init("/tls", "Bank.example") }?.now == lost)
    }

    @Test func `what is no domain, and tables that cannot be listed or read, are named`() throws {
        var facts = try installation(
            main: "smtp_tls_security_level = may\nsmtp_tls_policy_maps = pcre:/deep, proxy:hash:/tls, lmdb:/gone, texthash:/huge")
        facts.tables = [
            "hash:/tls": .lines(["[mx.example]:25", "default", "192.0.2.1", ".below.example"].map { .init($0, "encrypt") }),
            "lmdb:/gone": .unreadable("open database /gone.lmdb: No such file or directory"),
            "texthash:/huge": .lines((0...Limits.entries).map { .init("d\($0).example", "none") }),
        ]
        let adoption = try adopt(facts)
        #expect(
            try adoption.configuration.settings.values(DestinationSetting.self, in: .destinations).map(\.name) == [
                ".below.example", "default",
            ])
        let changed = adoption.report.wouldChange.map(\.place.description)
        #expect(changed == ["main.cf: smtp_tls_policy_maps", "/tls: [mx.example]:25", "/tls: default", "/tls: 192.0.2.1"])
        #expect(adoption.report.problems.map(\.problem).map { $0.prefix(19) } == ["lmdb:/gone: open da", "with texthash:/huge"])
    }

    // MARK: - Delivery

    @Test func `an address that mail leaves by is an interface, and the certificate shown is delivery's`() throws {
        let certificate = try Issuer.selfSigned("out.example.com")
        let main = """
            smtp_bind_address = 198.51.100.1
            smtp_helo_name = out.example.com
            smtp_tls_cert_file = /out.pem
            smtp_tls_key_file = /out.pem
            """
        let adoption = try adopt(try installation(main: main, files: ["/out.pem": certificate.chain + certificate.key]))
        let settings = adoption.configuration.settings
        let delivery = try settings.value(DeliverySetting.self, .delivery, EntryNaming.onlyEntry)
        #expect(delivery?.certificate == "delivery" && delivery?.interface == "data2")
        #expect(
            try settings.value(InterfaceSetting.self, .interfaces, "data2")
                == InterfaceSetting(hostname: "out.example.com", address: "198.51.100.1"))
        #expect(adoption.report.problems.isEmpty)
        #expect(adoption.configuration.keys.count == 1)
    }

    @Test func `a host name that is none, said or read, is refused`() throws {
        #expect(throws: Refusal(.invalid, "")) { try adopt(try installation(), hostname: "not a name") }
        #expect(throws: Refusal(.invalid, "")) { try adopt(try installation(), interfaces: ["a": "192.0.2.999"]) }
        #expect(try adopt(try installation(main: "myhostname = a_b")).report.problems.map(\.cure) == ["Say it: --hostname H"])
        let said = try adopt(try installation(main: "myhostname = a_b"), hostname: "MX1.example.com")
        #expect(said.report.problems.isEmpty)
        #expect(said.configuration.settings[.system, EntryNaming.onlyEntry]?.value["hostname"] == "mx1.example.com")
    }
}

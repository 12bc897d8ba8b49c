import ClusterModel
import Testing

/// An entry as somebody writes it, and the one form in which it is kept.
struct Written: Sendable, CustomTestStringConvertible {
    var section: Section
    var text: String
    var normal: String

    var testDescription: String { "\(section.name) \(text)" }
}

@Suite("Every section keeps its entries in one form, and refuses the rest with place and cure")
struct SectionTests {
    @Test(arguments: [
        Written(section: .system, text: #"{"hostname":"MX1.Example.com"}"#, normal: #"{"hostname":"mx1.example.com"}"#),
        Written(
            section: .interfaces,
            text:
                #"{"hostname":"MX1.example.com","address":"2001:DB8:0::1","https":{"port":443,"certificate":"web","tlsProfile":"strict"}}"#,
            normal: #"{"address":"2001:db8::1","hostname":"mx1.example.com","https":{"certificate":"web","tlsProfile":"strict"}}"#),
        Written(
            section: .listeners,
            text:
                #"{"type":"public","interface":"data1","tlsProfile":"old","senderGroups":[{"name":"A","senders":[".Partner.Example","192.0.2.1/32","2001:db8:0::/32"],"policy":"p"}]}"#,
            normal:
                #"{"interface":"data1","senderGroups":[{"name":"A","policy":"p","senders":[".partner.example","192.0.2.1","2001:db8::/32"]}],"tlsProfile":"old"}"#
        ),
        Written(
            section: .listeners,
            text: #"{"interface":"data1","certificate":"a","serverNames":[{"name":"MX.Brand.example","certificate":"b"}]}"#,
            normal: #"{"certificate":"a","interface":"data1","serverNames":[{"certificate":"b","name":"mx.brand.example"}]}"#),
        Written(
            section: .mailFlowPolicies,
            text:
                #"{"tls":"preferred","verifyClientCertificate":false,"tlsMandatorySenders":["Bank.Example","@esa.example","Boss@Example.COM","root@"]}"#,
            normal: #"{"tls":"preferred","tlsMandatorySenders":["bank.example","esa.example","Boss@example.com","root@"]}"#),
        Written(section: .mailFlowPolicies, text: #"{"tls":"off"}"#, normal: "{}"),
        Written(section: .destinations, text: #"{"tls":"required","nameCheck":"host"}"#, normal: #"{"tls":"required"}"#),
        Written(
            section: .delivery, text: #"{"alertOnRequiredTLSFailure":false,"tlsProfile":"strict"}"#, normal: #"{"tlsProfile":"strict"}"#),
        Written(section: .ldap, text: #"{"verifyServerCertificate":true,"certificate":"mail"}"#, normal: #"{"certificate":"mail"}"#),
        Written(section: .ldap, text: #"{"verifyServerCertificate":false}"#, normal: #"{"verifyServerCertificate":false}"#),
        Written(section: .webSecurity, text: #"{"urlFiltering":false}"#, normal: "{}"),
        Written(
            section: .webSecurity, text: #"{"urlFiltering":true,"certificate":"url"}"#,
            normal: #"{"certificate":"url","urlFiltering":true}"#),
        Written(section: .services, text: #"{"host":"DLP.example.com","port":443}"#, normal: #"{"host":"dlp.example.com"}"#),
        Written(section: .services, text: #"{"host":"2001:DB8::0:1","port":8443}"#, normal: #"{"host":"2001:db8::1","port":8443}"#),
        Written(
            section: .alerts,
            text:
                #"{"sender":"Muster@Example.com","relay":{"host":"Relay.example.com","port":25,"tls":"preferred"},"recipients":[{"address":"ops@Example.com","classes":["security","cluster","system","certificates"],"severity":"info"}]}"#,
            normal:
                #"{"recipients":[{"address":"ops@example.com"}],"relay":{"host":"relay.example.com"},"sender":"Muster@example.com"}"#),
        Written(
            section: .alerts, text: #"{"recipients":[{"address":"a@b.example","classes":["system","certificates"],"severity":"warning"}]}"#,
            normal: #"{"recipients":[{"address":"a@b.example","classes":["system","certificates"],"severity":"warning"}]}"#),
        Written(section: .alerts, text: #"{"recipients":[]}"#, normal: "{}"),
        Written(
            section: .tlsProfiles, text: #"{"minimumVersion":"tls1.2","maximumVersion":"tls1.3","cipherSuites":[]}"#, normal: "{}"),
        Written(
            section: .tlsProfiles,
            text: #"{"minimumVersion":"tls1.0","ciphers":"ECDHE+AESGCM:!aNULL","cipherSuites":["TLS_AES_256_GCM_SHA384"]}"#,
            normal: #"{"cipherSuites":["TLS_AES_256_GCM_SHA384"],"ciphers":"ECDHE+AESGCM:!aNULL","minimumVersion":"tls1.0"}"#),
    ])
    func `what means the same is kept in one form, standard values left out`(_ written: Written) throws {
        let value = try JSONValue(parsing: written.text.utf8)
        let normal = try written.section.normalize(value, SettingPath(written.section.name.rawValue, "x"))
        #expect(normal.canonicalText == written.normal)
        #expect(try written.section.normalize(normal, SettingPath()) == normal)
    }

    @Test(arguments: [
        (
            Section.interfaces, #"{"hostname":"a.example","address":"192.0.2.1","https":{"port":65536,"certificate":"c"}}"#,
            "x.https.port: 65536 is out of range; expected a number from 1 to 65535"
        ),
        (
            .interfaces, #"{"hostname":"a.example","address":"192.0.2.1","https":{"port":443}}"#,
            #"x.https: the field "certificate" is missing"#
        ),
        (.interfaces, #"{"hostname":"mа.example","address":"192.0.2.1"}"#, "it has the character U+0430, which is not ASCII"),
        (.listeners, #"{"interface":"data1","port":0}"#, "x.port: 0 is out of range"),
        (
            .listeners, #"{"interface":"data1","serverNames":[{"name":"a.example","certificate":"b"}]}"#,
            "x.serverNames: there is no certificate for clients that ask for none of these names"
        ),
        (
            .listeners,
            #"{"interface":"data1","certificate":"a","serverNames":[{"name":"a.example","certificate":"b"},{"name":"A.example","certificate":"c"}]}"#,
            #"x.serverNames[1]: the name "a.example" is there twice"#
        ),
        (
            .listeners, #"{"interface":"data1","certificate":"a","serverNames":[{"name":"*.example","certificate":"b"}]}"#,
            "x.serverNames[0].name"
        ),
        (
            .listeners, #"{"interface":"data1","prot":25}"#,
            #"x.prot: there is no field "prot" here (did you mean "port"?); expected one of"#
        ),
        (
            .listeners, #"{"interface":"data1","senderGroups":[{"name":"A","senders":["192.0.2.77/24"],"policy":"p"}]}"#,
            #"x.senderGroups[0].senders[0]: "192.0.2.77/24" is an address within a network; expected 192.0.2.0/24, if the network is meant"#
        ),
        (
            .listeners, #"{"interface":"data1","senderGroups":[{"name":"A","senders":["2001:db8::1/32"],"policy":"p"}]}"#,
            "expected 2001:db8::/32, if"
        ),
        (
            .listeners, #"{"interface":"data1","senderGroups":[{"name":"A","senders":["192.0.2.0/33"],"policy":"p"}]}"#,
            #""192.0.2.0/33" does not fit"#
        ),
        (
            .listeners, #"{"interface":"data1","senderGroups":[{"name":"A","senders":["*.example"],"policy":"p"}]}"#,
            "a domain such as .example.com"
        ),
        (
            .mailFlowPolicies, #"{"tls":"required","tlsMandatorySenders":["a.example"]}"#,
            "x.tlsMandatorySenders: some senders must use TLS, and tls is required for all; expected tls preferred, or no such list"
        ),
        (.mailFlowPolicies, #"{"tlsMandatorySenders":["a.example"]}"#, "and tls is off for all"),
        (.mailFlowPolicies, #"{"tls":"preferred","tlsMandatorySenders":["a b"]}"#, #"x.tlsMandatorySenders[0]: "a b" does not fit"#),
        (.mailFlowPolicies, #"{"verifyClientCertificate":true}"#, "x.verifyClientCertificate: certificates are checked, and tls is off"),
        (
            .destinations, #"{"tls":"require"}"#,
            #""require" is none of the choices (did you mean "required"?); expected one of none, preferred"#
        ),
        (.ldap, #"{"certificate":"a b"}"#, #"x.certificate: "a b" does not fit"#),
        (.ldap, #"{"verifyServerCertificate":"yes"}"#, "x.verifyServerCertificate: here is a text; expected true or false"),
        (.webSecurity, #"{"urlFiltering":"on"}"#, "x.urlFiltering: here is a text; expected true or false"),
        (.services, #"{"port":443}"#, #"the field "host" is missing"#),
        (.services, #"{"host":"https://dlp.example.com"}"#, "expected a host name such as ldap.example.com, or an address"),
        (.alerts, #"{"sender":"nobody"}"#, "x.sender: \"nobody\" does not fit; expected a mail address such as postmaster@example.com"),
        (.alerts, #"{"recipients":[{"address":"a@b.example"},{"address":"a@B.example"}]}"#, "x.recipients[1]: a@b.example is there twice"),
        (.alerts, #"{"recipients":[{"address":"a@b.example","classes":["sytem"]}]}"#, #"(did you mean "system"?)"#),
        (.alerts, #"{"recipients":[{"address":"a@b.example","classes":[]}]}"#, "classes: this list is empty"),
        (.alerts, #"{"recipients":[{"address":"a@b.example","classes":["system","system"]}]}"#, #"classes[1]: "system" is there twice"#),
        (.alerts, #"{"recipients":[{"address":"a@b.example","severity":"loud"}]}"#, "expected one of info, warning, critical"),
        (.alerts, #"{"relay":{"host":"r.example","port":100000}}"#, "x.relay.port: 100000 is out of range"),
        (
            .alerts, #"{"relay":{"host":"r.example","tls":"preferred-verify"}}"#,
            "expected one of none, preferred, required, required-verify"
        ),
        (
            .tlsProfiles, #"{"minimumVersion":"tls1.3","maximumVersion":"tls1.2"}"#,
            "x.minimumVersion: tls1.3 is newer than maximumVersion, which is tls1.2"
        ),
        (.tlsProfiles, #"{"minimumVersion":"ssl3"}"#, "expected one of tls1.0, tls1.1, tls1.2, tls1.3"),
        (.tlsProfiles, #"{"ciphers":""}"#, "expected a list of ciphers as OpenSSL writes it"),
        (.tlsProfiles, #"{"ciphers":" : "}"#, "expected a list of ciphers as OpenSSL writes it"),
        (.tlsProfiles, #"{"ciphers":"AES;rm"}"#, #""AES;rm" does not fit"#),
        (.tlsProfiles, #"{"ciphers":"AES+"}"#, #""AES+" does not fit"#),
        (.tlsProfiles, #"{"cipherSuites":["TLS_AES_256_GCM_SHA38"]}"#, #"(did you mean "TLS_AES_256_GCM_SHA384"?)"#),
        (.tlsProfiles, #"{"cipherSuites":["TLS_AES_256_GCM_SHA384","TLS_AES_256_GCM_SHA384"]}"#, "cipherSuites[1]"),
    ])
    func `a value that does not fit is refused with place, problem and cure`(_ section: Section, _ text: String, _ words: String) throws {
        let value = try JSONValue(parsing: text.utf8)
        let error = #expect(throws: SettingError.self) { _ = try section.normalize(value, SettingPath("x")) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.expected.isEmpty == false)
    }

    @Test(arguments: [
        (Section.listeners, "mаil", "it has the character U+0430"), (.destinations, "bücher.example", "it has the character U+00FC"),
        (.destinations, "a..b", "is not a domain name"), (.destinations, "192.0.2.1", "is not a domain name"),
        (.services, "malware-analyses", #"(did you mean "malware-analysis"?) is not one of dlp-enterprise-manager, malware-analysis"#),
        (.ldap, "main", #"it is called "settings""#), (.alerts, "main", #"it is called "settings""#),
        (.webSecurity, "x", #"it is called "settings""#), (.tlsProfiles, "a/b", "beginning with a letter or digit"),
    ])
    func `a name that breaks the rule is refused`(_ section: Section, _ name: String, _ words: String) {
        let error = #expect(throws: Refusal(.invalid, "")) { try section.check(entry: name, at: .cluster) }
        #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "")")
    }

    @Test func `a domain has one name, however it is written`() {
        #expect(Section.destinations.normalName(of: "Bank.Example") == "bank.example")
        #expect(Section.listeners.normalName(of: "Public") == "Public")
    }

    @Test(arguments: [
        ("ECDHE+AESGCM:!aNULL:!eNULL", []), ("HIGH:!aNULL", []), ("ALL", ["without authentication"]), ("ALL:!aNULL", []),
        ("NULL-SHA256", ["without encryption"]), ("ECDHE-RSA-NULL-SHA:!eNULL", []),
        ("aNULL:eNULL", ["without encryption", "without authentication"]),
        ("ADH-AES256-SHA", ["without authentication"]), ("EXP-RC4-MD5", ["made weak for export", "broken long ago"]),
        ("HIGH:RC4", ["broken long ago"]), ("HIGH:RC4:!RC4", []), ("-NULL:HIGH", []),
    ])
    func `ciphers that protect nothing are pointed out, unless the list takes them away`(_ list: String, _ words: [String]) throws {
        let found = try #require(CipherList(list)).weaknesses
        #expect(found.count == words.count, "\(found)")
        for (text, word) in zip(found, words) { #expect(text.contains(word)) }
    }

    @Test func `a profile says what is old or idle in it`() throws {
        let profile: JSONValue = ["minimumVersion": "tls1.1", "maximumVersion": "tls1.2", "cipherSuites": ["TLS_AES_128_GCM_SHA256"]]
        #expect(Section.tlsProfiles.remarks(profile).map { $0.prefix(6) } == ["tls1.1", "cipher"])
        #expect(Section.tlsProfiles.remarks(["minimumVersion": "tls1.3", "ciphers": "HIGH:!aNULL"]).count == 1)
        #expect(Section.tlsProfiles.remarks([:]).isEmpty)
    }

    @Test func `a sender whom an earlier group takes never matches, and that is said`() throws {
        var listener = ListenerSetting()
        listener.interface = "data1"
        listener.senderGroups = [
            SenderGroup(name: "ONE", senders: ["192.0.2.0/24", ".partner.example", "mail.example", "2001:db8::/32"], policy: "p"),
            SenderGroup(
                name: "TWO",
                senders: [
                    "192.0.2.0/24", "192.0.2.7", "192.0.0.0/16", "mx.partner.example", ".eu.partner.example", "partner.example",
                    "mail.example", "mail.example.org", "2001:db8:1::/48", "198.51.100.1", "198.51.100.1",
                ], policy: "p"), SenderGroup(name: "REST", senders: ["ALL"], policy: "p"),
            SenderGroup(name: "LATE", senders: ["203.0.113.9"], policy: "p"), SenderGroup(name: "NONE", senders: [], policy: "p"),
        ]
        #expect(
            Section.listeners.remarks(listener.json) == [
                "senderGroups[1].senders[0]: 192.0.2.0/24 in the group TWO never matches: the group ONE before it has it",
                "senderGroups[1].senders[1]: 192.0.2.7 in the group TWO never matches: the group ONE before it has 192.0.2.0/24",
                "senderGroups[1].senders[3]: mx.partner.example in the group TWO never matches: the group ONE before it has .partner.example",
                "senderGroups[1].senders[4]: .eu.partner.example in the group TWO never matches: the group ONE before it has .partner.example",
                "senderGroups[1].senders[6]: mail.example in the group TWO never matches: the group ONE before it has it",
                "senderGroups[1].senders[8]: 2001:db8:1::/48 in the group TWO never matches: the group ONE before it has 2001:db8::/32",
                "senderGroups[1].senders[10]: 198.51.100.1 is in the group TWO twice",
                "senderGroups[3].senders[0]: 203.0.113.9 in the group LATE never matches: the group REST before it has ALL",
                "the sender group NONE has no senders, so it never matches",
            ])
        // What the remarks say is what the listener does.
        for (address, host) in [("192.0.2.7", nil), ("198.51.100.9", "mx.partner.example"), ("203.0.113.9", nil)] as [(String, String?)] {
            let peer = try #require(IPAddress(address))
            let group = listener.senderGroups.first { group in
                group.senders.contains { SenderPattern($0)?.matches(address: peer, hostName: host) == true }
            }
            #expect(group?.name == (address == "203.0.113.9" ? "REST" : "ONE"))
        }
    }

    @Test func `somebody is told of what they asked for, from the severity on that they asked for`() {
        let recipient = AlertRecipient(address: "a@b.example", classes: [.system], severity: .warning)
        #expect(recipient.wants(.system, .warning))
        #expect(recipient.wants(.system, .critical))
        #expect(!recipient.wants(.system, .info))
        #expect(!recipient.wants(.cluster, .critical))
    }

    @Test(arguments: ["a@b", "a.b+c@example.com", "o'hara@xn--bcher-kva.example"])
    func `a mail address is one`(_ text: String) { #expect(MailAddress(text)?.description == text) }

    @Test(arguments: [
        "", "@", "a@", "@b", "a b@c.example", "a..b@c.example", ".a@c.example", "a@b@c", "a@-b.example", "ä@b.example", "a@b\n",
    ])
    func `what is no mail address is none`(_ text: String) { #expect(MailAddress(text) == nil) }
}

@Suite("A section is one file and one line")
struct GreetingSectionTests {
    @Test func `the example of the guide is a whole section`() throws {
        let section = Section.greetings
        #expect(section.name == .greetings)
        #expect(try section.normalize(["text": "hello"], SettingPath()) == ["text": "hello"])
        let error = #expect(throws: SettingError.self) { try section.normalize(["txt": "hello"], SettingPath("greetings")) }
        #expect(error?.description.contains(#"(did you mean "text"?)"#) == true)
        #expect(section.schema["required"] == ["text"])
        try section.check(entry: EntryNaming.onlyEntry, at: .group)
        #expect(throws: Refusal(.invalid, "")) { try section.check(entry: "other", at: .group) }
    }
}

@Suite("Sections hold together in what a machine gets")
struct SectionsTogetherTests {
    @Test func `a profile is the named one, else that of the direction, else TLS 1_2 and up`() throws {
        let story = try Story()
        let none = try story.state.configuration(of: story.state.machine("mx1"))
        #expect(try none.tlsProfile(nil, for: .inbound) == TLSProfileSetting())
        #expect(try none.tlsProfile(nil, for: .inbound).minimumVersion == .tls12)
        let state = try story.state.applying([
            story.set(.tlsProfiles, "inbound", ["minimumVersion": "tls1.3"]), story.set(.tlsProfiles, "old", ["minimumVersion": "tls1.0"]),
        ])
        let some = try state.configuration(of: state.machine("mx1"))
        #expect(try some.tlsProfile(nil, for: .inbound).minimumVersion == .tls13)
        #expect(try some.tlsProfile(nil, for: .https).minimumVersion == .tls12)
        #expect(try some.tlsProfile("old", for: .inbound).minimumVersion == .tls10)
    }

    @Test(
        arguments: [
            (
                SectionName.listeners, "public", ["interface": "data1", "tlsProfile": "strict"],
                "tlsProfile names tlsProfiles/strict"
            ),
            (.delivery, "settings", ["tlsProfile": "strict"], "tlsProfile names tlsProfiles/strict"),
            (
                .interfaces, "data2",
                ["hostname": "a.example", "address": "127.0.0.12", "https": ["certificate": "web", "tlsProfile": "strict"]],
                "https.tlsProfile names tlsProfiles/strict"
            ),
            (.ldap, "settings", ["certificate": "own"], "certificate names certificates/own"),
            (
                .listeners, "b",
                ["interface": "data1", "certificate": "web", "serverNames": [["name": "a.example", "certificate": "own"]]],
                "serverNames[0].certificate names certificates/own"
            ),
            (.ldap, "settings", ["interface": "data9"], "interface names interfaces/data9"),
            (.webSecurity, "settings", ["certificate": "own"], "certificate names certificates/own"),
            (.services, "malware-analysis", ["host": "a.example", "certificate": "own"], "certificate names certificates/own"),
        ] as [(SectionName, String, JSONValue, String)])
    func `a name that a machine has at no level is an error`(_ section: SectionName, _ entry: String, _ value: JSONValue, _ words: String)
        throws
    {
        let story = try Story()
        let state = try story.state.applying([
            story.set(.certificates, "web", certificate("web")), story.set(section, entry, value, at: .machine(story.mx1)),
        ])
        let errors = state.findings().filter { $0.finding.severity == .error }
        #expect(errors.map(\.finding.entry) == ["\(section)/\(entry)"])
        #expect(errors.first?.finding.text.contains(words) == true, "\(errors)")
    }

    @Test func `a certificate of a server name is used, travels, and is to cover that name and not the interface's`() throws {
        let story = try Story()
        let state = try story.state.applying([
            story.set(.certificates, "mail", certificate("mail")), story.set(.certificates, "brand", certificate("brand")),
            story.set(.mailFlowPolicies, "open", ["tls": "preferred"]),
            story.set(
                .listeners, "public",
                [
                    "interface": "data1", "certificate": "mail", "defaultPolicy": "open",
                    "serverNames": [["name": "mx.brand.example", "certificate": "brand"]],
                ]),
        ])
        let configuration = try state.configuration(of: state.machine("mx1"))
        let services = try configuration.intendedServices()
        #expect(services.map(\.service) == ["listener/public", "listener/public/mx.brand.example"])
        #expect(services.map(\.certificate) == ["mail", "brand"])
        #expect(services[1].probe == .startTLS(address: "127.0.0.11", port: 25, serverName: "mx.brand.example"))
        #expect(services[1].entries == [EntryName(.listeners, "public"), EntryName(.certificates, "brand")])
        #expect(try configuration.materialNeeded().keys.count == 2)
        let index = CertificateIndex(state)
        #expect(index.uses(of: "brand", at: .cluster).map(\.service) == ["listener/public"])
        #expect(index.hosts(of: "brand", at: .cluster) == ["mx.brand.example"])
        #expect(index.hosts(of: "mail", at: .cluster) == ["mx1.example.com"])
        let many = try state.applying(
            (0..<6).map { listener in
                let names = (0..<Limits.serverNames).map { JSONValue.object(["name": .string("n\($0).example"), "certificate": "brand"]) }
                return story.set(
                    .listeners, "l\(listener)",
                    ["interface": "data1", "port": .integer(2000 + Int64(listener)), "certificate": "mail", "serverNames": .array(names)])
            })
        let errors = many.findings().map(\.finding).filter { $0.severity == .error }
        #expect(errors.count == 1 && errors[0].text.hasPrefix("the machine has 608 services with certificates"))
        // An agent of before is not given it, and the lack has a name.
        var agent = AgentKnowledge.ours(agent: "old")
        agent.sections[.listeners] = 1
        #expect(configuration.lacks(of: agent).map(\.text) == ["the field serverNames of listeners"])
    }

    @Test func `clients have no server side: their certificates travel, and why they are not proved is said`() throws {
        let story = try Story()
        let names = ["ldap", "url", "dlp", "malware", "out"]
        let state = try story.state.applying(
            names.map { story.set(.certificates, $0, certificate($0)) } + [
                story.set(.ldap, "settings", ["certificate": "ldap"]),
                story.set(.webSecurity, "settings", ["certificate": "url", "urlFiltering": true]),
                story.set(.services, "dlp-enterprise-manager", ["host": "dlp.example.com", "certificate": "dlp"]),
                story.set(.services, "malware-analysis", ["host": "192.0.2.9", "certificate": "malware"]),
                story.set(.delivery, "settings", ["certificate": "out"]),
            ])
        let configuration = try state.configuration(of: state.machine("mx1"))
        let services = try configuration.intendedServices()
        #expect(
            services.map(\.service) == ["delivery", "ldap", "web-security", "service/dlp-enterprise-manager", "service/malware-analysis"])
        #expect(services.map(\.certificate) == ["out", "ldap", "url", "dlp", "malware"])
        for service in services {
            guard case .none(let reason) = service.probe else {
                Issue.record("\(service.service) is probed")
                continue
            }
            #expect(reason.contains("nothing here to connect to"))
        }
        #expect(try configuration.materialNeeded().keys == Set(names.map { Digest(hashing: Array("key \($0)".utf8)) }))
        let report = try LossReport.removing(state.machine("mx1"), configuration: configuration)
        #expect(Set(report.keysLeftBehind.map(\.name)) == Set(names))
        #expect(report.keysLeftBehind.first { $0.name == "url" }?.services == ["web-security"])
        #expect(LossReport.joining(configuration).certificates.first { $0.name == "dlp" }?.services == ["service/dlp-enterprise-manager"])
    }

    @Test func `what is worth saying about a shared entry is said for every machine that has it`() throws {
        var story = try Story()
        try story.join("mx2", as: MembershipID(rawValue: "m2"), invitation: "i2")
        let state = try story.state.applying([story.set(.tlsProfiles, "old", ["minimumVersion": "tls1.0"])])
        #expect(state.findings().map(\.machine) == ["mx1", "mx2"])
        #expect(state.findings().allSatisfy { $0.finding.severity == .notice && $0.finding.entry == "tlsProfiles/old" })
    }

    @Test func `of a thousand remarks ten are listed and the rest counted`() throws {
        let story = try Story()
        let senders = (0..<500).map { JSONValue.string("192.0.2.\($0 % 250)") }
        let value: JSONValue = [
            "interface": "data1",
            "senderGroups": [["name": "A", "senders": ["ALL"], "policy": "p"], ["name": "B", "senders": .array(senders), "policy": "p"]],
        ]
        let state = try story.state.applying([story.set(.listeners, "public", value), story.set(.mailFlowPolicies, "p", [:])])
        let texts = state.findings().map(\.finding.text)
        #expect(texts.count == Limits.remarks + 1)
        #expect(texts.contains("and 490 more of this kind"))
    }
}

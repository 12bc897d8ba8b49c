import ClusterModel
import Testing

@Suite("Settings are read strictly and written in one form")
struct SettingTests {
    @Test(arguments: [
        (Section.listeners, #"{"interface":"data1","port":70000}"#, "port: 70000 is out of range"),
        (.listeners, #"{"interface":"data1","colour":1}"#, #"colour: there is no field "colour" here"#),
        (.listeners, #"{"port":25}"#, #"the field "interface" is missing"#),
        (.listeners, #"{"interface":"data1","port":"25"}"#, "port: here is a text"),
        (.listeners, #"{"interface":"data1","senderGroups":[{"name":"A","senders":["192.0.2.1/24"],"policy":"p"}]}"#, "senders[0]"),
        (
            .listeners,
            #"{"interface":"d","senderGroups":[{"name":"A","senders":[],"policy":"p"},{"name":"A","senders":[],"policy":"p"}]}"#,
            "is there twice"
        ),
        (.destinations, #"{"tls":"sometimes"}"#, #""sometimes" is none of the choices"#),
        (.interfaces, #"{"hostname":"mx1.example.com","address":"127.0.0.256"}"#, "address"),
        (.system, #"{"hostname":"-bad-"}"#, "hostname"),
        (.system, "[]", "here is a list"),
    ])
    func `what does not fit is refused with its place`(_ section: Section, _ text: String, _ expected: String) throws {
        let value = try JSONValue(parsing: text.utf8)
        let error = #expect(throws: SettingError.self) { _ = try section.normalize(value, SettingPath(section.name.rawValue, "x")) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func `a standard value is not written, so that one meaning has one form`() throws {
        let spelled = try JSONValue(parsing: #"{"interface":"data1","port":25,"type":"public","senderGroups":[]}"#.utf8)
        let normal = try Section.listeners.normalize(spelled, SettingPath())
        #expect(normal == ["interface": "data1"])
    }

    @Test(arguments: [
        (SectionName.interfaces, Level.Kind.cluster, "--machine NAME"), (.system, .group, "--machine NAME"),
    ])
    func `network settings exist on machines only, and the refusal says so`(_ name: SectionName, _ level: Level.Kind, _ option: String)
        throws
    {
        let section = try Section.known(name)
        let error = #expect(throws: Refusal(.wrongLevel, "")) { try section.check(entry: EntryNaming.onlyEntry, at: level) }
        #expect(error?.reason.contains(option) == true)
    }

    @Test(arguments: ["mаil", "", "a b", "-x", String(repeating: "a", count: 64), "x/y", "x\n"])
    func `a name that breaks the rule or only looks right is refused`(_ name: String) {
        #expect(!NameRule.plain.accepts(name))
    }

    @Test(
        arguments: [
            ("192.0.2.0/24", "192.0.2.77", nil, true), ("192.0.2.0/24", "192.0.3.1", nil, false),
            ("2001:db8::/32", "2001:db8:1::5", nil, true),
            ("2001:db8::/32", "192.0.2.1", nil, false), (".partner.example", "192.0.2.1", "mail.Partner.example", true),
            (".partner.example", "192.0.2.1", "partner.example", false), ("mail.example", "192.0.2.1", "mail.example", true),
            ("ALL", "::1", nil, true), ("0.0.0.0/0", "203.0.113.9", nil, true), ("192.0.2.1", "192.0.2.1", nil, true),
        ] as [(String, String, String?, Bool)])
    func `a sender pattern means whom it says`(_ pattern: String, _ address: String, _ host: String?, _ matches: Bool) throws {
        let sender = try #require(SenderPattern(pattern))
        #expect(sender.description == pattern)
        #expect(sender.matches(address: try #require(IPAddress(address)), hostName: host) == matches)
    }

    @Test(arguments: ["192.0.2.1/24", "300.1.1.1", "1.2.3", "..", ".", "a..b", "all/8", "::1/129", "1.2.3.4/", "1.2.3.4/+8", ""])
    func `what is no sender pattern is none`(_ pattern: String) {
        #expect(SenderPattern(pattern) == nil)
    }

    @Test(arguments: ["::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1", "::ffff:102:304"])
    func `an IPv6 address survives its written form`(_ text: String) throws {
        #expect(try #require(IPAddress(text)).description == text)
    }

    @Test(arguments: [":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::1%eth0", "1:2:3:4:5:6:7:", "::+1"])
    func `what is no address is none`(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `every section describes itself`() {
        #expect(Set(Section.all.map(\.name)).count == Section.all.count)
        for section in Section.all {
            #expect(!section.summary.isEmpty)
            #expect(section.schema["properties"]?.members?.isEmpty == false)
        }
    }

    @Test func `the first sender group that matches decides`() throws {
        var listener = ListenerSetting()
        listener.defaultPolicy = "rest"
        listener.senderGroups = [
            SenderGroup(name: "ONE", senders: ["192.0.2.1"], policy: "first"),
            SenderGroup(name: "NET", senders: ["192.0.2.0/24"], policy: "second"),
        ]
        #expect(listener.policyName(address: try #require(IPAddress("192.0.2.1")), hostName: nil) == "first")
        #expect(listener.policyName(address: try #require(IPAddress("192.0.2.2")), hostName: nil) == "second")
        #expect(listener.policyName(address: try #require(IPAddress("198.51.100.1")), hostName: nil) == "rest")
    }
}

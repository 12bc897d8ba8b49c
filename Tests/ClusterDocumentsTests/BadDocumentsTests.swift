import ClusterModel
import Testing

/// A document with one fault, and the error it must get, without the file's name.
struct BadDocument: Sendable, CustomTestStringConvertible {
    var what: String
    var text: String
    var error: String

    init(_ what: String, _ text: String, _ error: String) {
        self.what = what
        self.text = text
        self.error = error
    }

    var testDescription: String { what }

    /// A document whose fault is in one section of the cluster, from line 4 on.
    static func section(_ what: String, _ text: String, _ error: String) -> BadDocument {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
        return BadDocument(what, (["# a", "settings:", "  cluster:"] + lines).joined(separator: "\n"), error)
    }
}

let badTexts = [
    BadDocument("an empty text", "", "1:1: here is nothing; expected a map with cluster, groups and settings"),
    BadDocument("a list", "- a", "1:1: here is a list; expected a map with cluster, groups and settings"),
    BadDocument("two documents", "cluster: a\n---\ncluster: b", "2:1: a second document begins here; expected one in a file"),
    BadDocument(
        "an unclosed list", "groups: [a,\n",
        "2:1: this is not YAML: did not find expected node content while parsing a flow node that begins in line 2"),
    BadDocument(
        "a tab as indentation", "settings:\n\tcluster: {}",
        "2:1: this is not YAML: found character that cannot start any token while scanning for the next token that begins in line 2"),
    BadDocument("a control character", "cluster: a\n\u{1}", "2:1: this is not YAML: control characters are not allowed"),
    BadDocument(
        "an anchor", "cluster: &name demo", "1:10: cluster: anchors are not taken; expected the value itself wherever it is needed"),
    BadDocument(
        "an alias", "cluster: *name",
        "1:10: cluster: aliases are not taken (\"*name\"); expected the value itself, or quotes around a text that begins with '*'"),
    BadDocument(
        "an alias with an accent", "cluster: *\u{301}n",
        "1:10: cluster: aliases are not taken (\"*\u{301}n\"); expected the value itself, or quotes around a text that begins with '*'"),
    BadDocument(
        "an alias as a key", "*name : a",
        "1:1: aliases are not taken (\"*name\"); expected the value itself, or quotes around a text that begins with '*'"),
    BadDocument("an anchor on a key", "&name cluster: a", "1:1: anchors are not taken"),
    BadDocument(
        "a merge key", "settings:\n  cluster:\n    <<: {}",
        "3:5: settings.cluster: merge keys are not taken; expected the fields themselves"),
    BadDocument("a tag", "cluster: !!str demo", "1:10: cluster: tags such as \"tag:yaml.org,2002:str\" are not taken"),
    BadDocument("a tag on a list", "groups: !!set [a]", "1:9: groups: tags such as \"tag:yaml.org,2002:set\" are not taken"),
    BadDocument("a tag on a key", "!!int cluster: demo", "1:1: tags such as \"tag:yaml.org,2002:int\" are not taken"),
    BadDocument("a list as a key", "? [a]\n: b", "1:3: a list or map cannot be a key; expected a text as the key"),
    BadDocument("a value without a key", "?\n: a", "1:2: here is a value without its key"),
    BadDocument("the same key twice", "cluster: a\ngroups: []\ncluster: b", "1:1: the key \"cluster\" is given twice in this map"),
    BadDocument("the same key twice, once in quotes", "cluster: a\n\"cluster\": b", "1:1: the key \"cluster\" is given twice in this map"),
    BadDocument(
        "an unknown field", "clutser: a",
        "1:1: clutser: there is no such field (did you mean \"cluster\"?); expected one of cluster, groups, settings, sealing"),
    BadDocument(
        "a number for the cluster", "cluster: 7",
        "1:10: cluster: here is a number; expected a name of up to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit, in quotes if it looks like a number or a word of YAML"
    ),
    BadDocument("a group twice", "groups: [a, b, a]", "1:16: groups[2]: the group \"a\" is there twice; expected each group once"),
    BadDocument("groups without a list", "groups: eu", "1:9: groups: here is a text; expected a list of group names, such as [eu, us]"),
    BadDocument(
        "a level in the plural", "settings:\n  groups/eu: {}",
        "2:3: settings: \"groups/eu\" is not a level (did you mean \"group/eu\"?); expected cluster, group/NAME or machine/NAME"),
    BadDocument(
        "a level without a name", "settings:\n  machine: {}",
        "2:3: settings: \"machine\" is not a level; expected cluster, group/NAME or machine/NAME"),
    BadDocument(
        "a level with nothing in it", "settings:\n  cluster:", "2:11: settings.cluster: here is nothing; expected a map of sections"),
]

let badSealings = [
    BadDocument(
        "a sealing of another kind", "sealing: { method: rot13 }", "1:20: sealing.method: \"rot13\" is none of the choices; expected one of"
    ),
    BadDocument(
        "a sealing without its salt", "sealing: { method: scrypt-aes-256-gcm }",
        "1:10: sealing: the field \"salt\" is missing; expected one of"),
]

let badSettings = [
    BadDocument.section(
        "an unknown section", "listener: {}",
        "4:5: settings.cluster.listener: there is no such section (did you mean \"listeners\"?); expected one of "),
    .section(
        "a section that only machines have", "interfaces: {}",
        "4:5: settings.cluster.interfaces: interfaces cannot be set at cluster level; expected it under machine/NAME"),
    .section(
        "a section with nothing in it", "destinations:",
        "4:18: settings.cluster.destinations: here is nothing; expected a map of entries by name; {} is the one without any"),
    .section(
        "a domain twice, once in upper case", "destinations:\n  a.example: { tls: none }\n  A.Example: { tls: none }",
        "6:7: settings.cluster.destinations.A.Example: a.example is there twice; expected each name once; upper and lower case are the same"
    ),
    .section(
        "a name with a letter that only looks right", "listeners:\n  m\u{430}il: { interface: a }",
        "5:7: settings.cluster.listeners: \"m\u{430}il\" is no name for an entry of listeners (it has the character U+0430, which is not ASCII); expected a name of up to 63"
    ),
    .section(
        "a service that there is not", "services:\n  malware: { host: a.example }",
        "5:7: settings.cluster.services: \"malware\" is no name for an entry of services; expected one of dlp-enterprise-manager, malware-analysis"
    ),
    .section(
        "a name that breaks the rule", "listeners:\n  my listener: { interface: a }",
        "5:7: settings.cluster.listeners: \"my listener\" is no name for an entry of listeners; expected a name of up to 63"),
    .section(
        "an unknown field", "destinations:\n  default:\n    tls: none\n    nameChek: host",
        "7:9: settings.cluster.destinations.default.nameChek: there is no such field (did you mean \"nameCheck\"?); expected one of nameCheck, tls"
    ),
    .section(
        "a missing field", "listeners:\n  a:\n    port: 25",
        "6:9: settings.cluster.listeners.a: the field \"interface\" is missing; expected one of "),
    .section(
        "a word for a port", "listeners:\n  a: { interface: a, port: abc }",
        "5:32: settings.cluster.listeners.a.port: here is a text; expected a number from 1 to 65535"),
    .section(
        "a port out of range", "listeners:\n  a: { interface: a, port: 65536 }",
        "5:32: settings.cluster.listeners.a.port: 65536 is out of range; expected a number from 1 to 65535"),
    .section(
        "a word of YAML 1.1 for true", "delivery: { alertOnRequiredTLSFailure: yes }",
        "4:44: settings.cluster.delivery.alertOnRequiredTLSFailure: here is a text; expected true or false"),
    .section(
        "a number for a name", "delivery: { certificate: 2026 }",
        "4:30: settings.cluster.delivery.certificate: here is a number; expected a name of up to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit, in quotes if it looks like a number or a word of YAML"
    ),
    .section(
        "a fault deep in a list",
        "listeners:\n  a:\n    interface: a\n    senderGroups:\n      - name: A\n        senders: [ALL]\n        policy: p\n      - name: B\n        senders: [nonsense!]\n        policy: p",
        "12:23: settings.cluster.listeners.a.senderGroups[1].senders[0]: \"nonsense!\" does not fit; expected an address"),
    .section(
        "an unknown field in a list",
        "listeners:\n  a:\n    interface: a\n    senderGroups: [{ name: A, senders: [ALL], policy: p, order: 1 }]",
        "7:62: settings.cluster.listeners.a.senderGroups[0].order: there is no such field; expected one of name, policy, senders"),
    .section(
        "a certificate from nowhere", "certificates:\n  mail: { pkcs: { file: a } }",
        "5:15: settings.cluster.certificates.mail.pkcs: there is no such source of a certificate (did you mean \"pkcs12\"?); expected one of selfSigned, pkcs12, pem"
    ),
    .section(
        "an empty certificate", "certificates:\n  mail: {}",
        "5:13: settings.cluster.certificates.mail: here is an empty map; expected one of selfSigned, pkcs12, pem and sealed"),
    .section(
        "two sources", "certificates:\n  mail: { selfSigned: { commonName: a }, pem: { file: a, keyFile: b } }",
        "5:46: settings.cluster.certificates.mail.pem: \"selfSigned\" stands alone; expected one of selfSigned, pkcs12, pem and sealed, alone"
    ),
    .section(
        "a request without a name", "certificates:\n  mail: { selfSigned: { days: 3 } }",
        "5:27: settings.cluster.certificates.mail.selfSigned: the field \"commonName\" is missing; expected one of commonName"),
    .section(
        "a file that is not there", "certificates:\n  mail: { pem: { file: a.pem, keyFile: b } }",
        "5:28: settings.cluster.certificates.mail.pem.file: \"a.pem\" cannot be read: there is no such file"),
    .section(
        "a stored certificate with a part missing", "certificates:\n  mail: { origin: imported }",
        "5:13: settings.cluster.certificates.mail: the field \"key\" is missing; expected one of origin"),
    .section(
        "a network with too long a prefix",
        "listeners:\n  a: { interface: a, senderGroups: [{ name: A, senders: [192.0.2.0/33], policy: p }] }",
        "5:62: settings.cluster.listeners.a.senderGroups[0].senders[0]: \"192.0.2.0/33\" does not fit; expected an address, a network"),
    .section(
        "a name that only looks like another", "listeners:\n  m\u{430}il: { interface: a }",
        "5:7: settings.cluster.listeners: \"m\u{430}il\" is no name for an entry of listeners (it has the character U+0430, which is not ASCII)"
    ),
    .section(
        "a reference that only looks like another", "delivery: { certificate: m\u{430}il }",
        "4:30: settings.cluster.delivery.certificate: \"m\u{430}il\" does not fit: it has the character U+0430, which is not ASCII"),
    .section(
        "a list for a map", "listeners: [a]", "4:16: settings.cluster.listeners: here is a list; expected a map of entries by name"),
    .section(
        "a sealed key that is no Base64", "certificates:\n  mail: { sealed: { certificate: {}, chain: [AAAA], key: no } }",
        "5:38: settings.cluster.certificates.mail.sealed.certificate: the field \"origin\" is missing; expected one of origin"),
    .section(
        "an isolation that is no word", "destinations:\n  $isolated: 1",
        "5:18: settings.cluster.destinations.$isolated: here is a number; expected true or false"),
]

let oddNumbers = [
    "1.5", ".5", "1.", "1e3", "-1.5E+10", ".inf", "-.Inf", ".nan", "0x1F", "0o17", "007", "-01", "+5", "-0", "9223372036854775808",
]

struct BadDocumentsTests {
    @Test(arguments: badTexts)
    func `a text that is no document is refused where it goes wrong`(_ bad: BadDocument) {
        #expect(errors(of: bad.text) == [bad.error])
    }

    @Test(arguments: badSettings + badSealings)
    func `a setting that does not fit is refused where it stands`(_ bad: BadDocument) {
        let found = errors(of: bad.text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(bad.error) == true, "\(found.first ?? "nothing")")
    }

    @Test(arguments: oddNumbers)
    func `a number of another kind is refused without quotes and taken with them`(_ number: String) throws {
        let found = errors(of: "cluster: \(number)")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("expected a whole number, or quotes around it if it is a text") == true, "\(found)")
        let text = "settings: { cluster: { certificates: { a: { selfSigned: { commonName: a, organization: '\(number)' } } } } }"
        #expect(errors(of: text) == [])
    }

    @Test func `a file that is too large is refused`() {
        let found = errors(
            of: "settings: { cluster: { certificates: { a: { pkcs12: { file: f, passwordFile: p } } } } }",
            files: ["f": Array(repeating: 0, count: Limits.certificateFileBytes + 1), "p": []])
        #expect(found.count == 1)
        #expect(found.first?.contains("\"f\" has 1048577 bytes; expected at most 1048576") == true, "\(found)")
    }

    @Test func `a key that is no text in UTF-8 is refused without showing it`() {
        let found = errors(
            of: "settings: { cluster: { certificates: { a: { pem: { file: f, keyFile: k } } } } }",
            files: ["f": [0x61], "k": [0xFF, 0x73]])
        #expect(found == ["1:70: settings.cluster.certificates.a.pem.keyFile: \"k\" is no text in UTF-8"])
    }
}

/// Texts made to keep a reader busy or to bring it down.
struct HostileDocumentsTests {
    @Test(arguments: ["[", "{a: ", "- ", "? ", "[{a: "])
    func `nesting without end is refused`(_ opening: String) {
        let found = errors(of: String(repeating: opening, count: 100_000))
        #expect(found.count == 1)
        #expect(found.first?.contains("nested more than") == true, "\(found)")
    }

    @Test func `nesting as deep as Yams goes is refused by our own limit`() {
        let depth = 900
        let found = errors(of: String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
        #expect(found.contains { $0.hasSuffix("nested more than 32 levels deep") })
    }

    @Test func `nested keys do not take time without end`() {
        let found = errors(of: String(repeating: "{", count: 900) + String(repeating: "}: a", count: 900))
        #expect(!found.isEmpty)
    }

    @Test func `a value that doubles itself with aliases is refused, as a key too`() {
        var lines = ["a0: &a0 [x, x]"]
        for step in 1..<60 { lines.append("a\(step): &a\(step) [*a\(step - 1), *a\(step - 1)]") }
        lines.append("? *a59\n: x")
        let found = errors(of: lines.joined(separator: "\n"))
        #expect(found.contains { $0.contains("anchors are not taken") })
        #expect(found.contains { $0.contains("aliases are not taken") })
    }

    @Test func `a document over the limit is not parsed`() {
        let found = errors(of: "# " + String(repeating: "x", count: Limits.documentBytes))
        #expect(found.first == "1:1: the text has over 8388608 bytes")
    }

    @Test(arguments: [
        "\u{FEFF}cluster: a", "%YAML 1.2\n---\ncluster: a", "cluster: \"\\ud800\"", "!%ED%A0%80 a", "cluster: \"\\0\"", "%", "---", "...",
        "- !",
        "&", "*", "? ", "|", ">\n", "'", "\"", "\u{0}", "\u{85}", "{,}", "a: b: c", "cluster: \"\\x", "\u{E000}: *",
    ])
    func `whatever comes, there is a document or an error`(_ text: String) {
        #expect(throws: Never.self) { _ = errors(of: text) }
    }
}

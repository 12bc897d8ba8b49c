import ClusterDocuments
import ClusterModel
import SeededRandomness
import Testing

let nastyTexts = [
    "", " ", "yes", "No", "on", "off", "y", "true", "True", "null", "~", "NULL", "1", "-1", "1.0", "1e3", "0x10", "007", "+5", "1_000",
    "12:30",
    "2026-11-24", "2026-11-24T09:30:00Z", " leading", "trailing ", ": ", "a: b", "a:", ":a", "#", "a #b", "a#b", "- a", "-", "--- a", "...",
    ".",
    "? a", "*a", "&a", "!a", "|", ">", "'", "\"", "\\", "%a", "@a", "`a", "[a]", "{a}", "a, b", "a\nb", "\n", "a\n", "\ta", "a\rb", "\r\n",
    "\0", "\u{7}",
    "\u{1B}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "a\u{FEFF}", "\u{E000}*", "\u{FFFF}", "\u{10FFFF}", "Zürich", "e\u{301}", "\u{301}",
    "*\u{301}",
    "日本語", "😀", "<<", "=", "hidden", "$isolated", "192.0.2.0/24", "2001:db8::1", "::1", "127.0.0.11", ".partner.example", "bank.example",
    "mail.example.com", "CN=mail.example.com, O=Example", String(repeating: "long words ", count: 40) + "end",
]

/// Makes values out of nasty texts and of random scalars.
struct ValueMaker {
    var numbers: SplitMix64

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &numbers) {
        case 0: return .null
        case 1: return .boolean(Bool.random(using: &numbers))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &numbers))
        case 3, 4: return .string(text())
        case 5: return .array((0..<Int.random(in: 0...4, using: &numbers)).map { _ in value(depth: depth - 1) })
        default:
            let members = (0..<Int.random(in: 0...4, using: &numbers)).map { _ in (text(), value(depth: depth - 1)) }
            return .object(Dictionary(members) { first, _ in first })
        }
    }

    private mutating func text() -> String {
        if Bool.random(using: &numbers) { return nastyTexts.randomElement(using: &numbers) ?? "" }
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &numbers) {
            let range: ClosedRange<UInt32> = Bool.random(using: &numbers) ? 0...127 : 0...0x10FFFF
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &numbers)), scalar != "\u{FEFF}" { scalars.append(scalar) }
        }
        return String(scalars)
    }
}

struct YAMLTextTests {
    @Test(arguments: nastyTexts)
    func `a text is the same when read back, as a value, a key, an item and alone`(_ text: String) throws {
        let value: JSONValue = .object([text: .string(text), "list": [.string(text), [.string(text)], .object([text: .null])]])
        for value in [value, .string(text)] {
            let read = try EntryReader.readValue(text: YAMLText.write(value), named: "text")
            #expect(read.canonicalBytes == value.canonicalBytes, "\(YAMLText.write(value))")
        }
    }

    @Test(arguments: 0..<200)
    func `any value is the same when read back`(_ seed: UInt64) throws {
        var maker = ValueMaker(numbers: SplitMix64(seed: seed))
        let value = maker.value(depth: 5)
        let text = YAMLText.write(value)
        #expect(try EntryReader.readValue(text: text, named: "text").canonicalBytes == value.canonicalBytes, "\(text)")
    }

    @Test func `what is written reads well`() {
        let value: JSONValue = [
            "interface": "data1", "port": 2525, "empty": [:], "none": [],
            "senderGroups": [["name": "PARTNERS", "senders": ["192.0.2.0/24", ".partner.example"]], ["name": "off"]],
        ]
        #expect(
            YAMLText.write(value) == """
                empty: {}
                interface: data1
                none: []
                port: 2525
                senderGroups:
                  - name: PARTNERS
                    senders:
                      - 192.0.2.0/24
                      - .partner.example
                  - name: "off"

                """)
    }
}

import ClusterModel
import Testing

@Suite("Canonical JSON and digests are the same everywhere")
struct CanonicalTests {
    @Test(arguments: [
        (#"{"b":1,"a":[true,null,"x"]}"#, #"{"a":[true,null,"x"],"b":1}"#),
        (#" { "a" : "é\u00e9\n\u0001\/" } "#, #"{"a":"éé\n\u0001/"}"#),
        (
            #"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u00f6":6}"#,
            "{\"\\r\":2,\"1\":4,\"\u{F6}\":6,\"\u{20AC}\":1,\"\u{1F600}\":5,\"\u{FB33}\":3}"
        ),
        ("-12", "-12"),
    ])
    func `keys are sorted and escapes are the shortest`(_ text: String, _ canonical: String) throws {
        #expect(try JSONValue(parsing: text.utf8).canonicalText == canonical)
    }

    @Test(arguments: [
        "", "{", "[1,]", #"{"a":1,"a":2}"#, "1.5", "1e3", "01", "-0", "tru", "[1] 2", #""\ud800""#, #"{"a" 1}"#, "99999999999999999999",
        String(repeating: "[", count: 100_000), "\"\u{01}\"",
    ])
    func `what is not canonical material is refused with a place`(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test func `every prefix of a value is refused and none crashes`() {
        let text = Array(#"{"a":[1,-2,"x\u0041\n",{"b":null,"c":true}],"d":false}"#.utf8)
        for count in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: text[..<count]) }
        }
    }

    @Test func `lengths keep neighbouring parts apart`() {
        var one = DigestBuilder(tag: "t")
        one.add("ab")
        one.add("c")
        var two = DigestBuilder(tag: "t")
        two.add("a")
        two.add("bc")
        #expect(one.finish() != two.finish())
    }

    /// The figures were computed with Python's hashlib from the layout in `Docs/architecture.md`.
    @Test func `a configuration has the digest that another language computes`() {
        let entry = EffectiveEntry(
            section: .destinations, name: "default", value: ["tls": "preferred"], origin: .init(layer: .cluster, revision: 1))
        let section = EffectiveSection(name: .destinations, entries: [entry])
        let configuration = EffectiveConfiguration(sections: [section])
        #expect(entry.digest.hex == "291a285fbd2e6fb6e25fe101095b8f3f369f5cf156a43ec035754cf9626c368d")
        #expect(configuration.digest.hex == "6ac519dfcf08615cf40b470d369fa221aa0b03499c4d0694e926ec4c151a93f2")
    }

    @Test func `a digest survives its written form`() {
        let digest = Digest(hashing: Array("abc".utf8))
        #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hex: "ba78") == nil)
    }
}

import ClusterDocuments
import ClusterFixtures
import ClusterModel
import FoundationEssentials
import RandomClusters
import SeededRandomness
import Testing

/// The readers that take texts from strangers. Each either reads or refuses, and says where; whatever the text, it neither traps nor hangs.
enum DocumentFuzzTarget: String, CaseIterable, Sendable {
    case document, value, json, request

    /// The fuzz entry.
    func run(_ bytes: [UInt8]) {
        switch self {
        case .document: readDocument(String(decoding: bytes, as: UTF8.self))
        case .value: readValue(String(decoding: bytes, as: UTF8.self))
        case .json: _ = try? JSONValue(parsing: bytes)  // a refusal is an answer
        case .request: _ = try? JSONValue(parsing: bytes).decode(ClusterDocument.self)  // so here
        }
    }

    /// What is read is also written, and reads back as the same.
    private func readDocument(_ text: String) {
        do throws(DocumentErrors) {
            let document = try read(text, files: ["mail.p12": [1, 2, 3], "mail.pw": Array("secret\n".utf8)])
            guard !document.hasFiles else { return }
            let again = Result { try read(YAMLText.write(document.json)) }
            #expect((try? again.get()) == document, "it does not read back")  // what was thrown is no document
        } catch {
            expectUseful(error, text)
        }
    }

    private func readValue(_ text: String) {
        do throws(DocumentErrors) {
            _ = try EntryReader.readValue(text: text, named: "fuzz")
        } catch {
            expectUseful(error, text)
        }
    }

    /// Every error has a place that is in the text, and says something; all together they fit on a screen or two.
    private func expectUseful(_ error: DocumentErrors, _ text: String) {
        let lines = text.unicodeScalars.count { $0 == "\n" || $0 == "\r" || $0 == "\u{85}" || $0 == "\u{2028}" || $0 == "\u{2029}" } + 2
        for one in error.errors.prefix(DocumentErrors.listed) {
            #expect((1...lines).contains(one.position.line) && one.position.column >= 1 && !one.problem.isEmpty, "\(one)")
        }
        #expect(!error.errors.isEmpty && error.description.utf8.count < 1 << 20)
    }
}

extension ClusterDocument {
    /// Whether it names files, whose contents have no written form.
    fileprivate var hasFiles: Bool {
        settings.values.contains { sections in
            sections[.certificates]?.values.contains { entry in
                switch entry {
                case .certificate(.pkcs12), .certificate(.pem): true
                default: false
                }
            } ?? false
        }
    }
}

/// Good and bad documents: what mutations begin with.
enum DocumentCorpus {
    static func texts() throws -> [(name: String, bytes: [UInt8])] {
        var texts: [(String, String)] = [("demo", ClusterFixtures.demo)]
        let whole = try wholeDocument()
        texts += [("whole, YAML", YAMLText.write(whole.json)), ("whole, JSON", whole.json.canonicalText)]
        texts.append(("whole, request", try JSONValue(encoding: whole).canonicalText))
        texts.append(("random", YAMLText.write(try RandomCluster(seed: 7, edits: 30).state.document().json)))
        texts.append(("sealed", YAMLText.write(sealedDocument().json)))
        texts += (badTexts + badSettings).map { ($0.what, $0.text) }
        return texts.map { ($0.0, Array($0.1.utf8)) }
    }

    /// Keeps the form of a sealed document; nothing in it opens.
    static func sealedDocument() -> ClusterDocument {
        var sealing = DocumentSealing()
        (sealing.salt, sealing.check) = ("AAAA", "AAAA")
        let sealed = SealedCertificate(certificate: storedCertificate(), chain: ["AAAA"], key: "AAAA")
        return ClusterDocument(
            cluster: "acme", settings: [.cluster: [.certificates: ["mail": .certificate(.sealed(sealed))]]], sealing: sealing)
    }
}

/// Makes hostile texts out of others; the same of the same seed.
struct TextMutator {
    var random: SplitMix64
    let corpus: [[UInt8]]

    /// What YAML, JSON, names, numbers and networks stumble over.
    private static let tokens: [String] =
        [
            "*a", "&a ", "<<: *a", "<<: {}", "!!map ", "!a ", "{", "}", "[", "]", "- ", "\t", "\u{FEFF}", "\u{0}", "\u{85}", "\u{2028}",
            "\u{D7FF}",
            "\u{E000}", "\u{F8FF}", "\\uE000", "\\U0000E000", "\\x00", "а", "ｅ", "１", "е\u{301}", "*\u{301}", "\u{202E}", "\u{200B}",
            "65536", "0",
            "-1", "+1", "01", "1_000", "1e9", "0x10", "0o7", ".inf", ".nan", "9223372036854775807", "9223372036854775808", "12:30",
            "192.0.2.0/33",
            "192.0.2.256", "2001:db8::/129", "::", "~", "null", "? ", ": ", ":", "\"", "'", "|", ">", "|2\n", "#", "%YAML 1.1\n", "---\n",
            "...\n", "\r",
            "\r\n", "\n\n", "\\", "hidden", "$isolated: true", "cluster: a\n", "settings: {}\n", "group/", "machine/mx1: ",
            "selfSigned: {}", "sealed: ",
            "mail.p12", "../../etc/passwd", "true", "yes", "{}", "[]", "\u{10FFFF}",
        ] + [
            String(repeating: "[", count: 200), String(repeating: "{a: ", count: 200), String(repeating: "- ", count: 200),
            String(repeating: "a", count: 5000),
        ]

    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<random.between(1, 5) { once(&bytes) }
        // Rarely very long, or very deep.
        if random.chance(3) { bytes = Array(repeatElement(bytes, count: 40).joined()) }
        if random.chance(2) { bytes = Array(String(repeating: random.pick(["[", "{a: ", "? ", "- "]), count: 50_000).utf8) + bytes }
        return Array(bytes.prefix(1 << 20))
    }

    private mutating func once(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes = random.pick(corpus) }
        let place = random.between(0, bytes.count - 1)
        let end = min(bytes.count, place + random.between(1, 40))
        switch random.between(0, 8) {
        case 0: bytes[place] ^= 1 << UInt8(random.between(0, 7))
        case 1: bytes[place] = UInt8(random.between(0, 255))
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5:
            let other = random.pick(corpus)
            guard !other.isEmpty else { return }
            let start = random.between(0, other.count - 1)
            bytes.insert(contentsOf: other[start..<min(other.count, start + random.between(1, 200))], at: place)
        case 6: repeatLine(&bytes, place)
        default: bytes.insert(contentsOf: random.pick(TextMutator.tokens).utf8, at: wordStart(bytes, place))
        }
    }

    /// A line once more, as it is or deeper: a key given twice, a map in a map.
    private mutating func repeatLine(_ bytes: inout [UInt8], _ place: Int) {
        let newline = UInt8(ascii: "\n")
        let start = bytes[..<place].lastIndex(of: newline).map { $0 + 1 } ?? 0
        let end = bytes[place...].firstIndex(of: newline).map { $0 + 1 } ?? bytes.count
        let indentation = [UInt8](repeating: UInt8(ascii: " "), count: random.between(0, 4))
        bytes.insert(contentsOf: indentation + bytes[start..<end], at: end)
    }

    /// Where a value begins, most of the time.
    private mutating func wordStart(_ bytes: [UInt8], _ place: Int) -> Int {
        guard random.chance(800) else { return place }
        return bytes[place...].firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") }.map { $0 + 1 } ?? place
    }
}

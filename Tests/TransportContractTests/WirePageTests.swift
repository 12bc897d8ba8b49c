import ClusterModel
import FoundationEssentials
import Replication
import ReplicationTransport
import Testing

/// `Docs/reference/wire.md` is what authors of members in other languages go by.
@Suite("The page of the member protocol says what the code does")
struct WirePageTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    private let page: String
    private let proto: String

    init() throws {
        page = try String(contentsOfFile: "\(WirePageTests.root)/Docs/reference/wire.md", encoding: .utf8)
        proto = try String(contentsOfFile: "\(WirePageTests.root)/Sources/WireMessages/wire.proto", encoding: .utf8)
    }

    @Test func `every limit is that of Limits`() {
        let limits = [
            "frameBytes": Limits.frameBytes, "memberFrameBytes": Limits.memberFrameBytes, "strangerFrameBytes": Limits.strangerFrameBytes,
            "queuedBytes": Limits.queuedBytes, "helloSeconds": Limits.helloSeconds, "pingSeconds": Limits.pingSeconds,
            "silenceSeconds": Limits.silenceSeconds, "strangerSeconds": Limits.strangerSeconds, "strangers": Limits.strangers,
            "applySeconds": Limits.applySeconds, "services": Limits.services, "receiptReasons": Limits.receiptReasons,
            "reasonLength": Limits.reasonLength, "entryBytes": Limits.entryBytes, "certificateFileBytes": Limits.certificateFileBytes,
            "answerSeconds": Limits.answerSeconds, "questionValues": Limits.questionValues, "inventoryFrames": Limits.inventoryFrames,
            "observations": Limits.observations, "observedEntries": Limits.observedEntries,
            "textLength": Limits.textLength, "localEdits": Limits.localEdits, "localEditBytes": Limits.localEditBytes,
            "clockSkewSeconds": Limits.clockSkewSeconds,
        ]
        let said = rows(of: "what", columns: 3).filter { Int($0[1]) != nil }.map { ($0[2], Int($0[1]) ?? 0) }
        #expect(Dictionary(said) { $1 } == limits)
    }

    @Test func `wire_proto has the same numbers`() {
        let text = proto.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "/" } }.joined(separator: " ")
        for sentence in [
            "at most \(Limits.frameBytes >> 20) MiB toward the member, \(Limits.memberFrameBytes >> 20) MiB from a member",
            "and \(Limits.strangerFrameBytes >> 10) KiB from a machine without a certificate", "nothing for \(Limits.pingSeconds) seconds",
            "heard nothing for \(Limits.silenceSeconds) seconds", "the first frame together have \(Limits.helloSeconds) seconds",
            "lasts at most \(Limits.strangerSeconds) seconds",
            "At most \(Limits.localEdits). Each entry is named once.", "at most \(Limits.localEditBytes) bytes.",
            "At most \(Limits.receiptReasons), each of at most \(Limits.reasonLength) characters.",
        ] {
            #expect(text.contains(sentence))
        }
    }

    @Test func `the generated code has the comments of wire_proto`() throws {
        let generated = try String(contentsOfFile: "\(WirePageTests.root)/Sources/WireMessages/wire.pb.swift", encoding: .utf8)
        func comments(_ text: String, _ mark: String) -> Set<Substring> {
            let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { $0.hasPrefix(mark + " ") }
            return Set(lines.map { $0.dropFirst(mark.count + 1) })
        }
        let ofGenerator = ["Returns true if `", "Clears the value of `"]
        let copied = comments(generated, "///").filter { line in !ofGenerator.contains { line.hasPrefix($0) } }
        #expect(comments(proto, "//").symmetricDifference(copied) == [])
    }

    @Test func `the waits are those of the follower`() {
        var backoff = Backoff()
        #expect(backoff.next(random: 1) == .seconds(0.5))
        #expect(backoff.next(random: 1) == .seconds(1))
        for _ in 0..<20 { _ = backoff.next(random: 1) }
        #expect(backoff.next(random: 1) == .seconds(30))
        #expect(prose.contains("which is 0.5 seconds at first, doubles with each failure, and is 30 seconds at most"))
        #expect(prose.contains("could not be made within \(Limits.helloSeconds) seconds"))
        #expect(prose.contains("was heard within \(Limits.pingSeconds + Limits.helloSeconds) seconds"))
    }

    @Test func `the example has the digests that the model computes`() throws {
        let table = rows(of: "digest of", columns: 3)
        var entries: [SectionName: [EffectiveEntry]] = [:]
        var expected: [Digest] = []
        for row in table where row[0].hasPrefix("entry ") {
            let names = row[0].split(separator: " ").dropFirst().map(String.init)
            let section = SectionName(rawValue: names[0])
            let entry = EffectiveEntry(
                section: section, name: names[1], value: try JSONValue(parsing: row[1].utf8), origin: .init(layer: .cluster, revision: 1))
            entries[section, default: []].append(entry)
            expected.append(entry.digest)
        }
        let sections = entries.map { EffectiveSection(name: $0.key, entries: $0.value) }.sorted { $0.name < $1.name }
        expected += sections.map(\.digest)
        expected.append(EffectiveConfiguration(sections: sections).digest)
        expected.append(EffectiveConfiguration(sections: sections.filter { $0.name != .destinations }).digest)
        expected += [EffectiveConfiguration.empty.digest, LogHead.empty.hash]
        #expect(expected.count == 9)
        #expect(table.map { $0[2] } == expected.map(\.hex))
        let dump = page.split(separator: "\n").filter { $0.hasPrefix("00 00 00 00") }.joined(separator: " ")
        let bytes = dump.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        #expect(Digest(hashing: bytes) == expected.first)
    }

    @Test func `the example of an invitation can be read, and says what stands beside it`() throws {
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("muster-invitation-1.") })
        let token = try InvitationToken(parsing: String(line))
        #expect(token.text == line)
        let base64 = line.split(separator: ".")[1]
        let content = try #require(Data(base64Encoded: base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)))
        #expect(page.contains("`\(String(decoding: content, as: UTF8.self))`"))
    }

    @Test func `a ping has the bytes that it says`() throws {
        let member = Hex.encode(try WireCodec.encode(MemberMessage.ping))
        let manager = Hex.encode(try WireCodec.encode(ManagerMessage.ping))
        #expect(page.contains("A ping from a member is `00000002 \(member)`, from a manager `00000002 \(manager)`."))
    }

    @Test func `every section and every code is one that there is`() {
        let sections = Section.all.map { "`\($0.name.rawValue)`" }.sorted()
        #expect(prose.contains("Today there are \(sections.dropLast().joined(separator: ", ")) and \(sections.last ?? "")."))
        let codes: [Refusal.Code] = [
            .version, .invalid, .limit, .unauthenticated, .certificateExpired, .forbidden, .duplicateMember, .conflict, .unavailable,
        ]
        #expect(rows(of: "code", columns: 3).map { $0[0] } == codes.map(\.rawValue))
        for code: Refusal.Code in [.invitation, .exists, .notFound, .wouldBreak, .membershipEnded] {
            #expect(page.contains("`\(code.rawValue)`"))
        }
        #expect(prose.contains("`version` in hello and join is \(MemberProtocol.versions.upperBound)"))
    }

    // MARK: - Reading the page

    /// The page without its line breaks.
    private var prose: String { page.split(separator: "\n").joined(separator: " ") }

    /// The cells of all tables whose header begins with this, without backticks.
    private func rows(of header: String, columns: Int) -> [[String]] {
        var found: [[String]] = []
        var isInside = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                isInside = false
                continue
            }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                String(cell.filter { $0 != "`" }.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            if isInside, cells.count == columns, !cells[0].hasPrefix("---") { found.append(cells) }
            if cells.first == header { isInside = true }
        }
        return found
    }
}

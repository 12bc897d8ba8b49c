import ClusterModel
import Testing

@Suite("Alerts are raised once, grow worse, and are cleared by themselves")
struct AlertBookTests {
    private static let kind = Alert.Kind.certificateExpiring
    private static let start = Timestamp(seconds: 1_800_000_000)

    private static func condition(
        _ subject: String, _ stage: Int, _ severity: Alert.Severity = .warning, kind: Alert.Kind = kind, machine: String = "mx1"
    ) -> AlertCondition {
        AlertCondition(kind: kind, subject: subject, stage: stage, severity: severity, machine: machine)
    }

    private var book = AlertBook()

    /// The subjects and stages that a look at these conditions raises, and the subjects that it clears.
    private mutating func look(_ conditions: [AlertCondition], days: Int) -> (raised: [String], cleared: [String]) {
        let news = book.take(conditions, of: Self.kind, at: Self.start.adding(days: days))
        return (
            news.raised.map { "\($0.condition.subject) \($0.condition.stage)" }.sorted(), news.cleared.map(\.condition.subject).sorted()
        )
    }

    @Test mutating func `a stage is raised once, the next takes its place, and what is over is cleared and kept`() throws {
        #expect(look([Self.condition("a", -30), Self.condition("b", -5)], days: 0) == (["a -30", "b -5"], []))
        #expect(look([Self.condition("a", -30), Self.condition("b", -5)], days: 1) == ([], []))
        #expect(book.active.map(\.raised) == [Self.start, Self.start])
        #expect(look([Self.condition("a", -15), Self.condition("b", -5)], days: 15) == (["a -15"], []))
        #expect(book.active.map(\.condition.stage) == [-5, -15])
        #expect(look([Self.condition("b", -5)], days: 16) == ([], ["a"]))
        #expect(book.active.map(\.condition.subject) == ["b"])
        #expect(book.cleared.map(\.cleared) == [Self.start.adding(days: 16)])
        // The same once more, as after a rollback: it is news again, and not over.
        #expect(look([Self.condition("a", -15), Self.condition("b", -5)], days: 20) == (["a -15"], []))
        #expect(book.active.count == 2 && book.cleared.isEmpty)
    }

    @Test mutating func `what was acknowledged stays so until the next stage, which nobody has seen`() throws {
        _ = look([Self.condition("a", -30), Self.condition("b", -30)], days: 0)
        let ids = book.active.map(\.id)
        #expect(try book.acknowledge([ids[0], ids[0]], by: "ann", at: Self.start).map(\.acknowledged?.by) == ["ann"])
        #expect(try book.acknowledge([ids[0]], by: "bob", at: Self.start.adding(days: 1)).map(\.acknowledged?.by) == ["ann"])
        // All or none.
        #expect(throws: Refusal(.notFound, "")) { try book.acknowledge([ids[1], "nonsense"], by: "ann", at: Self.start) }
        #expect(book.active.map(\.acknowledged?.by) == ["ann", nil])
        // Names may change meanwhile: the alert stays the one it was.
        _ = look([Self.condition("a", -30, machine: "renamed"), Self.condition("b", -30)], days: 2)
        #expect(Set(book.active.map { "\($0.condition.machine ?? "") \($0.acknowledged?.by ?? "-")" }) == ["renamed ann", "mx1 -"])
        _ = look([Self.condition("a", -15), Self.condition("b", -30)], days: 15)
        #expect(book.active.allSatisfy { $0.acknowledged == nil })
        _ = look([], days: 16)
        #expect(throws: Refusal(.notFound, "")) { try book.acknowledge([ids[1]], by: "ann", at: Self.start) }
    }

    @Test mutating func `a clock that steps back tells nobody twice, and one that was wrong is followed`() {
        _ = look([Self.condition("a", -5)], days: 10)
        #expect(look([Self.condition("a", -15)], days: 10) == ([], []))
        #expect(book.active.map(\.condition.stage) == [-5])
        #expect(look([Self.condition("a", -5)], days: 10) == ([], []))
        #expect(look([Self.condition("a", -90)], days: -300) == (["a -90"], []))
    }

    @Test mutating func `kinds do not disturb each other`() {
        _ = look([Self.condition("a", -5)], days: 0)
        let other = Alert.Kind(rawValue: "machine-offline")
        #expect(book.take([Self.condition("a", 0, .error, kind: other)], of: other, at: Self.start).raised.count == 1)
        #expect(book.active.map(\.condition.kind) == [other, Self.kind])
        #expect(book.take([], of: other, at: Self.start).cleared.map(\.condition.kind) == [other])
        #expect(book.active.map(\.condition.kind) == [Self.kind])
    }

    @Test mutating func `there is room for so many, the gravest; the rest is counted, and the largest fit into one value`() throws {
        let long = String(repeating: "n", count: Limits.nameLength)
        func worst(_ number: Int, _ severity: Alert.Severity) -> AlertCondition {
            let digest = Digest(hashing: Array("\(number)".utf8))
            let membership = String(digest.hex.prefix(32))
            let services = (0..<20).map { "\($0)listener/\(long)".prefix(Limits.nameLength + 9) }.map(String.init)
            return AlertCondition(
                kind: Self.kind, subject: "\(digest.hex)/\(membership)", stage: -30, severity: severity, machine: long,
                expiry: .init(
                    certificate: long, level: .machine(long), fingerprint: digest, notAfter: Self.start, threshold: -30, services: services)
            )
        }
        let many = (0..<Limits.alerts + 7).map { worst($0, $0 % 2 == 0 ? .warning : .notice) }
        #expect(look(many, days: 0).raised.count == Limits.alerts)
        #expect(book.unlisted == [Self.kind.rawValue: 7])
        #expect(book.active.count { $0.condition.severity == .warning } == (Limits.alerts + 8) / 2)
        _ = try book.acknowledge(book.active.map(\.id), by: long, at: Self.start)
        #expect(try JSONValue(encoding: book).canonicalBytes.count < Limits.valueBytes)
        // Those that found no place do when others are over; what is over makes room for what holds.
        let rest = Array(many.dropFirst(10))
        #expect(look(rest, days: 1).raised.count == 7)
        #expect(book.unlisted.isEmpty && book.active.count == Limits.alerts - 3 && book.cleared.count == 3)
        #expect(try JSONValue(encoding: book).decode(AlertBook.self) == book)
    }

    @Test func `an alert says who is concerned and what to do`() {
        func text(_ threshold: Int, _ services: [String], _ level: Level = .cluster) -> AlertCondition {
            AlertCondition(
                kind: Self.kind, subject: "a", stage: 0, severity: .warning, machine: "mx1",
                expiry: .init(
                    certificate: "mail", level: level, fingerprint: Digest(hashing: []), notAfter: Self.start, threshold: threshold,
                    services: services))
        }
        #expect(
            text(30, ["listener/public"]).text
                == "The certificate mail at cluster, which listener/public on mx1 uses, expires within 30 days, at 2027-01-15T08:00:00Z.")
        #expect(text(1, ["a", "b"]).text.contains("which a, b on mx1 use, expires tomorrow, at"))
        #expect(text(0, (1...7).map { "s\($0)" }).text.contains("which s1, s2, s3, s4, s5 and 2 more on mx1 use, expires today, at"))
        #expect(text(-1, ["a"]).text.contains("uses, expired at"))
        #expect(text(-1, ["a"], .group("eu")).cure.contains("muster cert renew mail --group eu"))
    }
}

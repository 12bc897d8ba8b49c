import ClusterModel
import FoundationEssentials
import Mail
import Testing

@Suite("Answers of a DNS server that means no good", .timeLimit(.minutes(1)))
struct HostileAnswerTests {
    /// Answers the question for MX records as given, and every question for addresses with none.
    private func lookup(_ answers: @escaping @Sendable (_ query: [UInt8]) -> [[UInt8]]) async throws -> MailExchangers {
        try await HostileServer.with({ query, _ in
            Forged.isForExchangers(query) ? answers(query) : [Forged.answer(to: query)]
        }) { try await MailExchangers.lookup("a.example", resolver: $0) }
    }

    @Test func `names that are no host names, addresses and repetitions are left out and counted`() async throws {
        let found = try await lookup { query in
            let hosts: [[UInt8]] = [
                Forged.name(["mx", "a", "example"]), Forged.name(["MX", "a", "example"]), Forged.name(["192", "0", "2", "1"]),
                Forged.name(["\u{1B}[31m", "example"]), Forged.name(["a b", "example"]), Forged.name(["-x", "example"]),
                Forged.name(["a.b", "example"]), Forged.name(["_x", "example"]), [0],
            ]
            return [Forged.answer(to: query, records: hosts.enumerated().map { Forged.exchanger($0, $1) })]
        }
        #expect(found.hosts == [.init("mx.a.example", preference: 0, addresses: [])])
        #expect(found.unusable == 7)
    }

    @Test func `records of another name do not count, and a ring of aliases ends`() async throws {
        let other = try await lookup { query in
            let owner = Forged.name(["b", "example"])
            return [Forged.answer(to: query, records: [Forged.exchanger(1, Forged.name(["evil", "example"]), owner: owner)])]
        }
        #expect(other.source == .implicit && other.hosts.map(\.name) == ["a.example"])
        let ring = try await lookup { query in
            let (a, b) = (Forged.name(["a", "example"]), Forged.name(["b", "example"]))
            let records = [Forged.record(owner: a, type: 5, data: b), Forged.record(owner: b, type: 5, data: a)]
            return [Forged.answer(to: query, records: records)]
        }
        #expect(ring.source == .implicit)
        let followed = try await lookup { query in
            let b = Forged.name(["b", "example"])
            return [
                Forged.answer(to: query, records: [Forged.record(type: 5, data: b), Forged.exchanger(1, Forged.name(["mx"]), owner: b)])
            ]
        }
        #expect(followed.hosts.map(\.name) == ["mx"])
    }

    @Test func `a thousand hosts are cut to those that are tried first`() async throws {
        let found = try await HostileServer.with({ query, isStream in
            guard Forged.isForExchangers(query) else { return [Forged.answer(to: query)] }
            guard isStream else { return [Forged.answer(to: query, isTruncated: true)] }
            let records = (1...1000).map { Forged.exchanger(2000 - $0, Forged.name(["h\($0)", "example"])) }
            let message = Forged.answer(to: query, records: records)
            let whole = [UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
            // In pieces, one of a single byte.
            return [Array(whole.prefix(1)), Array(whole.dropFirst().prefix(5000)), Array(whole.dropFirst(5001))]
        }) { try await MailExchangers.lookup("a.example", resolver: $0) }
        #expect(found.hosts.map(\.name) == (981...1000).reversed().map { "h\($0).example" })
        #expect(found.leftOut == 980)
    }

    @Test func `an answer under a guessed number is passed over for the right one`() async throws {
        let found = try await lookup { query in
            let right = Forged.answer(to: query, records: [Forged.exchanger(1, Forged.name(["right", "example"]))])
            let wrong = Forged.answer(to: query, records: [Forged.exchanger(1, Forged.name(["wrong", "example"]))])
            var guessed = wrong
            guessed[1] ^= 1
            return [guessed, [query[0]], [], right]
        }
        #expect(found.hosts.map(\.name) == ["right.example"])
    }

    @Test(arguments: ["loop", "forward", "outside", "short", "long", "count", "bare", "another question", "a question"])
    func `a broken message is said to be none, and harms nobody`(_ kind: String) async throws {
        let refusal = await #expect(throws: Refusal(.lookup, "")) {
            try await lookup { query in
                let end = UInt8(query.count)
                var wrong = Forged.answer(to: query, records: [Forged.exchanger(1, Forged.name(["wrong", "example"]))])
                // The name in the first record's data stands 14 bytes behind the end of the question.
                switch kind {
                case "loop": return [Forged.answer(to: query, records: [Forged.exchanger(1, [0xC0, end + 14])])]
                case "forward": return [Forged.answer(to: query, records: [Forged.exchanger(1, [0xC0, end + 16, 0xC0, end + 14])])]
                case "outside": return [Forged.answer(to: query, records: [Forged.exchanger(1, [0xFF, 0xFF])])]
                case "short": return [Forged.answer(to: query, records: [Forged.record(type: 15, data: [0])])]
                case "long": return [Forged.answer(to: query, records: [Forged.record(type: 15, data: [0, 1, 0], length: 60_000)])]
                case "count": return [Forged.answer(to: query, count: 65_535)]
                case "bare": return [Array(wrong.prefix(12))]
                case "another question": wrong[13] = UInt8(ascii: "b")
                default: wrong[2] &= 0x7F
                }
                return [wrong]
            }
        }
        #expect(refusal?.reason.contains("no answer that can be read") == true, "\(refusal?.reason ?? "")")
    }

    @Test func `a failing server, a refusing one, a closed port and a silent server are told apart`() async throws {
        func reason(_ code: UInt8) async throws -> String {
            let refusal = await #expect(throws: Refusal(.lookup, "")) { try await lookup { [Forged.answer(to: $0, code: code)] } }
            return refusal?.reason ?? ""
        }
        #expect(try await reason(2).contains("(SERVFAIL)"))
        #expect(try await reason(5).contains("(REFUSED)"))
        #expect(try await reason(4).contains("error code 4"))
        let closed = try await HostileServer.with({ _, _ in [] }) { $0 }
        let refusal = await #expect(throws: Refusal(.lookup, "")) { try await MailExchangers.lookup("a.example", resolver: closed) }
        #expect(refusal?.reason.contains("nothing listens there") == true)
        let start = ContinuousClock.now
        let silence = await #expect(throws: Refusal(.lookup, "")) { try await lookup { _ in [] } }
        #expect(silence?.reason.contains("did not answer") == true)
        #expect(ContinuousClock.now - start < .seconds(Limits.lookupSeconds + 1))
    }

    @Test func `a server that says that there is more and then keeps its connection open holds nobody for long`() async throws {
        let start = ContinuousClock.now
        await #expect(throws: Refusal(.lookup, "")) {
            try await HostileServer.with({ query, isStream in isStream ? [[0xFF]] : [Forged.answer(to: query, isTruncated: true)] }) {
                try await MailExchangers.lookup("a.example", resolver: $0)
            }
        }
        #expect(ContinuousClock.now - start < .seconds(Limits.lookupSeconds + 1))
    }

    @Test func `no look-up leaves a descriptor behind`() async throws {
        func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        try await HostileServer.with({ query, isStream in isStream ? [[0, 2, 0, 0]] : [Forged.answer(to: query, isTruncated: true)] }) {
            server in
            func fail() async {
                await #expect(throws: Refusal(.lookup, "")) { try await MailExchangers.lookup("a.example", resolver: server) }
            }
            await fail()
            let before = try open()
            for _ in 0..<50 { await fail() }
            // The server's own ends close when they hear of it.
            #expect(try open() < before + 50)
        }
    }

    @Test func `records that were learned are answered although the addresses are not`() async throws {
        let found = try await HostileServer.with({ query, _ in
            guard Forged.isForExchangers(query) else { return [Forged.answer(to: query, code: 2)] }
            return [Forged.answer(to: query, records: [Forged.exchanger(1, Forged.name(["mx", "example"]))])]
        }) { try await MailExchangers.lookup("a.example", resolver: $0) }
        #expect(found.hosts == [.init("mx.example", preference: 1)])
    }
}

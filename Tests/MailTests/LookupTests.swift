import ClusterModel
import Mail
import MailFixtures
import Testing

@Suite("MX records, asked of a real DNS server", .timeLimit(.minutes(1)))
struct LookupTests {
    private static let records = [
        "--local=/example/", "--mx-host=shop.example,MX1.shop.example,10", "--mx-host=shop.example,mx2.shop.example,20",
        "--mx-host=shop.example,mx3.shop.example,5", "--mx-host=shop.example,nowhere.shop.example,30",
        "--host-record=mx1.shop.example,192.0.2.1,2001:db8::1", "--host-record=mx2.shop.example,192.0.2.2",
        "--host-record=real.shop.example,192.0.2.3", "--cname=mx3.shop.example,real.shop.example",
        "--host-record=plain.example,192.0.2.9", "--dns-rr=silent.example,15,000000",
    ]

    @Test func `hosts come by preference, with their addresses and what is wrong with their names`() async throws {
        try await DNSMasq.with(LookupTests.records) { resolver in
            let found = try await MailExchangers.lookup("Shop.Example.", resolver: resolver)
            #expect(found.domain == "shop.example" && found.source == .records && found.unusable == 0 && found.leftOut == 0)
            #expect(found.hosts.map(\.name) == ["mx3.shop.example", "mx1.shop.example", "mx2.shop.example", "nowhere.shop.example"])
            #expect(found.hosts.map(\.preference) == [5, 10, 20, 30])
            #expect(
                found.hosts.map { $0.addresses?.map(\.description) } == [["192.0.2.3"], ["192.0.2.1", "2001:db8::1"], ["192.0.2.2"], []])
            #expect(found.hosts.map(\.isAlias) == [true, false, false, false])
        }
    }

    @Test func `a domain without MX records is its own host, and with a null MX has none`() async throws {
        try await DNSMasq.with(LookupTests.records) { resolver in
            let plain = try await MailExchangers.lookup("plain.example", resolver: resolver)
            #expect(plain.source == .implicit && plain.hosts.map(\.name) == ["plain.example"])
            #expect(plain.hosts.first?.preference == nil && plain.hosts.first?.addresses?.map(\.description) == ["192.0.2.9"])
            let silent = try await MailExchangers.lookup("silent.example", resolver: resolver)
            #expect(silent == MailExchangers(domain: "silent.example", source: .none, hosts: []))
        }
    }

    @Test func `a domain that does not exist, and a server that will not answer, are told apart`() async throws {
        try await DNSMasq.with(LookupTests.records) { resolver in
            let missing = await #expect(throws: Refusal(.notFound, "")) {
                try await MailExchangers.lookup("missing.example", resolver: resolver)
            }
            #expect(missing?.reason.contains("missing.example does not exist (NXDOMAIN)") == true)
            let refused = await #expect(throws: Refusal(.lookup, "")) {
                try await MailExchangers.lookup("example.org", resolver: resolver)
            }
            #expect(refused?.reason.contains("The resolver \(resolver) refuses") == true, "\(refused?.reason ?? "")")
        }
    }

    @Test func `an answer that does not fit into a datagram is fetched over TCP, and looked at in part`() async throws {
        let many = (10..<70).map { "--mx-host=big.example,host-number-\($0).big.example,\($0)" }
        let located = (10..<70).map { "--host-record=host-number-\($0).big.example,192.0.2.\($0)" }
        try await DNSMasq.with(["--local=/example/"] + many + located) { resolver in
            let found = try await MailExchangers.lookup("big.example", resolver: resolver)
            #expect(found.hosts.map(\.name) == (10..<30).map { "host-number-\($0).big.example" })
            #expect(found.hosts.last?.addresses?.map(\.description) == ["192.0.2.29"])
            #expect(found.leftOut == 40)
        }
    }

    @Test(arguments: ["", ".", "example..com", "-a.example", "192.0.2.1", "a b.example", "bücher.example", "x\u{0}.example", "*.example"])
    func `what is no domain is not asked for`(_ text: String) async {
        await #expect(throws: Refusal(.invalid, "")) {
            try await MailExchangers.lookup(text, resolver: try NameServer(parsing: "127.0.0.1:1"))
        }
    }

    @Test func `few look-ups run at once, and not too many in a minute`() throws {
        var gate = LookupGate()
        let start = ContinuousClock.now
        for _ in 0..<Limits.lookups { try gate.enter(at: start) }
        #expect(throws: Refusal(.limit, "")) { try gate.enter(at: start) }
        gate.leave()
        for second in Limits.lookups..<Limits.lookupsPerMinute {
            try gate.enter(at: start + .milliseconds(second))
            gate.leave()
        }
        #expect(throws: Refusal(.limit, "")) { try gate.enter(at: start + .seconds(59)) }
        try gate.enter(at: start + .seconds(60))
    }
}

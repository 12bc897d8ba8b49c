import ClusterModel
import Gateways
import SMTPFixtures
import Testing

@Suite(.timeLimit(.minutes(1))) struct ObservationTests {
    @Test func `what is in force agrees with itself, and names each entry in which another configuration differs`() async throws {
        let old = try await TestCertificate.make("old.example")
        let new = try await TestCertificate.make("new.example")
        var fixture = Fixture(certificate: old)
        try await withGateway(fixture) { gateway in
            let held = await gateway.observe(try fixture.configuration)
            #expect(held.map(\.subject) == ["the gateway's memory", "listener/public"])
            #expect(held.allSatisfy { $0.objection == nil })
            #expect(held.last?.found == (try old.fingerprint))
            fixture.certificates["mail"] = new
            let other = await gateway.observe(try fixture.configuration)
            #expect(other.first?.entries == [EntryName(.certificates, "mail")])
            #expect(other.last?.entries == [EntryName(.listeners, "public"), EntryName(.certificates, "mail")])
            #expect(other.map { $0.objection != nil } == [true, true])
        }
    }

    @Test func `a service that it does not have is gone, and so is everything after the end`() async throws {
        var fixture = Fixture(certificate: try await TestCertificate.make("one.example"))
        try await withGateway(fixture) { gateway in
            fixture.listeners["private"] = fixture.listeners["public"]
            fixture.listeners["private"]?.port = 2526
            let lacking = await gateway.observe(try fixture.configuration)
            #expect(lacking.first { $0.subject == "listener/private" }?.objection == "listener/private is gone from the gateway")
            #expect(lacking.first { $0.subject == "listener/public" }?.objection == nil)
            await gateway.stop()
            let stopped = await gateway.observe(try fixture.configuration)
            #expect(stopped.allSatisfy { $0.found == nil })
        }
    }
}

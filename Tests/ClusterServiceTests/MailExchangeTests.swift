import AdminContract
import ClusterModel
import ClusterService
import MailFixtures
import Testing

@Suite("Whether senders can verify whom they reach", .timeLimit(.minutes(1)))
struct MailExchangeTests {
    private static let records = [
        "--local=/example.com/", "--mx-host=example.com,mx.example.com,10", "--mx-host=example.com,mx9.example.com,20",
        "--host-record=mx.example.com,127.0.0.11", "--host-record=mx9.example.com,127.0.0.99",
    ]

    /// A machine mx1 whose interface is called mx.example.com, with a public listener and a certificate.
    private func cluster(commonName: String) async throws -> Desk {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await desk.admin.createCertificate(
            CertificateCreation(level: .cluster, name: "mail", request: SelfSignedRequest(commonName: commonName), replace: false),
            for: desk.caller)
        try await desk.set(.mailFlowPolicies, "accepted", ["tls": "preferred"])
        try await desk.set(.listeners, "public", ["interface": "data1", "certificate": "mail", "defaultPolicy": "accepted"])
        _ = try await desk.commit()
        return desk
    }

    private func check(_ desk: Desk, _ records: [String] = MailExchangeTests.records) async throws -> MailExchangeView {
        try await DNSMasq.with(records) { resolver in
            try await desk.admin.checkMailExchange(
                MailExchangeRequest(domain: "example.com", resolver: "\(resolver)"), for: desk.caller)
        }
    }

    @Test func `each MX host stands beside the interface of its name and its certificate`() async throws {
        let view = try await check(try await cluster(commonName: "mx.example.com"))
        #expect(view.domain == "example.com" && view.source == .records && view.findings.isEmpty)
        #expect(view.lines.map(\.host) == ["mx.example.com", "mx9.example.com"])
        let line = try #require(view.lines.first)
        #expect(
            [line.machine, line.interface, line.hostname, line.service, line.certificate] == [
                "mx1", "data1", "mx.example.com", "listener/public", "mail",
            ])
        #expect(line.addresses == ["127.0.0.11"] && line.preference == 10 && line.level == .cluster && line.names == ["mx.example.com"])
        // No machine is connected, so that nothing was seen.
        #expect(line.disagreeing.isEmpty && line.served == nil && line.findings.map(\.code) == [.notServed, .selfSigned])
        #expect(view.lines.last?.findings.map(\.code) == [.unknownExchanger])
    }

    @Test func `a certificate of another name is the one that does not agree, whatever the machine calls itself`() async throws {
        let desk = try await cluster(commonName: "mail.example.com")
        #expect(try await check(desk).lines.first?.disagreeing == [.certificate])
        // The machine's own host name plays no part, neither for the record nor for the certificate.
        try await desk.set(.system, "settings", ["hostname": "mail.example.com"], at: .machine("mx1"))
        _ = try await desk.commit()
        #expect(try await check(desk).lines.first?.disagreeing == [.certificate])
        try await desk.set(.system, "settings", ["hostname": "mx9.example.com"], at: .machine("mx1"))
        _ = try await desk.commit()
        #expect(try await check(desk).lines.last?.findings.map(\.code) == [.unknownExchanger])
        // Renamed as the certificate is, the interface agrees with it, and the record is alone.
        try await desk.set(.interfaces, "data1", ["hostname": "mail.example.com", "address": "127.0.0.11"], at: .machine("mx1"))
        _ = try await desk.commit()
        #expect(try await check(desk).lines.first?.disagreeing == [.record])
    }

    @Test func `who only reads may not make the manager ask, and nobody may make it ask anywhere`() async throws {
        let desk = try await Desk.make()
        func ask(_ domain: String, _ resolver: String, _ role: Role) async throws {
            _ = try await desk.admin.checkMailExchange(
                MailExchangeRequest(domain: domain, resolver: resolver), for: Caller(user: "ann", role: role))
        }
        await #expect(throws: Refusal(.forbidden, "")) { try await ask("example.com", "127.0.0.1:1", .readOnly) }
        for resolver in ["192.0.2.1:22", "localhost", "127.0.0.1:0"] {
            await #expect(throws: Refusal(.invalid, "")) { try await ask("example.com", resolver, .administrator) }
        }
        await #expect(throws: Refusal(.invalid, "")) { try await ask("127.0.0.1", "127.0.0.1:1", .administrator) }
        await #expect(throws: Refusal(.lookup, "")) { try await ask("example.com", "127.0.0.1:1", .operator) }
        for _ in 1..<Limits.lookupsPerMinute {
            await #expect(throws: Refusal(.lookup, "")) { try await ask("example.com", "127.0.0.1:1", .operator) }
        }
        await #expect(throws: Refusal(.limit, "")) { try await ask("example.com", "127.0.0.1:1", .operator) }
    }

    @Test func `the outbound certificate is held against the interface that mail leaves by`() async throws {
        let desk = try await cluster(commonName: "mail.example.com")
        func codes() async throws -> [CertificateFinding.Severity] {
            let services = try await desk.admin.checkCertificates(for: desk.caller).filter { $0.service == "delivery" }
            let shown = try await desk.admin.certificate("mail", at: .cluster, for: desk.caller).findings
            let found = services.flatMap(\.findings).filter { $0.code == .deliveryMismatch }
            #expect(found == shown.filter { $0.code == .deliveryMismatch })
            return found.map(\.severity)
        }
        #expect(try await codes() == [])
        try await desk.set(.delivery, "settings", ["certificate": "mail"])
        _ = try await desk.commit()
        #expect(try await codes() == [.notice])
        try await desk.set(.delivery, "settings", ["certificate": "mail", "interface": "data1"])
        _ = try await desk.commit()
        #expect(try await codes() == [.warning])
        try await desk.set(
            .interfaces, "data2", ["hostname": "mail.example.com", "address": "127.0.0.12"], at: .machine("mx1"))
        _ = try await desk.commit()
        #expect(try await codes() == [.warning])
        try await desk.set(.delivery, "settings", ["certificate": "mail"])
        _ = try await desk.commit()
        #expect(try await codes() == [])
    }
}

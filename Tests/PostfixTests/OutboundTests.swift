import ClusterModel
import Gateways
import MailFixtures
import NIOSSL
import PostfixFixtures
import SMTPFixtures
import Testing

/// What becomes of mail to other servers, for every outbound mode and every kind of server (mission E2).
@Suite(
    "Postfix delivers as the table of outbound modes says", .timeLimit(.minutes(3)),
    .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct OutboundTests {
    enum Outcome: String, Equatable {
        case clear
        case encrypted
        case waits
    }

    /// A server, and what the modes come to there: none, preferred, required, preferred-verify, required-verify.
    struct Row {
        var host: String
        var behaviour: Remote.Behaviour
        var outcomes: [Outcome]

        static let modes: [DestinationSetting.TLS] = [.none, .preferred, .required, .preferredVerify, .requiredVerify]
    }

    private static let port = 2600

    private func rows(_ issuer: Issuer, _ rogue: Issuer) throws -> [Row] {
        let unverified: [Outcome] = [.clear, .encrypted, .encrypted, .encrypted, .waits]
        let verified: [Outcome] = [.clear, .encrypted, .encrypted, .encrypted, .encrypted]
        let without: [Outcome] = [.clear, .clear, .waits, .clear, .waits]
        let broken: [Outcome] = [.clear, .waits, .waits, .waits, .waits]
        return [
            Row(host: "good", behaviour: .serves(try issuer.issue("mx.good.test")), outcomes: verified),
            Row(host: "demands", behaviour: .demands(try issuer.issue("mx.demands.test"), issuer), outcomes: verified),
            Row(host: "self", behaviour: .serves(try Issuer.selfSigned("mx.self.test")), outcomes: unverified),
            Row(host: "wrong", behaviour: .serves(try issuer.issue("mx.other.test")), outcomes: unverified),
            Row(host: "expired", behaviour: .serves(try issuer.issue("mx.expired.test", days: -1)), outcomes: unverified),
            Row(host: "rogue", behaviour: .serves(try rogue.issue("mx.rogue.test")), outcomes: unverified),
            Row(host: "silent", behaviour: .offersNothing, outcomes: without),
            Row(host: "refuses", behaviour: .refuses, outcomes: without),
            Row(host: "old", behaviour: .isOld, outcomes: without),
            Row(host: "drops", behaviour: .drops, outcomes: broken),
            Row(host: "babbles", behaviour: .babbles, outcomes: broken),
            Row(
                host: "cipher",
                behaviour: .speaks(try issuer.issue("mx.cipher.test"), cipher: .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA), outcomes: broken),
        ]
    }

    @Test func `every cell of the table of outbound modes, seen by the servers themselves`() async throws {
        let resolver = "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250)).53"
        // Tried again at once, so that what a second attempt does is seen, too.
        let main = "smtp_tcp_port = \(OutboundTests.port)\nqueue_run_delay = 1s\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n"
        try await PostfixLab.with(main: main, resolver: resolver) { lab in
            let (issuer, rogue) = (try Issuer("Good"), try Issuer("Rogue"))
            let rows = try rows(issuer, rogue)
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.authorities["peers"] = try issuer.list
            setup.certificates["delivery"] = try issuer.issue("gw.example.com")
            setup.delivery.certificate = "delivery"
            setup.profiles["outbound"] = TLSProfileSetting(ciphers: "ECDHE+AESGCM")
            var records: [String] = []
            for (index, row) in rows.enumerated() {
                records.append("--host-record=mx.\(row.host).test,\(lab.network).\(100 + index)")
                for mode in Row.modes {
                    let domain = "\(mode.rawValue).\(row.host).test"
                    records.append("--mx-host=\(domain),mx.\(row.host).test,10")
                    setup.destinations[domain] = DestinationSetting(tls: mode)
                }
            }
            // The name of the host is not good enough here.
            records.append("--mx-host=exact.good.test,mx.good.test,10")
            setup.destinations["exact.good.test"] = DestinationSetting(tls: .requiredVerify)
            setup.destinations["exact.good.test"]?.nameCheck = .domain
            let settings = try setup.configuration
            try await DNSMasq.with(records, at: resolver) { _ in
                var remotes: [Remote] = []
                for (index, row) in rows.enumerated() {
                    remotes.append(
                        try await Remote.start(at: "\(lab.network).\(100 + index)", port: OutboundTests.port, row.behaviour))
                }
                try await lab.gateway.apply(settings)
                try await lab.send(
                    to: rows.flatMap { row in Row.modes.map { "u@\($0.rawValue).\(row.host).test" } } + ["u@exact.good.test"])
                for (row, remote) in zip(rows, remotes) {
                    for (mode, expected) in zip(Row.modes, row.outcomes) {
                        let recipient = "u@\(mode.rawValue).\(row.host).test"
                        let status = try await lab.outcome(of: recipient)
                        let found = remote.deliveries.first { $0.recipient == recipient }
                        let outcome: Outcome = found.map { $0.isEncrypted ? .encrypted : .clear } ?? .waits
                        #expect(outcome == expected, "\(recipient): \(status)")
                        #expect(status.hasPrefix(expected == .waits ? "deferred" : "sent"), "\(recipient): \(status)")
                    }
                }
                #expect(try await lab.outcome(of: "u@exact.good.test").hasPrefix("deferred (Server certificate not verified"))
                // What failed after the 220 does not go in clear text the next time either.
                for (row, remote) in zip(rows, remotes) where row.outcomes[1] == .waits {
                    let recipient = "u@preferred.\(row.host).test"
                    #expect(try await lab.outcome(of: recipient, attempt: 3).hasPrefix("deferred"))
                    #expect(!remote.deliveries.contains { $0.recipient == recipient })
                }
                let shown = remotes[1].deliveries.first { $0.isEncrypted }?.client
                #expect(shown == (try setup.certificates["delivery"]?.leaf))
                for (host, word) in [("good", "Trusted"), ("wrong", "Trusted"), ("self", "Untrusted"), ("rogue", "Untrusted")] {
                    #expect(lab.verdict(on: "u@preferred-verify.\(host).test") == word, "\(host)")
                }
                #expect(lab.verdict(on: "u@preferred-verify.silent.test") == nil)
                for remote in remotes { await remote.stop() }
            }
        }
    }

    @Test func `the default holds for destinations that are not named, and a name with a dot for all below it`() async throws {
        let main = "transport_maps = inline:{ { other.test = smtp:[127.0.0.1]:9 } }\nsmtp_tcp_port = 9\n"
        try await PostfixLab.with(main: main) { lab in
            var setup = Setup()
            setup.address = lab.address
            setup.destinations = ["default": DestinationSetting(tls: .required), ".sub.test": DestinationSetting(tls: .none)]
            try await lab.gateway.apply(try setup.configuration)
            let main = try #require(lab.read("etc/current/main.cf"))
            #expect(main.contains("smtp_tls_security_level = encrypt\n"))
            // Hand-made, and nothing to do with TLS: carried over.
            #expect(main.contains("transport_maps = inline:{ { other.test = smtp:[127.0.0.1]:9 } }\n"))
            #expect(lab.read("etc/current/destinations.texthash") == ".sub.test none\n")
        }
    }
}

import Certificates
import ClusterModel
import Foundation
import Gateways
import PostfixFixtures
import SMTPFixtures
import Testing

/// Destinations by the next hops that routes give them: as lines of a table, no Postfix is needed.
struct RoutePlanTests {
    private func plan(
        _ destinations: [String: DestinationSetting], _ routes: PostfixRoutes, master: String? = nil
    ) throws -> PostfixPlan {
        var setup = Setup()
        setup.destinations = destinations
        return try PostfixPlan(
            try setup.configuration, over: try PostfixBase(main: nil, master: master), routes: routes, system: nil, in: "/etc/postfix/gen/1"
        )
    }

    private func lines(_ destinations: [String: DestinationSetting], _ routes: PostfixRoutes) throws -> [String] {
        try #require(try plan(destinations, routes).files["destinations.texthash"]).text.split(separator: "\n").map(String.init)
    }

    private func reasons(_ destinations: [String: DestinationSetting], _ routes: PostfixRoutes, master: String? = nil) -> [String] {
        let refusal = #expect(throws: Refusal.self) { try plan(destinations, routes, master: master) }
        return refusal?.details ?? []
    }

    private func routes(_ routes: PostfixRoutes.Route...) -> PostfixRoutes {
        var all = PostfixRoutes()
        all.routes = routes
        return all
    }

    private let verified = DestinationSetting(tls: .requiredVerify)
    private var exact: DestinationSetting {
        var setting = verified
        setting.nameCheck = .domain
        return setting
    }

    @Test func `a route gets the level of its destination, word for word, and its certificate is asked for the domain`() throws {
        let routes = routes(
            .init("bank.test", ["[MX.bank.test]:2600", "[192.0.2.1]"]), .init("exact.test", ["relay.exact.test:587"]),
            .init("strict.test", ["[192.0.2.3]"]), .init("u@sub.all.test", ["[192.0.2.4]"]), .init("free.test", ["[192.0.2.5]"]))
        #expect(
            try lines(
                [
                    "bank.test": verified, "exact.test": exact, "strict.test": DestinationSetting(tls: .required),
                    ".all.test": DestinationSetting(tls: .required), "default": DestinationSetting(tls: .preferred),
                ], routes) == [
                    ".all.test encrypt", "bank.test secure match=nexthop:hostname", "exact.test secure match=nexthop",
                    "strict.test encrypt", "[192.0.2.1] secure match=bank.test", "[192.0.2.3] encrypt", "[192.0.2.4] encrypt",
                    "[mx.bank.test]:2600 secure match=bank.test:hostname", "relay.exact.test:587 secure match=exact.test",
                ])
    }

    @Test func `destinations of different levels with one server are refused, and of one level share a name that is good for each`() throws
    {
        let shared = routes(.init("a.test", ["[mx.test]"]), .init("b.test", ["[mx.test]"]))
        let reason = reasons(["a.test": verified, "b.test": DestinationSetting(tls: .none)], shared).first
        #expect(
            reason?.hasPrefix(
                "destinations: mail for a.test (required-verify), b.test (none) goes to one server, [mx.test] (by transport_maps)") == true)
        #expect(
            reasons(["a.test": verified, "b.test": exact], shared).first?.contains("b.test (required-verify, nameCheck domain)") == true)
        #expect(try lines(["a.test": verified, "b.test": verified], shared).last == "[mx.test] secure match=hostname")
        #expect(reasons(["a.test": exact, "b.test": exact], shared).first?.contains("nameCheck domain takes the name of no host") == true)
        let bare = routes(.init("a.test", ["[192.0.2.1]"]), .init("b.test", ["[192.0.2.1]"]))
        #expect(reasons(["a.test": verified, "b.test": verified], bare).first?.contains("the route names no host") == true)
        // The names of all below a domain are not those of one.
        #expect(try lines([".a.test": verified], routes(.init(".a.test", ["[mx.test]"]))).last == "[mx.test] secure match=hostname")
    }

    @Test func `mail for which the default holds never loses it to a destination with the same server`() throws {
        let weak = ["a.test": DestinationSetting(tls: .none), "default": DestinationSetting(tls: .required)]
        #expect(try lines(weak, routes(.init("a.test", ["[192.0.2.1]"]))).last == "[192.0.2.1] none")
        for other in [PostfixRoutes.Route("*", ["[192.0.2.1]"], source: "relayhost"), .init("u@other.test", ["[192.0.2.1]"])] {
            let reasons = reasons(weak, routes(.init("a.test", ["[192.0.2.1]"]), other))
            #expect(reasons.count == 1 && reasons[0].contains("who would lose what the default says (required)"))
        }
        // A domain as a hop has mail of its own.
        #expect(reasons(weak, routes(.init("a.test", ["relay.test"]))).first?.contains("that of others") == true)
        var unlisted = routes(.init("a.test", ["[192.0.2.1]"]))
        unlisted.unlisted = ["ldap:/etc/postfix/routes"]
        #expect(reasons(weak, unlisted).first?.contains("(ldap:/etc/postfix/routes cannot be listed)") == true)
    }

    @Test func `all mail to a relay gets the level of the strictest, with a remark`() throws {
        let relay = routes(
            .init("a.test", ["[smart.test]"], source: "relayhost"), .init("*", ["[smart.test]"], source: "relayhost"))
        let settings = ["a.test": verified, "default": DestinationSetting(tls: .preferred)]
        let plan = try plan(settings, relay)
        #expect(plan.files["destinations.texthash"]?.text.hasSuffix("\n[smart.test] secure match=a.test:hostname\n") == true)
        #expect(plan.remarks.count == 1 && plan.remarks[0].contains("[smart.test] (by relayhost)"))
        // The same level, and then only a name that is good for all.
        let all = ["a.test": verified, "default": verified]
        #expect(try lines(all, relay).last == "[smart.test] secure match=hostname")
    }

    @Test func `where any mail may go the strictest level holds, and on this machine none has to`() throws {
        var routes = PostfixRoutes()
        routes.common = [.init("[fallback.test]", source: "smtp_fallback_relay")]
        routes.filters = ["[127.0.0.1]:10024"]
        let settings = ["a.test": verified, "b.test": DestinationSetting(tls: .none), "default": DestinationSetting(tls: .required)]
        #expect(try lines(settings, routes).suffix(2) == ["[fallback.test] secure match=a.test:hostname", "[127.0.0.1]:10024 none"])
        routes.routes = [.init("b.test", ["[fallback.test]"])]
        #expect(reasons(settings, routes).first?.contains("by smtp_fallback_relay mail of stricter destinations may go") == true)
        // A line for all below a domain would be found for a hop that is one.
        routes.routes = []
        routes.common = [.init("relay.weak.test", source: "smtp_fallback_relay")]
        let below = [".weak.test": DestinationSetting(tls: .none), "default": DestinationSetting(tls: .required)]
        #expect(reasons(below, routes).first?.hasPrefix("destinations/.weak.test: its mail goes to relay.weak.test") == true)
    }

    @Test func `what nobody can see is refused where a level could be lost, or said`() throws {
        var routes = PostfixRoutes()
        routes.unlistedSenders = ["sender_dependent_relayhost_maps: regexp:/r"]
        #expect(reasons(["a.test": verified], routes).first?.contains("sender_dependent_relayhost_maps: regexp:/r") == true)
        #expect(try lines(["a.test": DestinationSetting(tls: .none)], routes) == ["a.test none"])
        let error = self.routes(.init("a.test", ["5.1.1", "gone"], transport: "error"))
        #expect(try lines(["a.test": verified], error) == ["a.test secure match=nexthop:hostname"])
        let mailbox = self.routes(.init("a.test", ["[192.0.2.1]:24"], transport: "lmtp"))
        #expect(reasons(["a.test": verified], mailbox).first?.contains("by the process lmtp (lmtp)") == true)
        routes = PostfixRoutes()
        routes.unlisted = ["regexp:/r"]
        #expect(try plan(["a.test": verified], routes).remarks.first?.hasPrefix("regexp:/r cannot be listed") == true)
    }

    @Test func `hand-made parameters by which Postfix would not see TLS give way, those of processes, too`() throws {
        let main = "smtp_discard_ehlo_keywords = chunking, starttls\nsmtp_never_send_ehlo = yes\nsmtp_tls_trust_anchor_file = /x\n"
        let master =
            "slow unix - - n - - smtp\n  -o smtp_tls_policy_maps=hash:/x -o smtp_discard_ehlo_keywords=starttls -o smtp_helo_timeout=5\n"
        let plan = try PostfixPlan(
            try Setup().configuration, over: try PostfixBase(main: main, master: master), system: nil, in: "/etc/postfix/gen/1")
        #expect(
            plan.overridden == [
                "main.cf: smtp_discard_ehlo_keywords", "main.cf: smtp_never_send_ehlo", "main.cf: smtp_tls_trust_anchor_file",
                "master.cf: smtp_tls_policy_maps of slow unix", "master.cf: smtp_discard_ehlo_keywords of slow unix",
            ])
        let processes = try PostfixProcess.all(parsing: try #require(plan.files["master.cf"]).text)
        #expect(processes[0].options == [.init("smtp_helo_timeout", "5"), .init("minimal_backoff_time", "1000d")])
    }
}

/// What becomes of mail that hand-made routes send elsewhere than to its domain.
@Suite(
    "A destination keeps its TLS level by whatever route", .timeLimit(.minutes(2)),
    .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct RouteTests {
    @Test func `mail by routes of every kind gets the level of its destination, and a route that changes is seen`() async throws {
        try await PostfixLab.with { lab in
            let (good, wrong, plain) = ("\(lab.network).100", "\(lab.network).101", "\(lab.network).102")
            let table = "\(lab.configuration)/transport"
            func route(_ lines: [String: String]) throws {
                try lines.map { "\($0) \($1)\n" }.sorted().joined().write(toFile: table, atomically: true, encoding: .utf8)
            }
            let first = [
                "good.test": "smtp:[\(good)]:2600", "wrong.test": "relay:[\(wrong)]:2600", "one@straight.test": "smtp:[\(wrong)]:2601",
                ".below.test": "smtp:[\(plain)]:2600", "moves.test": "smtp:[\(good)]:2601",
            ]
            try route(first)
            let main = try #require(lab.read("etc/main.cf"))
            let routing =
                "relayhost = [\(plain)]:2601\nmy_table = texthash:\(table)\n"
                + "transport_maps = $my_table, regexp:\(lab.configuration)/patterns\n"
            try (main + routing).write(toFile: "\(lab.configuration)/main.cf", atomically: false, encoding: .utf8)
            try "/@pattern\\.test$/ smtp:[\(wrong)]:2602\n".write(
                toFile: "\(lab.configuration)/patterns", atomically: false, encoding: .utf8)
            let issuer = try Issuer("Good")
            var setup = Setup()
            setup.address = lab.address
            setup.authorities["peers"] = try issuer.list
            setup.destinations["default"] = DestinationSetting(tls: .preferred)
            for domain in ["good.test", "wrong.test", "straight.test", "pattern.test", "moves.test"] {
                setup.destinations[domain] = DestinationSetting(tls: .requiredVerify)
            }
            setup.destinations[".below.test"] = DestinationSetting(tls: .required)
            let settings = try setup.configuration
            let served: [(String, Int, Remote.Behaviour)] = [
                (good, 2600, .serves(try issuer.issue("good.test"))), (good, 2601, .serves(try issuer.issue("moves.test"))),
                (wrong, 2600, .serves(try issuer.issue("other.test"))), (wrong, 2601, .serves(try issuer.issue("other.test"))),
                (wrong, 2602, .serves(try issuer.issue("other.test"))), (plain, 2600, .offersNothing),
                (plain, 2601, .serves(try issuer.issue("straight.test"))),
            ]
            var remotes: [Remote] = []
            for (host, port, behaviour) in served { remotes.append(try await Remote.start(at: host, port: port, behaviour)) }
            try await lab.gateway.apply(settings)
            let arrive = ["u@good.test", "u@moves.test", "u@straight.test", "u@free.test"]
            let wait = ["u@wrong.test", "one@straight.test", "u@pattern.test", "u@some.below.test"]
            try await lab.send(to: arrive + wait)
            for recipient in arrive {
                let status = try await lab.outcome(of: recipient)
                #expect(status.hasPrefix("sent"), "\(recipient): \(status)")
                #expect(remotes.flatMap(\.deliveries).first { $0.recipient == recipient }?.isEncrypted == true, "\(recipient)")
            }
            for recipient in wait.prefix(3) {
                #expect(try await lab.outcome(of: recipient).hasPrefix("deferred (Server certificate not verified"), "\(recipient)")
            }
            #expect(try await lab.outcome(of: wait[3]).hasPrefix("deferred (TLS is required, but was not offered"))
            #expect(await lab.gateway.observe(settings).compactMap(\.objection) == [])

            // Another route by hand: seen, and put right at the next apply.
            try route(first.merging(["moves.test": "smtp:[\(wrong)]:2603"]) { $1 })
            let objections = await lab.gateway.observe(settings).compactMap(\.objection)
            #expect(objections.count == 1 && objections[0].hasPrefix("the TLS level by the ways that mail takes to moves.test is another"))
            try await lab.gateway.apply(settings)
            #expect(lab.read("etc/current/destinations.texthash")?.contains("[\(wrong)]:2603 secure match=moves.test\n") == true)
            #expect(await lab.gateway.observe(settings).compactMap(\.objection) == [])
            // A table that does not answer: nobody knows where mail goes.
            try FileManager.default.removeItem(atPath: table)
            let refusal = await #expect(throws: Refusal.self) { try await lab.gateway.apply(settings) }
            #expect(refusal?.reason.contains("\(table) does not answer") == true)
            for remote in remotes { await remote.stop() }
        }
    }
}

import ClusterModel
import Foundation
import Gateways
import Logging
import NIOCore
import NIOPosix
import PostfixFixtures
import SMTPFixtures
import Testing

/// Everything that can go wrong is said, and what served before goes on serving.
@Suite(
    "A fault is explained and changes nothing at Postfix", .timeLimit(.minutes(2)),
    .enabled(if: PostfixLab.isPossible, "Postfix obeys root only"))
struct FaultTests {
    /// An instance that serves a certificate, and the settings for it.
    private func serving(main: String = "", _ body: (PostfixLab, Setup) async throws -> Void) async throws {
        try await PostfixLab.with(main: main) { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            try await lab.gateway.apply(try setup.configuration)
            try await body(lab, setup)
            #expect(try await served(lab) == setup.certificates["mail"]?.leaf)
        }
    }

    private func served(_ lab: PostfixLab) async throws -> Digest {
        let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
        let leaf = try await peer.secure()
        await peer.close()
        return leaf
    }

    /// The details of the refusal of a configuration.
    private func refusal(_ lab: PostfixLab, _ setup: Setup, of gateway: PostfixGateway? = nil) async throws -> String {
        let configuration = try setup.configuration
        let before = lab.names(in: "etc/gen")
        let refusal = await #expect(throws: Refusal.self) { try await (gateway ?? lab.gateway).apply(configuration) }
        #expect(lab.names(in: "etc/gen") == before)
        return refusal?.details.joined(separator: "\n") ?? ""
    }

    @Test func `a port that somebody else has, and an address that is not there`() async throws {
        try await serving { lab, setup in
            let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: lab.address, port: 2526).get()
            var changed = setup
            changed.listeners["other"] = setup.listeners["public"]
            changed.listeners["other"]?.port = 2526
            let reason = "the port is in use by another program, or by a service on all addresses"
            #expect(try await refusal(lab, changed) == "listener/other at \(lab.address):2526: \(reason)")
            try await other.close()
            changed.address = "192.0.2.77"
            #expect(try await refusal(lab, changed).contains("this machine does not have the address 192.0.2.77"))
        }
    }

    @Test func `a list of ciphers that leaves nothing is seen only when it is served, and taken back`() async throws {
        try await serving { lab, setup in
            var changed = setup
            changed.profiles["inbound"] = TLSProfileSetting(maximum: .tls12, ciphers: "NOSUCHCIPHER")
            let reason = try await refusal(lab, changed)
            #expect(reason == "listener/public at \(lab.address):2525: the TLS handshake fails")
        }
    }

    @Test func `files that are right and processes that do not read them: seen by a session, and taken back`() async throws {
        try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            let gateway = try lab.another(commands: try lab.commandsThatReadTheFirst())
            try await gateway.apply(try setup.configuration)
            setup.policies["all"] = MailFlowPolicySetting(tls: .required)
            #expect(
                try await refusal(lab, setup, of: gateway)
                    == "listener/public at \(lab.address):2525: it takes a recipient from this machine without TLS")
            setup.policies["all"] = MailFlowPolicySetting(tls: .required)
            try await lab.another().apply(try setup.configuration)
            let refused = try await lab.logged("the session") { $0.contains("530 5.7.1 Session encryption is required") }
            #expect(refused.contains("from=<> to=<postmaster@localhost>"))
            // Whom Postfix takes in any case gets no message in clear text either.
            let peer = try await Peer.connect(to: lab.address, from: "\(lab.network).2")
            _ = try await peer.reply()
            for line in ["EHLO client.test", "MAIL FROM:<a@sender.test>", "RCPT TO:<postmaster>"] {
                #expect(try await peer.say(line).last?.hasPrefix("250") == true)
            }
            #expect(try await peer.say("DATA") == ["530 5.7.1 Session encryption is required"])
            await peer.close()
        }
    }

    @Test func `a hand-made setting that Postfix cannot read`() async throws {
        try await serving { lab, setup in
            let original = try #require(lab.read("etc/original/main.cf"))
            for (line, reason) in [
                ("junk", "sets nothing"), ("disable_vrfy_command = maybe", "bad boolean configuration: disable_vrfy_command = maybe"),
            ] {
                try (original + line + "\n").write(toFile: "\(lab.configuration)/original/main.cf", atomically: true, encoding: .utf8)
                let configuration = try setup.configuration
                let refusal = await #expect(throws: Refusal.self) { try await lab.gateway.apply(configuration) }
                #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "")")
            }
            try original.write(toFile: "\(lab.configuration)/original/main.cf", atomically: true, encoding: .utf8)
        }
    }

    @Test func `Postfix that was stopped is started again, and files that were edited are put right and kept`() async throws {
        try await serving { lab, setup in
            let configuration = try setup.configuration
            #expect(await lab.gateway.observe(configuration).compactMap(\.objection) == [])
            #expect(await lab.postfix("stop"))
            try "smtp_tls_security_level = none\n".write(
                toFile: "\(lab.configuration)/gen/1/main.cf", atomically: false, encoding: .utf8)
            try FileManager.default.removeItem(atPath: "\(lab.configuration)/master.cf")
            try "# by hand\n".write(toFile: "\(lab.configuration)/master.cf", atomically: false, encoding: .utf8)
            let changed = try await lab.another().observe(configuration).filter { $0.objection != nil }.map(\.subject)
            #expect(Set(changed) == ["\(lab.configuration)/gen/1/main.cf", "\(lab.configuration)/master.cf"])
            try await lab.another().apply(configuration)
            #expect(lab.read("etc/replaced/main.cf.1") == "smtp_tls_security_level = none\n")
            #expect(lab.read("etc/replaced/master.cf.1") == "# by hand\n")
            #expect(lab.read("etc/main.cf")?.contains("Made by Muster") == true)
        }
    }

    @Test func `Postfix that is not installed any more, or that does not come to an end, is named in time`() async throws {
        try await serving { lab, setup in
            let commands = "\(lab.root)/commands"
            try FileManager.default.createDirectory(atPath: commands, withIntermediateDirectories: false)
            for command in ["postfix", "postconf", "postmap"] {
                try FileManager.default.createSymbolicLink(atPath: "\(commands)/\(command)", withDestinationPath: "/usr/sbin/\(command)")
            }
            let options = try PostfixOptions(["config-dir": lab.configuration, "command-dir": commands])
            let gateway = PostfixGateway(
                options, group: MultiThreadedEventLoopGroup.singleton, clock: HurriedClock(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            var changed = setup
            changed.hostname = "new.example.com"
            let configuration = try changed.configuration
            let reload = "\(commands)/postfix"
            try FileManager.default.removeItem(atPath: reload)
            try "#!/bin/sh\nexec sleep 1000\n".write(toFile: reload, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: reload)
            let late = await #expect(throws: Refusal(.wouldBreak, "")) { try await gateway.apply(configuration) }
            #expect(late?.details.contains("postfix did not end within 15 seconds.") == true, "\(late?.details ?? [])")
            #expect(lab.read("etc/main.cf")?.contains("gen/1/") == true)
            try FileManager.default.removeItem(atPath: "\(commands)/postconf")
            let gone = await #expect(throws: Refusal(.unavailable, "")) { try await gateway.apply(configuration) }
            #expect(gone?.reason.hasPrefix("postconf could not be run: ") == true)
            let missing = #expect(throws: Refusal(.notFound, "")) {
                try PostfixOptions(["config-dir": lab.configuration, "command-dir": commands])
            }
            #expect(missing?.reason.hasPrefix("There is no program \(commands)/postconf. Install Postfix, or say where") == true)
        }
    }

    @Test func `what cannot be served at first leaves the hand-made files as they were`() async throws {
        try await PostfixLab.with { lab in
            let before = lab.read("etc/main.cf")
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            setup.profiles["inbound"] = TLSProfileSetting(maximum: .tls12, ciphers: "NOSUCHCIPHER")
            let configuration = try setup.configuration
            await #expect(throws: Refusal(.wouldBreak, "")) { try await lab.gateway.apply(configuration) }
            #expect(lab.read("etc/main.cf") == before && lab.read("etc/current/main.cf") == nil)
            #expect(await !lab.postfix("status"))
            #expect(await Peer.isNobody(to: lab.address))
        }
    }

    @Test func `a listener at all addresses gives way to one at its own, and comes back when that fails`() async throws {
        try await PostfixLab.with { lab in
            try
                "2525 inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\nanvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n"
                .write(toFile: "\(lab.configuration)/master.cf", atomically: false, encoding: .utf8)
            #expect(await lab.postfix("start"))
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            var broken = setup
            broken.profiles["inbound"] = TLSProfileSetting(maximum: .tls12, ciphers: "NOSUCHCIPHER")
            let configuration = try broken.configuration
            await #expect(throws: Refusal(.wouldBreak, "")) { try await lab.gateway.apply(configuration) }
            let peer = try await Peer.connect(to: "\(lab.network).9", from: "\(lab.network).2")
            #expect(try await peer.reply().last?.hasPrefix("220") == true)
            await peer.close()
            try await lab.gateway.apply(try setup.configuration)
            #expect(try await served(lab) == setup.certificates["mail"]?.leaf)
            #expect(await Peer.isNobody(to: "\(lab.network).9"))
        }
    }

    @Test func `keys are for root alone, and are gone from the generation before`() async throws {
        try await serving { lab, setup in
            var next = setup
            next.hostname = "mx2.example.com"
            try await lab.gateway.apply(try next.configuration)
            next.hostname = "mx3.example.com"
            next.ldap = LDAPSetting()
            next.ldap?.certificate = "mail"
            try await lab.gateway.apply(try next.configuration)
            #expect(lab.names(in: "etc/gen") == ["2", "3"])
            #expect(lab.names(in: "etc/gen/2/tls") == [] && lab.names(in: "etc/gen/3/tls") == ["ldap", "mail.pem"])
            // That for LDAP is for the user that looks into tables, by a path that stays.
            for (path, owner) in [("gen/3/tls/mail.pem", "root"), ("current/tls/ldap/key.pem", "postfix")] {
                let facts = try FileManager.default.attributesOfItem(atPath: "\(lab.configuration)/\(path)")
                #expect((facts[.posixPermissions] as? NSNumber)?.intValue == 0o600 && facts[.ownerAccountName] as? String == owner)
            }
        }
    }
}

/// A clock on which time passes five times as fast.
private struct HurriedClock: Clock {
    var now: ContinuousClock.Instant { .now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: (deadline - now) / 5)
    }
}

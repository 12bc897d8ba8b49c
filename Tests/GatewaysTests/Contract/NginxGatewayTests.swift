import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import NIOPosix
import Subprocess
import SMTPFixtures
import Testing

@Suite(.timeLimit(.minutes(2)), .enabled(if: GatewayKeeper.nginx.lack == nil, "nginx is not installed"))
struct NginxGatewayTests {
    @Test func `a listener is refused with the reason, and one whose interface is missing is none`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            var fixture = try await Fixture.web()
            var listener = ListenerSetting()
            listener.interface = "data1"
            listener.defaultPolicy = "all"
            fixture.listeners["public"] = listener
            let refused = try fixture.configuration
            let gateway = try lab.gateway()
            let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(refused) }
            #expect(
                refusal?.details == [
                    "listeners/public: it takes mail, and nginx serves HTTPS only: take the listener out for this machine, or give the machine another gateway"
                ])
            #expect(lab.current("nginx") == nil)
            listener.interface = "data2"
            fixture.listeners["public"] = listener
            try await gateway.apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
        }
    }

    @Test func `an nginx that died is started, also where its workers still hold the port`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway()
            try await gateway.apply(try fixture.configuration)
            let master = try #require(lab.nginxMaster)
            #expect(kill(master, SIGKILL) == 0)
            while !lab.isGone(master) { await Task.yield() }
            fixture.certificates["web"] = try await .make("new.example")
            try await gateway.apply(try fixture.configuration)
            #expect(lab.nginxMaster != master)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            // Dead as a whole, and the same configuration.
            for id in lab.nginxWorkers { _ = kill(id, SIGKILL) }
            while !lab.nginxWorkers.isEmpty { await Task.yield() }
            try await lab.gateway().apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
        }
    }

    @Test func `a profile is kept by every handshake when apply returns`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway()
            for (profile, spoken, refused) in [
                (TLSProfileSetting(minimum: .tls13, maximum: .tls13), "-tls1_3", "-tls1_2"),
                (TLSProfileSetting(minimum: .tls12, maximum: .tls12, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384"), "-tls1_2", "-tls1_3"),
                (TLSProfileSetting(minimum: .tls10, maximum: .tls11), "-tls1_1", "-tls1_2"),
                (TLSProfileSetting(cipherSuites: [.chacha20]), "-tls1_3", "-tls1_1"),
            ] {
                fixture.profiles["https"] = profile
                try await gateway.apply(try fixture.configuration)
                #expect(try await handshake(fixture, spoken) != nil)
                #expect(try await handshake(fixture, refused) == nil)
                switch spoken {
                case "-tls1_2": #expect(try await handshake(fixture, spoken) == "ECDHE-ECDSA-AES256-GCM-SHA384")
                case "-tls1_3" where !profile.cipherSuites.isEmpty:
                    #expect(try await handshake(fixture, spoken) == "TLS_CHACHA20_POLY1305_SHA256")
                default: break
                }
            }
        }
    }

    /// The cipher of a handshake as openssl does it; nil when there is none.
    private func handshake(_ fixture: Fixture, _ version: String) async throws -> String? {
        let result = try await run(
            .name("openssl"),
            arguments: ["s_client", "-connect", "\(fixture.address):8443", version, "-cipher", "ALL:@SECLEVEL=0", "-brief"],
            output: .discarded, error: .string(limit: 1 << 16))
        guard let line = result.standardError.split(separator: "\n").first(where: { $0.hasPrefix("Ciphersuite: ") }) else { return nil }
        return String(line.dropFirst("Ciphersuite: ".count))
    }

    @Test func `hand-made locations are served, checked, and read again when they change`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            let fixture = try await Fixture.web()
            let gateway = try lab.gateway()
            try FileManager.default.createDirectory(
                atPath: "\(lab.directory)/nginx/own", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try lab.write("location / { return 404; }\n", to: "nginx/own/data1.conf")
            try await gateway.apply(try fixture.configuration)
            #expect(try await answer(fixture) == "HTTP/1.1 404 Not Found")
            try lab.write("location / { retrun 403; }\n", to: "nginx/own/data1.conf")
            let configuration = try fixture.configuration
            let refusal = await #expect(throws: Refusal(.invalid, "")) { try await gateway.apply(configuration) }
            #expect(refusal?.details.first?.contains("unknown directive \"retrun\"") == true)
            #expect(try await answer(fixture) == "HTTP/1.1 404 Not Found")
            try lab.write("location / { return 403; }\n", to: "nginx/own/data1.conf")
            try await gateway.apply(configuration)
            #expect(try await answer(fixture) == "HTTP/1.1 403 Forbidden")
            try lab.write("location / { return 403; }\n", to: "nginx/own/data1.conf", mode: 0o666)
            await #expect(throws: Refusal(.forbidden, "")) { try await gateway.apply(configuration) }
        }
    }

    private func answer(_ fixture: Fixture) async throws -> String {
        let peer = try await Peer.connect(to: fixture.address, port: 8443)
        _ = try await peer.handshake()
        try await peer.send("GET / HTTP/1.0\r\n\r\n")
        let line = try await peer.line()
        await peer.close()
        return line
    }

    @Test func `HTTPS that goes away is served no more, and a machine without any needs no nginx`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway()
            let https = fixture.https
            fixture.https = nil
            try await gateway.apply(try fixture.configuration)
            #expect(lab.nginxMaster == nil)
            fixture.https = https
            try await gateway.apply(try fixture.configuration)
            #expect(try await fixture.served() == fixture.certificates["web"]?.fingerprint)
            fixture.https = nil
            try await gateway.apply(try fixture.configuration)
            #expect(await Peer.isNobody(to: fixture.address, port: 8443))
        }
    }

    @Test func `what cannot be is said before anything is made`() async throws {
        try await GatewayLab.with(.nginx) { lab in
            let place = "\(lab.directory)/nginx"
            func reason(_ options: [String: String]) -> String {
                do throws(Refusal) { _ = try NginxOptions(options) } catch { return error.reason }
                return ""
            }
            #expect(reason([:]).hasPrefix("The gateway nginx needs a directory of its own"))
            #expect(reason(["config-dir": "nginx"]).contains("is not an absolute path"))
            #expect(reason(["config-dir": place, "comand": "/usr/sbin/nginx"]).contains("(did you mean \"command\"?)"))
            #expect(
                reason(["config-dir": place, "command": "/nowhere/nginx"])
                    == "There is no program /nowhere/nginx. Install nginx (Debian: apt-get install nginx-light), or say where it is: --gateway-option command=/path/to/nginx"
            )
            #expect(reason(["config-dir": place, "command": "nginx"]).contains("There is no program nginx"))
            let gateway = NginxGateway(
                try NginxOptions(["config-dir": place, "command": "/bin/true"]), group: MultiThreadedEventLoopGroup.singleton, logger: quiet
            )
            let configuration = try await Fixture.web().configuration
            let refusal = await #expect(throws: Refusal(.unavailable, "")) { try await gateway.apply(configuration) }
            #expect(refusal?.reason.contains("is no nginx") == true)
        }
    }
}

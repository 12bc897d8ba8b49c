import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import NIOPosix
import SMTPFixtures
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct DirectoryGatewayTests {
    @Test func `a configuration is laid out whole, for its owner only, and without a secret where none belongs`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            var fixture = try await Fixture.web()
            let authority = try await TestCertificate.make("authority.example")
            fixture.authorities = ["partners": try authority.list]
            try await lab.gateway(proves: false).apply(try fixture.configuration)
            let place = "files/current"
            let certificate = try #require(fixture.certificates["web"])
            #expect(lab.text("\(place)/certificates/web/chain.pem") == certificate.chain)
            #expect(lab.text("\(place)/certificates/web/full.pem").hasSuffix(certificate.chain))
            #expect(lab.text("\(place)/certificates/web/full.pem").hasPrefix(lab.text("\(place)/certificates/web/key.pem")))
            #expect(lab.text("\(place)/authorities.pem") == authority.chain)
            let settings = lab.text("\(place)/settings.json")
            #expect(settings.contains("\"interfaces\":{\"data1\":{\"address\":\"\(fixture.address)\""))
            for name in ["settings.json", "services.json", "authorities.pem", "certificates/web/chain.pem"] {
                #expect(!lab.text("\(place)/\(name)").contains("PRIVATE KEY"))
            }
            let leaf = try certificate.fingerprint.hex
            #expect(
                lab.text("\(place)/services.json")
                    == "{\"services\":[{\"address\":\"\(fixture.address)\",\"certificate\":\"web\",\"fingerprint\":\"\(leaf)\",\"hostname\":\"mx1.example.com\",\"name\":\"https/data1\",\"port\":8443,\"probe\":{\"kind\":\"tls\",\"serverName\":\"mx1.example.com\"}}]}"
            )
            for (name, mode) in [("certificates/web/key.pem", 0o600), ("certificates/web", 0o700), ("settings.json", 0o600), ("", 0o700)] {
                let facts = try FileManager.default.attributesOfItem(atPath: "\(lab.directory)/files/generations/1/\(name)")
                #expect((facts[.posixPermissions] as? Int) == mode, "\(name)")
            }
        }
    }

    @Test func `the hook is told the generation and the one before, and two are kept`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway(proves: false)
            for name in ["one", "two", "three"] {
                fixture.hostname = "\(name).example"
                try await gateway.apply(try fixture.configuration)
            }
            #expect(lab.runs == ["1 ", "2 1", "3 2"])
            #expect(lab.generations == ["2", "3"])
            #expect(lab.current() == "3")
        }
    }

    @Test func `a hook that fails is quoted without a key, and the generation before is put back and told of`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway(proves: false)
            try await gateway.apply(try fixture.configuration)
            try lab.write(
                "#!/bin/sh\necho \"$MUSTER_GENERATION $MUSTER_PREVIOUS\" >> \(lab.directory)/runs\n[ $MUSTER_GENERATION = 1 ] && exit 0\ncp certificates/web/key.pem \(lab.directory)/printed\necho first\ncat certificates/web/key.pem\nprintf 'will \\033[1mnot\\n' >&2\nexit 3\n",
                to: "hook", mode: 0o700)
            fixture.certificates["web"] = try await .make("new.example")
            let refused = try fixture.configuration
            let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await gateway.apply(refused) }
            let details = try #require(refusal?.details)
            #expect(details.first == "the hook \(lab.hook) ended with status 3")
            #expect(details.last == "the hook says: will [1mnot")
            for line in lab.text("printed").split(separator: "\n") where !line.hasPrefix("-") {
                #expect(!details.contains { $0.contains(line) })
            }
            #expect(details.contains("the hook says: (a line that has a part of a private key)"))
            #expect(lab.runs == ["1 ", "2 1", "1 2"])
            #expect(lab.current() == "1")
            #expect(lab.generations == ["1"])
        }
    }

    @Test func `a hook that hangs is killed with all that it started, and the generation before is put back`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            var fixture = try await Fixture.web()
            try await lab.gateway(proves: false).apply(try fixture.configuration)
            try lab.write(
                "#!/bin/sh\n[ $MUSTER_GENERATION = 1 ] && exit 0\nsleep 1000 & echo $! > \(lab.directory)/child\necho waiting\nwait\n",
                to: "hook", mode: 0o700)
            fixture.hostname = "new.example"
            let refused = try fixture.configuration
            let gateway = try lab.gateway(hookSeconds: 1, proves: false)
            let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await gateway.apply(refused) }
            #expect(
                refusal?.details == [
                    "the hook \(lab.hook) did not end within 1 seconds, and was killed", "the hook says: waiting",
                ])
            let child = try #require(pid_t(lab.text("child").prefix { $0.isNumber }))
            while !lab.isGone(child) { await Task.yield() }
            #expect(lab.current() == "1")
        }
    }

    @Test func `what the hook leaves running goes on, and what it says beyond the limit is dropped`() async throws {
        let hook = """
            #!/bin/sh
            sleep 1000 & echo $! > @LAB@/server.pid
            yes | head -c 3000000
            exit 0

            """
        try await GatewayLab.with(.directory, hook: hook) { lab in
            try await lab.gateway(proves: false).apply(try Fixture.web().configuration)
            let child = try #require(pid_t(lab.text("server.pid").prefix { $0.isNumber }))
            #expect(!lab.isGone(child))
        }
    }

    @Test func `a configuration that nothing serves is refused, unless the machine says that nothing can be seen`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            let fixture = try await Fixture.web()
            let configuration = try fixture.configuration
            let refusal = await #expect(throws: Refusal(.wouldBreak, "")) { try await lab.gateway().apply(configuration) }
            #expect(refusal?.details == ["https/data1 at \(fixture.address):8443 does not answer a TLS handshake"])
            #expect(lab.current() == nil)
            try await lab.gateway(proves: false).apply(configuration)
            let services = try configuration.settings.intendedServices()
            let proofs = await UnprovenProber(because: DirectoryOptions.unproven).prove(services)
            #expect(proofs.map(\.unprovable) == [DirectoryOptions.unproven])
        }
    }

    @Test func `a run that a crash cut off is made up for`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            let fixture = try await Fixture.web()
            try await lab.gateway(proves: false).apply(try fixture.configuration)
            // The link was switched, and the hook did not come to its end.
            try FileManager.default.removeItem(atPath: "\(lab.directory)/files/proved")
            try await lab.gateway(proves: false).apply(try fixture.configuration)
            #expect(lab.runs == ["1 ", "2 "])
            #expect(lab.current() == "2")
        }
    }

    @Test func `what cannot be is said before anything is made`() async throws {
        try await GatewayLab.with(.directory) { lab in
            let path = "\(lab.directory)/files"
            func reason(_ options: [String: String]) -> String {
                do throws(Refusal) { _ = try DirectoryOptions(options) } catch { return error.reason }
                return ""
            }
            #expect(reason([:]).hasPrefix("The gateway directory needs to know where to lay out configurations"))
            #expect(reason(["path": "files"]).contains("is not an absolute path"))
            #expect(reason(["path": "/tmp/a b"]).contains("is not an absolute path of letters"))
            #expect(reason(["path": "/nowhere/files"]).contains("there is no directory /nowhere"))
            #expect(reason(["path": lab.hook]).contains("is not a directory"))
            #expect(reason(["path": path, "hok": "/bin/true"]).contains("has no option \"hok\" (did you mean \"hook\"?)"))
            #expect(reason(["path": path, "hook": "hook"]) == "hook=hook is not an absolute path.")
            #expect(reason(["path": path, "hook": "/nowhere/hook"]).contains("there is no such program"))
            #expect(reason(["path": path, "hook": "/tmp"]).contains("is not a program that can be run"))
            #expect(reason(["path": path, "hook-seconds": "0"]).contains("is not a number from 1 to 24"))
            #expect(reason(["path": path, "prove": "maybe"]).contains("is neither yes nor no"))
            try lab.write("#!/bin/sh\n", to: "hook", mode: 0o722)
            #expect(reason(["path": path, "hook": lab.hook]) == "hook=\(lab.hook) can be changed by others. Run: chmod go-w \(lab.hook)")
            try lab.write("#!/bin/sh\n", to: "hook", mode: 0o700)
            try lab.setMode(of: lab.directory, 0o707)
            #expect(reason(["path": path, "hook": lab.hook]).contains("can be replaced by others, who may write to \(lab.directory)"))
            try lab.setMode(of: lab.directory, 0o700)
            #expect(reason(["path": path, "hook": lab.hook]) == "")
        }
    }

    @Test func `a list of authorities that somebody edits is seen, and a newer one of the system is no drift`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            let system = Mutex("")
            let configuration = try await Fixture.web().configuration
            let options = try DirectoryOptions(["path": "\(lab.directory)/files", "hook": lab.hook, "prove": "no"])
            let gateway = DirectoryGateway(
                options, group: MultiThreadedEventLoopGroup.singleton, logger: quiet, systemAuthorities: { system.withLock { $0 } })
            let list = try await TestCertificate.make("authority.example").chain
            system.withLock { $0 = list }
            try await gateway.apply(configuration)
            let place = "files/current/authorities.pem"
            try #require(lab.text(place).contains(list))
            let renewed = try await TestCertificate.make("next.example").chain
            system.withLock { $0 = renewed }
            #expect(await gateway.observe(configuration).allSatisfy { $0.objection == nil })
            try lab.write(renewed, to: place)
            let objections = await gateway.observe(configuration).compactMap(\.objection)
            #expect(objections.count == 1 && objections[0].contains("/authorities.pem"), "\(objections)")
        }
    }

    @Test func `a hook that others came to be able to change is not run`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            var fixture = try await Fixture.web()
            let gateway = try lab.gateway(proves: false)
            try await gateway.apply(try fixture.configuration)
            try lab.setMode(of: lab.hook, 0o777)
            fixture.hostname = "new.example"
            let refused = try fixture.configuration
            await #expect(throws: Refusal(.forbidden, "")) { try await gateway.apply(refused) }
            #expect(lab.runs == ["1 "])
            #expect(lab.current() == "1")
        }
    }

    @Test func `a directory that others may write to, or that is not Muster's, is refused`() async throws {
        try await GatewayLab.with(.directory, hook: GatewayLab.countingHook) { lab in
            let configuration = try await Fixture.web().configuration
            let files = "\(lab.directory)/files"
            try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: false)
            try lab.setMode(of: files, 0o777)
            await #expect(throws: Refusal(.forbidden, "")) { try await lab.gateway(proves: false).apply(configuration) }
            try lab.setMode(of: files, 0o700)
            try lab.write("mine", to: "files/current")
            await #expect(throws: Refusal(.exists, "")) { try await lab.gateway(proves: false).apply(configuration) }
            #expect(lab.text("files/current") == "mine")
        }
    }
}

extension GatewayLab {
    /// A hook that writes down what it was told.
    static let countingHook = "#!/bin/sh\necho \"$MUSTER_GENERATION $MUSTER_PREVIOUS\" >> @LAB@/runs\n"

    var generations: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/files/generations")) ?? []).sorted()
    }

    /// Whether a process has ended; one that nobody has asked after yet has, too.
    func isGone(_ id: pid_t) -> Bool {
        let status = FileManager.default.contents(atPath: "/proc/\(id)/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        return status.isEmpty || status.contains("\nState:\tZ")
    }
}

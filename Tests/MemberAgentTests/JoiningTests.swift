import Certificates
import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Replication
import Synchronization
import Testing

@Suite("Joining and leaving")
struct JoiningTests {
    private let scratch = Scratch()

    @Test func `a machine joins with a key of its own making, and its network settings`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let asked = Mutex<JoinRequest?>(nil)
        manager.answering { message, connection in
            guard case .join(let request) = message, let answer = try? manager.admission(of: request) else { return }
            asked.withLock { $0 = request }
            connection.answer(.joined(answer))
        }
        let answer = try await joining(directory, manager).join(manager.invitation, acceptingLoss: false)
        let membership = try #require(try directory.membership())
        #expect(membership.facts.membership == answer.membership)
        #expect(try CertificateChain(pem: membership.identity.certificate).isServed(by: PrivateKey(pem: membership.identity.key)))
        let request = try #require(asked.withLock { $0 })
        #expect(request.machine == "mx1")
        #expect(request.network.map { "\($0.section)/\($0.name)" } == ["interfaces/data1", "system/settings"])
        #expect(request.secret == manager.invitation.secret)
    }

    @Test func `a join whose answer was lost is asked for again with the same key, which goes when it is answered`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let asked = Mutex<[Digest]>([])
        @Sendable func note(_ request: JoinRequest) {
            guard let key = try? CertificateRequest(der: request.certificateRequest).key.fingerprint else { return }
            asked.withLock { $0.append(key) }
        }
        manager.answering { message, connection in
            guard case .join(let request) = message else { return }
            note(request)
            connection.hangUp("the manager died")
        }
        await #expect(throws: Refusal(.unavailable, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        manager.answering { message, connection in
            guard case .join(let request) = message, let answer = try? manager.admission(of: request) else { return }
            note(request)
            connection.answer(.joined(answer))
        }
        _ = try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        let keys = asked.withLock { $0 }
        #expect(keys.count == 2 && Set(keys).count == 1)
        let key = try #require(try directory.membership()).identity.key
        #expect(try scratch.allFiles().filter { $0.value.contains(key) }.map(\.key) == ["identity/key.pem"])
    }

    @Test func `a join that is refused leaves no key`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let before = try scratch.allFiles()
        manager.answering { message, connection in
            if case .join = message { connection.answer(.refused(.invitation, reason: "The invitation has been used.")) }
        }
        await #expect(throws: Refusal(.invitation, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        #expect(try scratch.allFiles() == before)
    }

    @Test func `a preview changes nothing`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let before = try scratch.allFiles()
        manager.answering { message, connection in
            guard case .join(let request) = message, var answer = try? manager.admission(of: request) else { return }
            answer.isPreview = request.isPreview
            connection.answer(.joined(answer))
        }
        #expect(try await joining(directory, manager).preview(manager.invitation).isPreview)
        #expect(try scratch.allFiles() == before)
    }

    @Test func `a loss must be accepted, and is listed`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        try layOutOwn(in: directory)
        let refusal = await #expect(throws: Refusal(.lossNotAccepted, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: false)
        }
        let fingerprint = try Sample.one.get().fingerprint.hex
        #expect(refusal?.details.contains { $0.contains(fingerprint) && $0.contains("listener/public") } == true)
        #expect(try directory.membership() == nil)
    }

    /// Answers that no honest manager gives.
    enum Wrong: CaseIterable {
        case anotherKey, anotherMembership, anotherAuthority, anotherCluster, preview
    }

    @Test(arguments: Wrong.allCases)
    func `an answer that cannot be right is not taken up`(_ wrong: Wrong) async throws {
        let (directory, manager, other) = (try scratch.machine(), try FakeManager(), try FakeManager())
        let otherKey = try CertificateRequest.make(key: try PrivateKey.generate(.ecdsaP256), commonName: "other")
        manager.answering { message, connection in
            guard case .join(let request) = message, var answer = try? manager.admission(of: request) else { return }
            switch wrong {
            case .anotherKey: answer.certificate = (try? manager.admission(of: request, key: otherKey))?.certificate ?? ""
            case .anotherMembership: answer.membership = MembershipID(rawValue: "m2")
            case .anotherAuthority:
                // All of it fits together; only the invitation's pin tells.
                guard let theirs = try? other.admission(of: request) else { return }
                answer = theirs
            case .anotherCluster: answer.clusterID = "f123456789abcdef0123456789abcdef"
            case .preview: answer.isPreview = true
            }
            connection.answer(.joined(answer))
        }
        await #expect(throws: Refusal(.unauthenticated, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        #expect(try directory.membership() == nil)
    }

    @Test func `a refusal is passed on, and the next manager is asked only when one does not answer`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        manager.answering { _, connection in
            connection.answer(.refused(.invitation, reason: "The invitation has been used."))
        }
        await #expect(throws: Refusal(.invitation, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        manager.isReachable = false
        let refusal = await #expect(throws: Refusal(.unavailable, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        #expect(refusal?.details == ["manager:8461: nothing answers at manager:8461"])
    }

    @Test func `a member whose membership ended flattens and joins again; one that is still a member does not`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        try await join(directory, manager)
        let configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525)
        try apply(configuration, in: directory)
        let hasEnded = Mutex(false)
        manager.answering { message, connection in
            switch message {
            case .hello where hasEnded.withLock { $0 }: connection.answer(.ended(Ended(reason: "removed", time: .now)))
            case .hello: connection.answer(.welcome(.none))
            case .join(let request):
                guard let answer = try? manager.admission(of: request, membership: MembershipID(rawValue: "m2")) else { return }
                connection.answer(.joined(answer))
            default: return
            }
        }
        await #expect(throws: Refusal(.exists, "")) {
            try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        }
        #expect(try directory.membership()?.facts.membership == FakeManager.membership)
        hasEnded.withLock { $0 = true }
        _ = try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
        #expect(try directory.membership()?.facts.membership == MembershipID(rawValue: "m2"))
        #expect(try directory.current().generation?.kind == .standalone)
        #expect(try directory.current().generation?.settings.digest == configuration.settings.digest)
    }

    @Test func `leaving keeps what was last applied, and deletes the identity's key`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        try await join(directory, manager)
        let configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525)
        try apply(configuration, in: directory)
        let key = try #require(try directory.membership()).identity.key
        #expect(try directory.leave().contains("muster machine remove mx1"))
        #expect(try directory.membership() == nil)
        let current = try #require(try directory.current().generation)
        #expect(current.kind == .standalone)
        #expect(current.settings.digest == configuration.settings.digest)
        #expect(current.configuration.keys == configuration.keys)
        #expect(try scratch.allFiles().values.allSatisfy { !$0.contains(key) })
        #expect(throws: Refusal(.conflict, "")) { try directory.leave() }
    }

    @Test func `a machine whose identity is damaged can leave`() async throws {
        let directory = try scratch.machine()
        try directory.takeUp(.anybody)
        try scratch.replace("identity/membership.json", with: "damage")
        #expect(throws: Refusal(.unreadable, "")) { try directory.membership() }
        _ = try directory.leave()
        #expect(try directory.membership() == nil)
    }

    @Test func `leaving before anything was applied gives the old settings back`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        let own = try layOutOwn(in: directory)
        try await join(directory, manager)
        _ = try directory.layOut(try GatewayConfiguration.serving(Sample.two.get(), port: 2526), kind: .member)
        _ = try directory.leave()
        #expect(try directory.current().generation?.number == own.number)
        #expect(try directory.generationNumbers() == [own.number], "what was never in force goes")
    }

    @Test func `a crash at any step of leaving leaves a member or a standalone machine that serves the same`() async throws {
        let configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525)
        let manager = try FakeManager()
        let membership = try await admitted(by: manager)
        let steps = try crashes { directory in
            try directory.takeUp(membership)
            try apply(configuration, in: directory)
        } during: { directory in
            _ = try directory.leave()
        } then: { directory, step in
            let (generation, damages) = try directory.current()
            #expect(damages.isEmpty, "\(step)")
            #expect(generation?.settings.digest == configuration.settings.digest, "\(step)")
            if try directory.membership() != nil { _ = try directory.leave() }
            #expect(try directory.current().generation?.kind == .standalone, "\(step)")
            #expect(try directory.current().generation?.settings.digest == configuration.settings.digest, "\(step)")
        }
        #expect(steps > 10)
    }

    @Test func `a crash at any step of taking up an identity leaves all of it or nothing`() async throws {
        let membership = try await admitted(by: try FakeManager())
        let steps = try crashes { _ in
        } during: { directory in
            try directory.takeUp(membership)
        } then: { directory, step in
            let read = try directory.membership()
            #expect(read == nil || read == membership, "\(step)")
        }
        #expect(steps > 10)
    }

    @Test func `a standalone machine's settings are checked as a commit is`() throws {
        let directory = try scratch.machine()
        var configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525)
        let before = directory.currentNumber()
        let refusal = #expect(throws: Refusal(.wouldBreak, "")) {
            try directory.layOutStandalone(settings: configuration.settings, material: [], now: .now)
        }
        #expect(refusal?.details.count == 2, "the key and the chain are missing")
        let sections = configuration.settings.sections.filter { $0.name != .certificates }
        configuration.settings = EffectiveConfiguration(sections: sections)
        #expect(throws: Refusal(.wouldBreak, "")) {
            try directory.layOutStandalone(settings: configuration.settings, material: [], now: .now)
        }
        #expect(directory.currentNumber() == before)
        let laid = try layOutOwn(in: directory)
        #expect(directory.currentNumber() == laid.number)
        // Keys that the machine has need not be given again.
        _ = try directory.layOutStandalone(settings: laid.settings, material: [], now: .now)
    }

    @Test func `a new machine has a demo certificate of its own, with its key, and its loss counts only when it is used`() async throws {
        let directory = try scratch.machine()
        let settings = try #require(try directory.current().generation?.settings)
        let demo = try demoCertificate(of: directory)
        #expect(demo.origin == .demo)
        #expect(try directory.current().generation?.configuration.keys[demo.key.fingerprint] != nil)
        let other = Scratch()
        #expect(try demoCertificate(of: other.machine()).key.fingerprint != demo.key.fingerprint)
        #expect(try joining(directory, FakeManager()).loss().isEmpty)
        var listener = ListenerSetting()
        (listener.interface, listener.port, listener.certificate) = ("data1", 2525, "demo")
        let entry = EffectiveEntry(section: .listeners, name: "public", value: listener.json, origin: .init(layer: .cluster, revision: 0))
        let using = EffectiveConfiguration(sections: settings.sections + [EffectiveSection(name: .listeners, entries: [entry])])
        _ = try directory.layOutStandalone(settings: using, material: [], now: .now)
        #expect(try demoCertificate(of: directory) == demo)
        #expect(try joining(directory, FakeManager()).loss().certificates.map(\.services) == [["listener/public"]])
    }

    @Test func `a machine that left has the key of its demo certificate again once its settings change`() async throws {
        let (directory, manager) = (try scratch.machine(), try FakeManager())
        try await join(directory, manager)
        // The cluster's, whose key never came along.
        let theirs = try makeDemoCertificate(now: .now)
        var configuration = try GatewayConfiguration.serving(Sample.one.get(), port: 2525)
        let entry = EffectiveEntry(
            section: .certificates, name: "demo", value: theirs.setting.json, origin: .init(layer: .cluster, revision: 0))
        let sections = configuration.settings.sections.map { section in
            section.name == .certificates ? EffectiveSection(name: section.name, entries: section.entries + [entry]) : section
        }
        configuration.settings = EffectiveConfiguration(sections: sections)
        let target = Target(position: 1, revision: 1, digest: configuration.settings.digest)
        try directory.switchCurrent(to: directory.layOut(configuration, kind: .member, target: target).number)
        _ = try directory.leave()
        #expect(try demoCertificate(of: directory) == theirs.setting)
        let flat = try #require(try directory.current().generation?.settings)
        _ = try directory.layOutStandalone(settings: flat, material: [], now: .now)
        let own = try demoCertificate(of: directory)
        #expect(own != theirs.setting)
        #expect(try directory.current().generation?.configuration.keys[own.key.fingerprint] != nil)
    }

    private func demoCertificate(of directory: StateDirectory) throws -> CertificateSetting {
        try CertificateSetting(#require(try directory.current().generation?.settings[.certificates, "demo"]).value)
    }

    @Test func `making a machine refuses what is no machine, and a directory that is somebody's`() throws {
        let directory = StateDirectory(path: scratch.path)
        #expect(throws: Refusal(.invalid, "")) {
            try directory.initialize(name: "no name", hostname: "mx1.example.com", interfaces: [:], gateway: .embedded, now: .now)
        }
        #expect(throws: Refusal(.invalid, "")) {
            try directory.initialize(
                name: "mx1", hostname: "mx1.example.com", interfaces: ["data1": "no address"], gateway: .embedded, now: .now)
        }
        try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: true)
        try scratch.replace("letters.txt", with: "dear")
        #expect(throws: Refusal(.exists, "")) { _ = try scratch.machine() }
        try FileManager.default.removeItem(atPath: "\(scratch.path)/letters.txt")
        _ = try scratch.machine()
        #expect(throws: Refusal(.exists, "")) {
            try directory.initialize(name: "mx2", hostname: "mx1.example.com", interfaces: [:], gateway: .embedded, now: .now)
        }
    }
}

func joining(_ directory: StateDirectory, _ manager: FakeManager) -> Joining {
    Joining(directory: directory, connector: manager, now: { .now })
}

/// Joins with a manager that lets everybody in.
func join(_ directory: StateDirectory, _ manager: FakeManager) async throws {
    manager.answering { message, connection in
        guard case .join(let request) = message, let answer = try? manager.admission(of: request) else { return }
        connection.answer(.joined(answer))
    }
    _ = try await joining(directory, manager).join(manager.invitation, acceptingLoss: true)
    manager.answering(nil)
}

/// The identity that a manager gives a machine.
func admitted(by manager: FakeManager) async throws -> LocalMembership {
    let scratch = Scratch()
    let directory = try scratch.machine()
    try await join(directory, manager)
    return try #require(try directory.membership())
}

/// A standalone machine's own settings, with a certificate.
@discardableResult
func layOutOwn(
    in directory: StateDirectory, port: Int = 2525, at address: String = "127.0.0.1", sample: Sample? = nil
) throws -> Generation {
    let configuration = try GatewayConfiguration.serving(sample ?? Sample.one.get(), port: port, at: address)
    let material =
        configuration.keys.map { Material(kind: .key, digest: $0.key, pem: Array($0.value.utf8)) }
        + configuration.chains.map { Material(kind: .chain, digest: $0.key, pem: Array($0.value.utf8)) }
    return try directory.layOutStandalone(settings: configuration.settings, material: material, now: .now)
}

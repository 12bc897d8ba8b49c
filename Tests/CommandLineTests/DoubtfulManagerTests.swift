import Certificates
import ClusterModel
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Replication
import ReplicationTransport
import Testing

/// What the member in Python makes of a manager that is wrong: the page's rules that a right one never needs.
@Suite("A member in Python, and a manager that is wrong", .timeLimit(.minutes(1)))
struct DoubtfulManagerTests {
    @Test(arguments: ["another authority", "another cluster", "a member"])
    func `it says nothing to anybody but a manager of the cluster that invited it`(_ impostor: String) async throws {
        let cluster = try WrongCluster()
        let identity: Identity = impostor == "a member" ? .machine(MembershipID(rawValue: "m2")) : .manager("m")
        try await cluster.withPort(as: identity) { port, address in
            try await PythonMember.with { member in
                var invitation = cluster.invitation(to: address)
                if impostor == "another authority" { invitation.authority = Digest(hashing: []) }
                if impostor == "another cluster" { invitation.clusterID = "c2" }
                let run = try await member.join(invitation.text, as: "py1", at: "127.0.0.1")
                #expect(run.status == 1)
                #expect(!run.error.contains("Traceback"), "\(run.error)")
                #expect(port.messages() == [])
            }
        }
    }

    @Test func `it applies nothing but what the target names, follows no older log, and answers pings`() async throws {
        let cluster = try WrongCluster()
        try await cluster.withPort { port, address in
            try await PythonMember.with { member in
                try await cluster.takeIn(member, port, address)
                try await member.run { _ in
                    var manager = Conversation(port)
                    let first = WrongCluster.configuration("preferred")
                    let second = WrongCluster.configuration("required")
                    try await manager.refuseWrongWhole(first, named: second)
                    try await manager.applyWhole(first)
                    try await manager.dropWrongDelta(from: first, to: second)
                    try await manager.applyWhole(second)
                    try await manager.showOlderLog(runs: second)
                    try await manager.refuse(runs: second)
                    await manager.hearPong()
                }
            }
        }
    }
}

/// The manager's side of the conversation, one step after the other.
private struct Conversation {
    private var events: AsyncStream<TalkingPort.Event>.AsyncIterator
    private var link: (any Link<ManagerMessage>)?
    private var position = 0
    private var epoch = 0

    init(_ port: TalkingPort) { events = port.events.makeAsyncIterator() }

    private mutating func hear() async throws -> MemberMessage {
        while let event = await events.next(isolation: #isolation) {
            link = event.link
            if event.message != .pong { return event.message }
        }
        throw Refusal(.unavailable, "The port closed.")
    }

    /// Waits until a ping of the manager's is answered.
    mutating func hearPong() async {
        while let event = await events.next(isolation: #isolation), event.message != .pong {}
    }

    private mutating func hello() async throws -> Hello {
        let message = try await hear()
        guard case .hello(let hello) = message else { throw Refusal(.invalid, "heard \(message)") }
        return hello
    }

    private mutating func receipt() async throws -> Receipt {
        let message = try await hear()
        guard case .receipt(let receipt) = message else { throw Refusal(.invalid, "heard \(message)") }
        return receipt
    }

    private var head: Sighting { Sighting(epoch: epoch, head: newest, seal: Digest(hashing: [9])) }
    private var newest: LogHead { LogHead(position: position, hash: Digest(hashing: [UInt8(position)])) }

    private mutating func send(
        _ configuration: EffectiveConfiguration, base: EffectiveConfiguration? = nil, named digest: Digest? = nil
    ) throws -> Target {
        position += 1
        let target = Target(position: position, revision: position, digest: digest ?? configuration.digest)
        link?.send(.update(try buildUpdate(target: target, configuration: configuration, base: base, head: head) { _ in [] }))
        return target
    }

    mutating func refuseWrongWhole(_ configuration: EffectiveConfiguration, named other: EffectiveConfiguration) async throws {
        let hello = try await hello()
        #expect(hello.running == nil)
        #expect(hello.seen == .none)
        #expect(Set(hello.knowledge.sections.keys) == Set(Section.all.map(\.name)))
        position = 1
        link?.send(.welcome(head, version: 1))
        let target = try send(configuration, named: other.digest)
        let receipt = try await receipt()
        #expect(receipt.target == target)
        guard case .rejected(let reasons) = receipt.outcome else { throw Refusal(.invalid, "\(receipt)") }
        #expect(reasons.first?.contains(other.digest.hex) == true)
    }

    mutating func applyWhole(_ configuration: EffectiveConfiguration) async throws {
        let target = try send(configuration)
        let receipt = try await receipt()
        #expect(receipt.target == target)
        #expect(receipt.outcome == .applied(digest: configuration.digest, proofs: []))
    }

    /// It comes again, asks for everything, and remembers what it has seen.
    mutating func dropWrongDelta(from base: EffectiveConfiguration, to configuration: EffectiveConfiguration) async throws {
        _ = try send(configuration, base: base, named: Digest(hashing: []))
        let hello = try await hello()
        #expect(hello.running == nil)
        #expect(hello.rejected == nil)
        #expect(hello.seen == head)
        link?.send(.welcome(head, version: 1))
    }

    mutating func showOlderLog(runs configuration: EffectiveConfiguration) async throws {
        let newest = head
        position -= 1
        link?.send(
            .update(Update(target: Target(position: 1, revision: 1, digest: configuration.digest), head: head, base: nil, sections: [])))
        let hello = try await hello()
        #expect(hello.seen == newest)
        #expect(hello.running == configuration.digest)
        position += 1
        // Of the same length, and of another history.
        var other = head
        other.head.hash = Digest(hashing: [])
        link?.send(.welcome(other, version: 1))
        let again = try await self.hello()
        #expect(again.seen == newest)
        // Recovered: the log is shorter, and followed all the same.
        (position, epoch) = (1, 1)
        link?.send(.welcome(head, version: 1))
        link?.close()
        let recovered = try await self.hello()
        #expect(recovered.seen == head)
    }

    /// Refused with a code that it does not know, it comes again as it was.
    mutating func refuse(runs configuration: EffectiveConfiguration) async throws {
        link?.send(.refused(Refusal.Code(rawValue: "of-tomorrow"), reason: "no"))
        link?.close()
        let hello = try await hello()
        #expect(hello.running == configuration.digest)
        link?.send(.welcome(head, version: 1))
    }
}

/// A cluster with an authority of today: a process of its own looks at its clock.
private struct WrongCluster {
    let authority: ClusterAuthority
    private let now: WallClock = { Timestamp(Date()) }

    init() throws { authority = try ClusterAuthority.create(clusterID: "c1", clusterName: "Example", now: now()) }

    static func configuration(_ tls: String) -> EffectiveConfiguration {
        let entry = EffectiveEntry(
            section: .destinations, name: "default", value: ["tls": .string(tls)], origin: .init(layer: .cluster, revision: 1))
        let host = EffectiveEntry(
            section: .system, name: "settings", value: ["hostname": "py1.example.com"], origin: .init(layer: .cluster, revision: 1))
        return EffectiveConfiguration(sections: [
            EffectiveSection(name: .destinations, entries: [entry]), EffectiveSection(name: .system, entries: [host]),
        ])
    }

    func invitation(to address: String) -> InvitationToken {
        InvitationToken(
            id: "i1", secret: "s1", clusterID: "c1", cluster: "Example", authority: authority.fingerprint, managers: [address],
            expires: now().adding(seconds: 600))
    }

    func withPort(as identity: Identity = .manager("m1"), _ body: (TalkingPort, String) async throws -> Void) async throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let certificate = try authority.issue(identity, for: key, lifetimeDays: 1, now: now()).pem
        let port = TalkingPort()
        var terms = TransportTerms()
        terms.ping = .milliseconds(200)
        let server = try MemberPortServer(
            host: "127.0.0.1", port: 0, identity: ManagerIdentity(certificate: certificate, key: key.pem),
            authorities: authority.certificatePEM, clusterID: "c1", delegate: port, group: MultiThreadedEventLoopGroup.singleton,
            terms: terms, now: now,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let number = try await server.start()
        do {
            try await body(port, "127.0.0.1:\(number)")
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// Lets the member join, with what an honest manager would answer.
    func takeIn(_ member: PythonMember, _ port: TalkingPort, _ address: String) async throws {
        port.onJoin { [authority, now] request in
            let csr = try CertificateRequest(der: request.certificateRequest)
            let certificate = try authority.issue(.machine(MembershipID(rawValue: "m7")), publicKeyOf: csr, lifetimeDays: 1, now: now())
            return JoinAnswer(
                membership: MembershipID(rawValue: "m7"), clusterID: "c1", cluster: "Example", group: "main", certificate: certificate.pem,
                trust: authority.certificatePEM, managers: [address])
        }
        let joined = try await member.join(invitation(to: address).text, as: "py1", at: "127.0.0.1")
        try #require(joined.status == 0, "\(joined.error)")
    }
}

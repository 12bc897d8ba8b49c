import ClusterModel
import Foundation
import NIOPosix
import Replication
import ReplicationTransport
import Synchronization

/// Many members in one process: each with an identity of its own, the real follower and the real connector. What they run is
/// kept in memory, and instead of a handshake with each service they say that it serves what it should.
struct MembersRole {
    private let fixture: Fixture
    private let members: Fixture.Members
    private let switchboard = Switchboard()
    private let connector = TLSManagerConnector(group: MultiThreadedEventLoopGroup.singleton, now: systemClock)

    static func run(scratch: String, name: String) async throws {
        let fixture = Fixture(scratch: scratch, name: name)
        let role = MembersRole(fixture: fixture, members: try fixture.members())
        try await withThrowingDiscardingTaskGroup { group in
            await OrderLoop().run { verb, words in try await role.perform(verb, words.compactMap { Int($0) }, in: &group) }
            group.cancelAll()
        }
    }

    private func perform(
        _ verb: String, _ numbers: [Int], in group: inout ThrowingDiscardingTaskGroup<any Error>
    ) async throws -> Answer {
        switch (verb, numbers.first, numbers.last) {
        case ("start", let first?, let end?):
            let address = try address()
            for number in first..<end {
                let member = members.members[number]
                group.addTask { [connector, switchboard, trust = members.trust] in
                    var light = LightMember(number: number, identity: member.identity, trust: trust)
                    try await light.live(at: address, connector, switchboard)
                }
            }
            return ["start": Machine.seconds()]
        case ("stall", let first?, let end?):
            try await stall(first..<end)
            return [:]
        case ("drop", _, _):
            let start = Machine.seconds()
            switchboard.dropAll()
            return ["start": start]
        case ("memory", _, _): return ["kib": try Machine.resident(), "cpu": Machine.cpu()]
        default: throw BenchmarkError("the members do not know \(verb)")
        }
    }

    private func address() throws -> String { "127.0.0.1:\(try String(contentsOf: fixture.port, encoding: .utf8))" }

    /// Members that say hello and read nothing from then on.
    private func stall(_ numbers: Range<Int>) async throws {
        guard let port = Int(try String(contentsOf: fixture.port, encoding: .utf8)) else { throw BenchmarkError("no port") }
        let hello = Hello(agent: "stalled", clock: systemClock(), running: nil)
        let frame = try OutgoingFrame(WireCodec.encode(MemberMessage.hello(hello)), limit: 1 << 20)
        for number in numbers {
            switchboard.keep(try await RawClient.stalled(members.members[number], port: port, greeting: frame.parts))
        }
    }
}

/// The members' open connections, to be dropped all at once.
final class Switchboard: Sendable {
    private let links = Mutex<[Int: any Link<MemberMessage>]>([:])
    private let kept = Mutex<[any Sendable]>([])

    func opened(_ link: any Link<MemberMessage>, by member: Int) { links.withLock { $0[member] = link } }

    func dropAll() {
        for link in links.withLock({ $0 }).values { link.close() }
    }

    func keep(_ thing: any Sendable) { kept.withLock { $0.append(thing) } }
}

/// One member: what ``MemberAgent`` does with a follower's actions, without a disk and without a gateway.
struct LightMember {
    private let number: Int
    private let identity: MemberIdentity
    private let trust: ManagerTrust
    private var follower = Follower(running: nil, memory: Follower.Memory(), knowledge: .ours(agent: "benchmark"))
    private var laidOut: Follower.Installation?
    private var link: (any Link<MemberMessage>)?

    init(number: Int, identity: MemberIdentity, trust: ManagerTrust) {
        self.number = number
        self.identity = identity
        self.trust = trust
    }

    /// Connects, follows, and connects again when it is over, with the follower's own pauses.
    mutating func live(at manager: String, _ connector: TLSManagerConnector, _ switchboard: Switchboard) async throws {
        while !Task.isCancelled {
            do throws(Refusal) {
                try await follow(manager, connector, switchboard)
            } catch {
                // Refused or out of reach: another attempt follows, as after any end.
            }
            var pause: Duration?
            for case .reconnect(let after) in follower.disconnected(random: Double.random(in: 0...1)) { pause = after }
            guard let pause else { return }
            try await ContinuousClock().sleep(for: pause)
        }
    }

    private mutating func follow(
        _ manager: String, _ connector: TLSManagerConnector, _ switchboard: Switchboard
    ) async throws(Refusal) {
        let (link, events) = try await connector.connect(to: manager, as: identity, trusting: trust)
        self.link = link
        switchboard.opened(link, by: number)
        obey(follower.connected(now: systemClock()))
        for await event in events {
            guard case .received(let message) = event else { return }
            obey(follower.received(message, now: systemClock()))
        }
    }

    private mutating func obey(_ actions: [Follower.Action]) {
        var queue = actions
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .hello(let hello): link?.send(.hello(hello))
            case .report(let receipt): link?.send(.receipt(receipt))
            case .layOut(let installation):
                laidOut = installation
                queue += follower.laidOut(.success(installation.configuration.digest), now: systemClock())
            case .apply: queue += follower.applied(proofs(of: laidOut?.configuration), now: systemClock())
            case .resume: queue += follower.applied(proofs(of: follower.running?.configuration), now: systemClock())
            case .prove: queue += follower.proved(proved(follower.running?.configuration), now: systemClock())
            case .look: queue += follower.looked(proved(follower.running?.configuration), drift: [], now: systemClock())
            case .hangUp: link?.close()
            case .remember, .rollBack, .flatten, .reconnect, .resumeLater: break
            // Nobody keeps these members apart; they have no papers to renew, and mend nothing.
            case .stayApart, .settle, .reportEdits, .renew, .adopt, .takeUp, .show, .mend: break
            }
        }
    }

    private func proofs(of configuration: EffectiveConfiguration?) -> Result<[ServiceProof], Refusal> {
        .success(proved(configuration))
    }

    private func proved(_ configuration: EffectiveConfiguration?) -> [ServiceProof] {
        // Settings that do not read were refused before.
        (try? configuration?.assumedProofs()) ?? []
    }
}

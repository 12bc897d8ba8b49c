import ClusterModel
import ClusterService
import Replication
import Synchronization
import Testing

@Suite("The fleet, when the manager's clock is set", .timeLimit(.minutes(1)))
struct FleetClockTests {
    /// Tells what a manager sends.
    private final class Ear: Link {
        private let heard: AsyncStream<ManagerMessage>.Continuation

        init(_ heard: AsyncStream<ManagerMessage>.Continuation) { self.heard = heard }

        func send(_ message: ManagerMessage) { heard.yield(message) }
        func close() { heard.finish() }
    }

    @Test(arguments: [-3600, 3600] as [Int64])
    func `a second connection of a membership is refused, whatever time it is said to be`(_ jump: Int64) async throws {
        let desk = try await Desk.make()
        let membership = try await desk.join("mx1").membership
        let fleet = desk.fleet
        let running = Task { try await fleet.run() }
        defer { running.cancel() }
        // The membership counts once the fleet has read the log.
        var number: UInt64 = 1
        while await messages(fleet, membership, number, isHello: true).contains(where: { if case .welcome = $0 { false } else { true } }) {
            number += 1
            await Task.yield()
        }
        desk.clock.advance(seconds: jump)
        let second = await messages(fleet, membership, number + 1, isHello: false)
        #expect(second.contains { if case .refused(.duplicateMember, _) = $0 { true } else { false } })
    }

    /// The first thing that a new connection hears.
    private func messages(_ fleet: FleetService, _ membership: MembershipID, _ number: UInt64, isHello: Bool) async -> [ManagerMessage] {
        let (stream, heard) = AsyncStream.makeStream(of: ManagerMessage.self)
        let connection = ConnectionID(rawValue: number)
        fleet.opened(connection, peer: .member(membership), link: Ear(heard))
        if isHello {
            fleet.received(
                .hello(
                    Hello(
                        knowledge: AgentKnowledge(agent: "a", sections: [:]), clock: Timestamp(seconds: 1_800_000_000), running: nil)),
                on: connection)
        }
        for await message in stream { return [message] }
        return []
    }
}

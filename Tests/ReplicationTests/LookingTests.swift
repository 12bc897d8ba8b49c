import ClusterModel
import Replication
import Testing

@Suite("A member looks whether what it applied is still so")
struct LookingTests {
    let a = configuration()
    let b = configuration(destination: .required)

    @Test func `it looks while nothing else is done, and speaks when something changed, once`() {
        var member = OneFollower(running: a)
        _ = member.welcome()
        for _ in 0..<2 {
            #expect(member.follower.look() == [.look(a.digest)])
            #expect(member.follower.looked(serving("one"), drift: [], now: at(30)).isEmpty)
        }
        #expect(member.follower.look().names == ["look"])
        let taken = member.follower.looked(serving("other"), drift: ["a file changed"], now: at(60)).receipts
        #expect(taken.map(\.isUnasked) == [true] && taken.map(\.drift) == [["a file changed"]])
        #expect(taken.first?.outcome == .applied(digest: a.digest, proofs: serving("other")))
        #expect(member.follower.look().names == ["look"])
        #expect(member.follower.looked(serving("other"), drift: ["a file changed"], now: at(90)).isEmpty)
        // It is over, and that is news again.
        _ = member.follower.look()
        #expect(member.follower.looked(serving("one"), drift: [], now: at(120)).receipts.map(\.drift) == [[]])
    }

    @Test func `what it saw without a manager it says at the next welcome`() {
        var member = OneFollower(running: a)
        _ = member.follower.look()
        #expect(member.follower.looked(serving(nil), drift: ["a file changed"], now: at(30)).isEmpty)
        #expect(member.welcome().receipts.map(\.drift) == [["a file changed"]])
    }

    @Test func `a welcome in the middle of a look is answered with what was last known`() {
        var member = OneFollower(running: a)
        #expect(member.follower.look().names == ["look"])
        #expect(member.welcome().names == ["hello", "applied"].suffix(1))
        #expect(member.follower.looked(serving("one"), drift: [], now: at(30)).isEmpty)
    }

    @Test func `it does not look while it works, and works at once when it has looked`() throws {
        var member = OneFollower(running: a)
        _ = member.welcome()
        #expect(member.follower.look().names == ["look"])
        #expect(member.follower.look().isEmpty)
        #expect(try member.update(to: b, from: a).names == [])
        #expect(member.follower.isBusy)
        // What it saw is of what it is about to leave, and it says so all the same, before it begins.
        #expect(member.follower.looked(serving("other"), drift: [], now: at(30)).names == ["applied", "layOut"])
        #expect(member.follower.look().isEmpty)
        _ = member.laidOut(b)
        #expect(member.follower.look().isEmpty)
        #expect(member.applied().names == ["applied"])
        #expect(!member.follower.isBusy)
        #expect(member.follower.look() == [.look(b.digest)])
    }

    @Test func `one that has nothing in force does not look`() {
        #expect(
            {
                var member = OneFollower(); return member.follower.look()
            }().isEmpty)
        var member = Follower(
            running: .init(target: target(a, position: 1), configuration: a), memory: .init(), knowledge: .ours(agent: ""))
        #expect(member.look().isEmpty)
        _ = member.started()
        #expect(member.look().isEmpty)
        _ = member.applied(.failure(Refusal(.wouldBreak, "no")), now: at(0))
        #expect(member.look().isEmpty)
    }

    // MARK: - The manager's side

    private func unasked(_ certificate: String?, drift: [String] = []) -> Receipt {
        var receipt = applied(a, position: 1, serves: certificate)
        (receipt.drift, receipt.isUnasked) = (drift, true)
        return receipt
    }

    /// A member that runs `a`, synced.
    private func synced() -> OneMember {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        return cluster
    }

    @Test func `what it says by itself is drift with its reasons, sends nothing, and ends with its next word`() {
        var cluster = synced()
        #expect(cluster.receive(unasked("one", drift: ["a file changed"])).sent.isEmpty)
        #expect(cluster.state == .drifted)
        #expect(cluster.publisher.status(of: mx1)?.reasons == ["a file changed"])
        var drift = cluster.publisher.drift()
        #expect(drift == [mx1: ["a file changed"]])
        #expect(cluster.receive(unasked(nil)).sent.isEmpty)
        drift = cluster.publisher.drift()
        #expect(drift[mx1]?.first?.contains("listener/public") == true)
        _ = cluster.receive(unasked("one"))
        drift = cluster.publisher.drift()
        #expect(cluster.state == .synced && drift.isEmpty)
    }

    @Test func `drift outlives the connection and the manager, and not the membership`() {
        var cluster = synced()
        _ = cluster.receive(unasked("one", drift: ["a file changed"]))
        _ = cluster.publisher.closed(connection(1))
        var drift = cluster.publisher.drift()
        #expect(cluster.state == .offline && drift.count == 1)
        var restarted = OneMember(target: a, position: 2, records: cluster.publisher.records)
        drift = restarted.publisher.drift()
        #expect(drift == [mx1: ["a file changed"]])
        _ = restarted.publisher.stateChanged(targets: [:], ended: [:], head: head(3), now: at(0))
        drift = restarted.publisher.drift()
        #expect(drift.isEmpty)
    }

    @Test func `what it says by itself is no answer to what is on its way, be that the same configuration`() throws {
        var cluster = synced()
        #expect(try cluster.publisher.resend(mx1, now: at(0)).sent.count == 1)
        #expect(cluster.publisher.isAnswered(mx1) == false)
        #expect(cluster.receive(unasked("other")).sent.isEmpty)
        #expect(cluster.publisher.isAnswered(mx1) == false)
        #expect(cluster.receive(applied(a, position: 1)).sent.isEmpty)
        #expect(cluster.publisher.isAnswered(mx1) == true && cluster.state == .synced)
    }

    @Test func `everything is sent anew when somebody asks, after what is on its way, and only once`() throws {
        var cluster = synced()
        #expect(try cluster.publisher.resend(mx1, now: at(0)).sent == ["1 whole certificates+interfaces+listeners+mailFlowPolicies"])
        _ = cluster.receive(applied(a, position: 1))
        #expect(cluster.aim(b, position: 2).sent == ["2 delta destinations"])
        #expect(try cluster.publisher.resend(mx1, now: at(0)).isEmpty)
        #expect(
            cluster.receive(applied(b, position: 2)).sent == ["2 whole certificates+destinations+interfaces+listeners+mailFlowPolicies"])
        #expect(cluster.receive(applied(b, position: 2)).sent.isEmpty)
        _ = cluster.publisher.closed(connection(1))
        #expect(throws: Refusal(.unavailable, "")) { try cluster.publisher.resend(mx1, now: at(0)) }
        #expect(throws: Refusal(.notFound, "")) { try cluster.publisher.resend(mx2, now: at(0)) }
    }

    @Test func `whoever asks for another try of a machine that drifted has everything sent anew`() {
        var cluster = synced()
        #expect(cluster.publisher.retry(mx1, now: at(0)).sent.isEmpty)
        _ = cluster.receive(unasked("one", drift: ["a file changed"]))
        #expect(cluster.publisher.retry(mx1, now: at(0)).sent.first?.contains("whole") == true)
    }

    @Test func `a rejection of what was sent anew ends the wait for it`() throws {
        var cluster = synced()
        _ = try cluster.publisher.resend(mx1, now: at(0))
        _ = cluster.receive(rejected(a, position: 1))
        #expect(cluster.publisher.isAnswered(mx1) == true && cluster.state == .rejected)
    }

    @Test func `who is offline, not heard of or too old cannot be asked, and each is told apart`() {
        var cluster = OneMember(target: a)
        func reason() -> String {
            do throws(Refusal) {
                _ = try cluster.publisher.reach(mx1)
                return "reached"
            } catch {
                return error.reason
            }
        }
        #expect(reason().contains("never heard of"))
        var old = hello(running: a)
        old.knowledge.protocols = 1...1
        _ = cluster.connect(old)
        #expect(reason().contains("too old to be asked"))
        _ = cluster.publisher.closed(connection(1))
        #expect(reason().contains("offline"))
        _ = cluster.connect(hello(running: a), on: 2)
        #expect(reason() == "reached")
    }
}

@Suite("An inventory travels in frames")
struct InventoryPartTests {
    private static let large: Inventory = {
        var inventory = Inventory()
        (inventory.running, inventory.isBusy) = (Digest(hashing: [1]), true)
        for index in 0..<500 {
            let name = EntryName(.destinations, "d\(index).example")
            inventory.store?[name] = Digest(hashing: [UInt8(index % 256)])
            if index % 10 == 0 { inventory.values[name] = ["tls": "preferred"] }
        }
        inventory.damages = [StoreDamage(file: "keys/a.pem", reason: "is missing", entries: [EntryName(.certificates, "mail")])]
        inventory.observations = (0..<50).map {
            GatewayObservation(subject: "file \($0)", entries: [], meant: Digest(hashing: [2]), found: nil)
        }
        inventory.proofs = (0..<50).map { ServiceProof(service: "listener/l\($0)", served: Digest(hashing: [3])) }
        return inventory
    }()

    private func assembled(_ parts: [InventoryPart]) throws -> [Inventory] {
        var assembly = InventoryAssembly()
        var whole: [Inventory] = []
        for part in parts { if let inventory = try assembly.take(part) { whole.append(inventory) } }
        return whole
    }

    @Test(arguments: [1 << 19, 8000, 4000])
    func `whatever it is cut into, it is the same again with the last frame`(_ bytes: Int) throws {
        let parts = InventoryPart.parts(of: InventoryPartTests.large, for: 7, bytes: bytes)
        #expect((parts.count > 1) == (bytes < 1 << 19) && parts.allSatisfy { $0.question == 7 })
        #expect(parts.map(\.isLast) == Array(repeating: false, count: parts.count - 1) + [true])
        #expect(try assembled(parts) == [InventoryPartTests.large])
    }

    @Test func `an empty one is one frame, and what cannot be read stays so`() throws {
        #expect(try assembled(InventoryPart.parts(of: Inventory(), for: 1)) == [Inventory()])
        var unreadable = InventoryPartTests.large
        unreadable.store = nil
        let parts = InventoryPart.parts(of: unreadable, for: 1, bytes: 1000)
        #expect(parts.count > 1 && parts.allSatisfy { $0.inventory.store == nil })
        #expect(try assembled(parts) == [unreadable])
    }

    @Test func `frames without end are refused, and so is more than an inventory can be`() {
        let endless = Array(repeating: InventoryPart(question: 1, isLast: false, inventory: Inventory()), count: Limits.inventoryFrames + 1)
        #expect(throws: Refusal(.limit, "")) { try assembled(endless) }
        var many = Inventory()
        many.proofs = Array(repeating: ServiceProof(service: "a", served: nil), count: Limits.services)
        let fat = Array(repeating: InventoryPart(question: 1, isLast: false, inventory: many), count: 2)
        #expect(throws: Refusal(.limit, "")) { try assembled(fat) }
    }
}

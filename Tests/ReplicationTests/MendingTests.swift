import ClusterModel
import Replication
import Testing

@Suite("A member that is set up to mends by itself what is no longer as it applied it")
struct MendingTests {
    let a = configuration()
    let b = configuration(destination: .required)
    private static let drift = ["a file changed"]

    /// One look of a member that finds this; what it does then.
    private func look(_ member: inout OneFollower, at seconds: Int64, finds drift: [String] = drift) -> [Follower.Action] {
        #expect(member.follower.look().names == ["look"])
        return member.follower.looked(serving("one"), drift: drift, now: at(seconds))
    }

    @Test func `it says what it found, mends it, and says that it did, once and again at the next welcome`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        let found = look(&member, at: 30)
        #expect(found.names == ["applied", "mend"] && found.receipts.map(\.drift) == [MendingTests.drift])
        #expect(member.follower.isBusy && member.follower.look().isEmpty)
        let mended = member.follower.mended(.success(serving("one")), now: at(31)).receipts
        #expect(mended.map(\.mended) == [MendingTests.drift] && mended.map(\.drift) == [[]] && mended.map(\.isUnasked) == [true])
        #expect(look(&member, at: 60, finds: []).isEmpty)
        #expect(member.welcome().receipts == mended)
    }

    @Test func `another certificate on the wire is mended, too, and nothing where nobody asked for it`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        _ = member.follower.look()
        #expect(member.follower.looked(serving("other"), drift: [], now: at(30)).names == ["applied", "mend"])
        let mended = member.follower.mended(.success(serving("one")), now: at(31)).receipts
        #expect(mended.first?.mended.first?.contains("listener/public serves another certificate") == true)
        var other = OneFollower(running: a)
        _ = other.welcome()
        #expect(look(&other, at: 30).names == ["applied"])
    }

    @Test func `whoever changes it again and again is given way, later each time, and then for good, with the reason`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        var mends: [Int64] = []
        var said: [String] = []
        for second in stride(from: Int64(0), to: 7200, by: 30) {
            let actions = look(&member, at: second)
            said += actions.receipts.flatMap(\.drift).filter { $0 != "a file changed" }
            guard actions.names.last == "mend" else { continue }
            mends.append(second)
            _ = member.follower.mended(.success(serving("one")), now: at(second))
        }
        // A minute, two, four and eight: five times in all.
        #expect(mends == [0, 60, 180, 420, 900])
        #expect(said.first == "it was mended once and changed again; the next try is not before \(at(60))")
        #expect(
            said.last?.hasPrefix("it was mended 5 times and changed again; this machine has tried 5 times and leaves it alone now") == true)
        // Each word is said once: four waits, and the end.
        #expect(said.count == 5)
        // Mended on request, it begins anew.
        _ = try? member.update(to: b, from: a)
        _ = member.laidOut(b)
        _ = member.applied()
        #expect(look(&member, at: 7300).names.last == "mend")
    }

    @Test func `what stays mended for an hour is a matter of the past`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        for hour in Int64(0)..<20 {
            #expect(look(&member, at: hour * 7200).names.last == "mend")
            _ = member.follower.mended(.success(serving("one")), now: at(hour * 7200))
            #expect(look(&member, at: hour * 7200 + 3600, finds: []).names.isEmpty)
        }
    }

    @Test func `a clock that is set back makes no wait longer`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        #expect(look(&member, at: 100_000).names.last == "mend")
        _ = member.follower.mended(.success(serving("one")), now: at(100_000))
        #expect(look(&member, at: 30).names.last == "mend")
    }

    @Test func `a mend that fails is said with its reason, once, and tried again later`() {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        #expect(look(&member, at: 30).names == ["applied", "mend"])
        let refusal = Refusal(.invalid, "no", details: ["original/main.cf sets nothing"])
        let failed = member.follower.mended(.failure(refusal), now: at(31)).receipts
        let words = "mending it by itself failed: original/main.cf sets nothing; the next try is not before \(at(90))"
        #expect(failed.map(\.drift) == [["a file changed", words]] && failed.map(\.mended) == [[]])
        #expect(look(&member, at: 60).isEmpty)
        #expect(look(&member, at: 90).names.last == "mend")
    }

    @Test func `what comes meanwhile waits, and is done afterwards`() throws {
        var member = OneFollower(running: a, mends: true)
        _ = member.welcome()
        #expect(look(&member, at: 30).names.last == "mend")
        #expect(try member.update(to: b, from: a).names.isEmpty)
        #expect(member.follower.mended(.success(serving("one")), now: at(31)).names == ["applied", "layOut"])
        // One that is about to run something else does not mend what it leaves.
        var other = OneFollower(running: a, mends: true)
        _ = other.welcome()
        _ = other.follower.look()
        _ = try other.update(to: b, from: a)
        #expect(other.follower.looked(serving("one"), drift: MendingTests.drift, now: at(30)).names == ["applied", "layOut"])
    }

    @Test func `a gateway that has nothing in force after a failed mend is started again as at a start`() {
        var member = OneFollower(running: a, mends: true)
        #expect(look(&member, at: 30).names.last == "mend")
        #expect(member.follower.mended(.failure(Refusal(.unavailable, "gone")), isRestored: false, now: at(31)).isEmpty)
        #expect(member.follower.look().isEmpty)
        #expect(member.follower.started().names == ["resume"])
    }
}

@Suite("What people must hear of about members")
struct TroublesTests {
    let a = configuration()
    let b = configuration(destination: .required)
    private static let grace = Int64(Limits.offlineSeconds)

    /// A member that runs `a`, synced.
    private func synced() -> OneMember {
        var cluster = OneMember(target: a)
        _ = cluster.connect(hello(running: nil))
        _ = cluster.receive(applied(a, position: 1))
        return cluster
    }

    private func troubles(_ cluster: inout OneMember, toldOf away: Set<MembershipID> = [], rejected: Set<MembershipID> = []) -> Troubles {
        cluster.publisher.troubles(toldOf: away, rejected: rejected, now: cluster.now)
    }

    @Test func `one that is away counts after the grace, and again only after another`() {
        var cluster = synced()
        #expect(troubles(&cluster) == Troubles())
        _ = cluster.publisher.closed(connection(1))
        cluster.now = at(10)
        #expect(troubles(&cluster).away.isEmpty)
        cluster.now = at(9 + TroublesTests.grace)
        var isDue = cluster.publisher.isTroubleDue(now: cluster.now)
        #expect(!isDue && troubles(&cluster).away.isEmpty)
        cluster.now = at(10 + TroublesTests.grace)
        isDue = cluster.publisher.isTroubleDue(now: cluster.now)
        #expect(isDue)
        #expect(troubles(&cluster).away == [mx1: .init(lastHeard: at(0))])
        // It was there in between.
        _ = cluster.connect(hello(running: a))
        #expect(troubles(&cluster).away.isEmpty)
        _ = cluster.publisher.closed(connection(1))
        #expect(troubles(&cluster).away.isEmpty)
        #expect(troubles(&cluster, toldOf: [mx1]).away.count == 1)
    }

    @Test func `one that is disconnected on purpose, or was never there, is not awaited`() {
        var cluster = OneMember(target: a)
        _ = troubles(&cluster)
        cluster.now = at(2 * TroublesTests.grace)
        #expect(troubles(&cluster, toldOf: [mx1]).away.isEmpty)
        var apart = synced()
        _ = apart.publisher.closed(connection(1))
        _ = apart.aim(a, position: 1, isDisconnected: true)
        _ = troubles(&apart)
        apart.now = at(2 * TroublesTests.grace)
        #expect(troubles(&apart, toldOf: [mx1], rejected: [mx1]) == Troubles())
    }

    @Test func `after a restart of the manager the grace begins anew, and what was told of stays`() {
        var cluster = synced()
        _ = cluster.publisher.closed(connection(1))
        var restarted = OneMember(target: a, position: 2, records: cluster.publisher.records)
        restarted.now = at(100 * TroublesTests.grace)
        #expect(troubles(&restarted).away.isEmpty)
        #expect(troubles(&restarted, toldOf: [mx1]).away.count == 1)
    }

    @Test func `a rejection is told of until the machine applies what it should run`() {
        var cluster = synced()
        _ = cluster.aim(b, position: 2)
        #expect(troubles(&cluster) == Troubles())
        _ = cluster.receive(rejected(b, position: 2, because: "no such port"))
        #expect(troubles(&cluster).rejected == [mx1: rejected(b, position: 2, because: "no such port")])
        // Somebody asks for another try, or commits something else: it is not over, and not told of anew.
        _ = cluster.publisher.retry(mx1, now: at(0))
        #expect(troubles(&cluster, rejected: [mx1]).unapplied == [mx1])
        #expect(troubles(&cluster) == Troubles())
        _ = cluster.receive(applied(b, position: 2))
        #expect(troubles(&cluster, rejected: [mx1]) == Troubles())
    }

    @Test func `a mend is told of for a day, and the same word again is no other`() {
        var cluster = synced()
        var receipt = applied(a, position: 1)
        (receipt.mended, receipt.isUnasked) = (["a file changed"], true)
        cluster.now = at(50)
        _ = cluster.receive(receipt)
        cluster.now = at(90)
        _ = cluster.receive(receipt)
        #expect(troubles(&cluster).mended == [mx1: Mend(reasons: ["a file changed"], time: at(0), heard: at(50))])
        #expect(cluster.state == .synced)
        cluster.now = at(50 + Int64(Limits.mendedSeconds))
        let isDue = cluster.publisher.isTroubleDue(now: cluster.now)
        #expect(isDue && troubles(&cluster) == Troubles())
    }
}

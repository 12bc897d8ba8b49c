import ClusterLog
import ClusterModel
import Testing

@Suite("Followers hear heads in order", .timeLimit(.minutes(1)))
struct FollowersTests {
    @Test func `a head announced late does not replace a newer one`() async {
        let followers = Followers()
        var heads = followers.follow().makeAsyncIterator()
        let entries = chain(2)
        followers.announce(entries[1].head)
        followers.announce(entries[0].head)
        #expect(await heads.next() == entries[1].head)
        followers.finish()
        #expect(await heads.next() == nil)
    }
}

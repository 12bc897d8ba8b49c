import Certificates
import ClusterModel
import MemberAgent
import Replication
import Synchronization

/// A cluster with an authority of its own that answers in this process, as the test tells it to.
final class FakeManager: ManagerConnector {
    let authority: ClusterAuthority
    static let clusterID = "0123456789abcdef0123456789abcdef"

    /// A connection as the manager sees it.
    final class Connection: Link {
        let identity: MemberIdentity?
        let trust: ManagerTrust
        /// What the member says; ends when it closes.
        let said: AsyncStream<MemberMessage>
        private let saying: AsyncStream<MemberMessage>.Continuation
        private let events: AsyncStream<MemberLinkEvent>.Continuation

        init(identity: MemberIdentity?, trust: ManagerTrust, events: AsyncStream<MemberLinkEvent>.Continuation) {
            self.identity = identity
            self.trust = trust
            self.events = events
            (said, saying) = AsyncStream.makeStream()
        }

        func send(_ message: MemberMessage) { saying.yield(message) }

        func close() {
            saying.finish()
            hangUp("closed")
        }

        func answer(_ message: ManagerMessage) { events.yield(.received(message)) }

        func hangUp(_ reason: String) {
            events.yield(.closed(reason: reason))
            events.finish()
            saying.finish()
        }
    }

    private let connections: AsyncStream<Connection>
    private let opening: AsyncStream<Connection>.Continuation
    private let state = Mutex<(isReachable: Bool, answers: (@Sendable (MemberMessage, Connection) -> Void)?)>((true, nil))

    init() throws {
        authority = try ClusterAuthority.create(clusterID: FakeManager.clusterID, clusterName: "acme", now: .now)
        (connections, opening) = AsyncStream.makeStream()
    }

    /// The next connection that is opened; nil when nobody will open one.
    func next() async -> Connection? { await connections.first { _ in true } }

    func end() { opening.finish() }

    var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// Answers every message of every connection from now on in this way, instead of leaving it to ``Connection/said``.
    func answering(_ answer: (@Sendable (MemberMessage, Connection) -> Void)?) {
        state.withLock { $0.answers = answer }
    }

    func connect(to manager: String, as identity: MemberIdentity?, trusting trust: ManagerTrust) async throws(Refusal)
        -> (link: any Link<MemberMessage>, events: AsyncStream<MemberLinkEvent>)
    {
        guard isReachable else { throw Refusal(.unavailable, "nothing answers at \(manager)") }
        let (events, continuation) = AsyncStream<MemberLinkEvent>.makeStream()
        let connection = Connection(identity: identity, trust: trust, events: continuation)
        if let answer = state.withLock({ $0.answers }) {
            Task {
                for await message in connection.said { answer(message, connection) }
            }
        }
        opening.yield(connection)
        return (connection, events)
    }

    var invitation: InvitationToken {
        InvitationToken(
            id: "i1", secret: "s3cret-canary", clusterID: FakeManager.clusterID, cluster: "acme", authority: authority.fingerprint,
            managers: ["manager:8461"], expires: Timestamp.now.adding(seconds: 3600))
    }

    static let membership = MembershipID(rawValue: "m1")

    /// The answer to a join, with a certificate for the machine's key.
    func admission(
        of request: JoinRequest, membership: MembershipID = FakeManager.membership, key: CertificateRequest? = nil
    ) throws -> JoinAnswer {
        let request = try key ?? CertificateRequest(der: request.certificateRequest)
        let chain = try authority.issue(.machine(membership), publicKeyOf: request, lifetimeDays: 30, now: .now)
        return JoinAnswer(
            membership: membership, clusterID: FakeManager.clusterID, cluster: "acme", group: "main", certificate: chain.pem,
            trust: authority.certificatePEM, managers: ["manager:8461"])
    }
}

import AdminContract
import Certificates
import ClusterModel
import ClusterService
import Replication
import Testing

/// A member as the fleet service meets it: says hello with what it holds, and does what it is told about its identity.
final class TestMember {
    let membership: MembershipID
    let key: PrivateKey
    private(set) var certificate: String
    private var trust: String
    private(set) var papers: IdentityPapers
    private var connections: UInt64 = 0

    init(joining desk: Desk, as name: String) async throws {
        key = try PrivateKey.generate(.ecdsaP256)
        var request = try desk.request(name, invitation: try await desk.invite())
        request.certificateRequest = try CertificateRequest.make(key: key, commonName: name).der
        let answer = try await desk.enrolment.join(request)
        (membership, certificate, trust) = (answer.membership, answer.certificate, answer.trust)
        papers = try IdentityPapers(chainPEM: certificate, trustPEM: trust)
    }

    private final class Ear: Link {
        private let heard: AsyncStream<ManagerMessage>.Continuation

        init(_ heard: AsyncStream<ManagerMessage>.Continuation) { self.heard = heard }

        func send(_ message: ManagerMessage) { heard.yield(message) }
        func close() { heard.finish() }
    }

    /// Follows a running fleet until the CA stands as it should.
    func follow(_ desk: Desk, until holds: (CAView) -> Bool) async throws {
        try await confirming(to: desk) { desk in
            let view = try await desk.admin.ca(for: desk.caller)
            #expect(holds(view))
        }
    }

    /// Lets a fleet, which runs once in its life, run and the member follow it until there is no more to say, then asks the body.
    @discardableResult
    func confirming<Result>(to desk: Desk, _ body: (Desk) async throws -> Result) async throws -> Result {
        let running = Task { [fleet = desk.fleet] in try await fleet.run() }
        defer { running.cancel() }
        while !desk.fleet.isServing { await Task.yield() }
        let (stream, heard) = AsyncStream.makeStream(of: ManagerMessage.self)
        connections += 1
        let connection = ConnectionID(rawValue: connections)
        desk.fleet.opened(connection, peer: .member(membership), link: Ear(heard))
        desk.fleet.received(
            .hello(Hello(knowledge: .ours(agent: "test"), clock: desk.clock.now(), running: nil, papers: papers)), on: connection)
        let rotation = try #require(await desk.ledger.state.rotation)
        for await message in stream {
            switch message {
            case .authorities(let offer):
                trust = offer.trust
                try show(on: connection, to: desk)
                if papers.issuer != offer.issuing { ask(on: connection, of: desk) }
            case .renewed(let renewed):
                (certificate, trust) = (renewed.certificate, renewed.trust)
                try show(on: connection, to: desk)
            case .refused(let code, let reason): throw Refusal(code, reason)
            default: break
            }
            if settled(rotation) { break }
        }
        let result = try await body(desk)
        desk.fleet.closed(connection)
        return result
    }

    /// Asks on a connection that its certificate is over for.
    func returns(to desk: Desk, with other: PrivateKey? = nil) async throws -> RenewedIdentity {
        let running = Task { [fleet = desk.fleet] in try await fleet.run() }
        defer { running.cancel() }
        while !desk.fleet.isServing { await Task.yield() }
        let (stream, heard) = AsyncStream.makeStream(of: ManagerMessage.self)
        connections += 1
        let connection = ConnectionID(rawValue: connections)
        defer { desk.fleet.closed(connection) }
        desk.fleet.opened(connection, peer: .returning(membership), link: Ear(heard))
        let request = try CertificateRequest.make(key: other ?? key, commonName: "mx1").der
        desk.fleet.received(.renewal(certificateRequest: request), on: connection)
        for await message in stream {
            switch message {
            case .renewed(let renewed): return renewed
            case .refused(let code, let reason): throw Refusal(code, reason)
            case .ended: throw Refusal(.membershipEnded, "")
            default: break
            }
        }
        throw Refusal(.unavailable, "closed without a word")
    }

    private func settled(_ rotation: Rotation) -> Bool {
        papers.trusted == rotation.trusted.map(\.fingerprint).sorted() && papers.issuer == rotation.issuing.fingerprint
    }

    private func show(on connection: ConnectionID, to desk: Desk) throws {
        papers = try IdentityPapers(chainPEM: certificate, trustPEM: trust)
        desk.fleet.received(.papers(papers), on: connection)
    }

    private func ask(on connection: ConnectionID, of desk: Desk) {
        // A request for a key that is there is always made.
        guard let request = try? CertificateRequest.make(key: key, commonName: "mx1") else { return }
        desk.fleet.received(.renewal(certificateRequest: request.der), on: connection)
    }
}

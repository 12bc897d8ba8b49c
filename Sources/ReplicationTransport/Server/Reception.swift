import Certificates
import ClusterModel
import Logging
import NIOCore
import NIOSSL
import Replication
import Synchronization

/// What all connections of one member port share.
final class Reception: Sendable {
    private struct Keys: Sendable {
        var context: NIOSSLContext
        var authorities: [TrustedAuthority]
    }

    let port: any MemberPort
    let terms: TransportTerms
    let admission: Admission
    let logger: Logger
    private let clusterID: String
    private let now: WallClock
    private let chunks = SectionChunks()
    private let keys: Mutex<Keys>

    init(
        _ port: any MemberPort, identity: ManagerIdentity, authorities: String, clusterID: String, terms: TransportTerms,
        now: @escaping WallClock, logger: Logger
    ) throws(Refusal) {
        self.port = port
        self.terms = terms
        self.clusterID = clusterID
        self.now = now
        self.logger = logger
        admission = Admission(terms)
        keys = Mutex(Keys(context: try TransportTLS.server(identity), authorities: try TransportTLS.authorities(authorities)))
    }

    func replace(identity: ManagerIdentity?, authorities: String?) throws(Refusal) {
        let context = try identity.map { identity throws(Refusal) in try TransportTLS.server(identity) }
        let trusted = try authorities.map { pem throws(Refusal) in try TransportTLS.authorities(pem) }
        keys.withLock { keys in
            if let context { keys.context = context }
            if let trusted { keys.authorities = trusted }
        }
    }

    /// Builds the pipeline of a connection.
    func prepare(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard admission.admit() else {
            logger.info("connection turned away: too many", metadata: ["from": "\(channel.remoteAddress?.description ?? "")"])
            return channel.eventLoop.makeFailedFuture(Refusal(.limit, "There are too many connections."))
        }
        return channel.eventLoop.makeCompletedFuture {
            do {
                try assemble(channel)
            } catch {
                // Otherwise the session, which is added last, gives the place back when it goes.
                admission.leave(.handshake)
                throw error
            }
        }
    }

    private func assemble(_ channel: any Channel) throws {
        let ping = try OutgoingFrame(WireCodec.encode(ManagerMessage.ping), limit: terms.frameBytes)
        let frames = FrameHandler(terms, limit: terms.strangerFrameBytes, countsParts: false, ping: ping, now: channel.eventLoop.now)
        // Whatever certificate it is, the handshake goes on (TLS has the peer prove that it holds the key): a peer that is
        // refused afterwards can be told why, and a resumed session skips this callback anyhow.
        let tls = NIOSSLServerHandler(context: keys.withLock(\.context)) { _, promise in promise.succeed(.certificateVerified) }
        try channel.pipeline.syncOperations.addHandlers([tls, frames, MemberSession(self, frames)])
    }

    /// Who is there, by the certificate that TLS has seen.
    func peer(of certificate: [UInt8]?) throws(Refusal) -> Peer {
        guard let certificate else { return .stranger }
        let authorities = keys.withLock(\.authorities)
        let time = now()
        let (identity, notAfter) = try verifyPresented(
            chainDER: [certificate], trust: authorities, clusterID: clusterID, now: time, acceptingExpired: true)
        switch identity {
        case .machine(let membership): return notAfter < time ? .returning(membership) : .member(membership)
        case .manager: throw Refusal(.forbidden, "A manager is no member; this port is for members.")
        }
    }

    /// The message as it goes over the wire.
    func frame(_ message: ManagerMessage) throws(Refusal) -> OutgoingFrame {
        guard case .update(let update) = message else {
            return try OutgoingFrame(WireCodec.encode(message), limit: terms.frameBytes)
        }
        return try OutgoingFrame(chunks.parts(of: update), limit: terms.frameBytes)
    }
}

extension ConnectionID {
    private static let last = Atomic<UInt64>(0)

    /// A number that no connection of this process had.
    static func next() -> ConnectionID { ConnectionID(rawValue: last.add(1, ordering: .relaxed).newValue) }
}

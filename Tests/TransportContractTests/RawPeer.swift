import ClusterModel
import NIOCore
import NIOPosix
import NIOSSL
import Replication
import ReplicationTransport

/// A client that sends whatever bytes it likes, over TLS that trusts anybody, or over nothing.
struct RawPeer {
    let channel: any Channel
    private let received: EventLoopFuture<[UInt8]>

    /// Collects bytes until the end of the connection.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var bytes: [UInt8] = []
        private let done: EventLoopPromise<[UInt8]>

        init(_ done: EventLoopPromise<[UInt8]>) { self.done = done }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytesView }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { done.succeed(bytes) }
    }

    /// Connects; without a configuration, over no TLS.
    init(_ address: String, tls: TLSConfiguration?) async throws {
        let port = Int(address.split(separator: ":").last ?? "") ?? 0
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: [UInt8].self)
        received = done.futureResult
        do {
            channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(done))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        } catch {
            done.fail(error)
            throw error
        }
    }

    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func send(frame: [UInt8]) { send((0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (24 - 8 * $0)) } + frame) }

    func close() { channel.close(promise: nil) }

    /// All that came until the other side closed.
    func bytes() async throws -> [UInt8] { try await received.get() }

    /// The messages that came until the other side closed.
    func messages() async throws -> [ManagerMessage] {
        var assembler = FrameAssembler(limit: Limits.frameBytes)
        assembler.append(ByteBuffer(bytes: try await bytes()))
        var messages: [ManagerMessage] = []
        while let frame = try assembler.next() { messages.append(try WireCodec.decodeManager(Array(frame.readableBytesView))) }
        return messages
    }

    /// The codes of the refusals that came.
    func refusals() async throws -> [Refusal.Code] {
        try await messages().compactMap { if case .refused(let code, _) = $0 { code } else { nil } }
    }

    static func tls(_ identity: MemberIdentity?, protocols: [String] = ["muster/1"], version: TLSVersion = .tlsv13) throws
        -> TLSConfiguration
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.minimumTLSVersion = .tlsv12
        configuration.maximumTLSVersion = version
        configuration.applicationProtocols = protocols
        if let identity {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem))
        }
        return configuration
    }
}

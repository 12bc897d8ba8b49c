import Certificates
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// TLS as the member port has it, without any of Muster's handlers.
enum RawTLS {
    static func context(_ chain: String, _ key: String, isServer: Bool) throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8)).map { NIOSSLCertificateSource.certificate($0) }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        var configuration: TLSConfiguration
        if isServer {
            configuration = .makeServerConfiguration(certificateChain: certificates, privateKey: key)
        } else {
            configuration = .makeClientConfiguration()
            configuration.certificateChain = certificates
            configuration.privateKey = key
        }
        configuration.certificateVerification = isServer ? .optionalVerification : .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = ["muster/1"]
        configuration.trustRoots = .certificates([])
        return try NIOSSLContext(configuration: configuration)
    }
}

enum RawClient {
    /// Connects, shakes hands, and hands the handshake's end to a handler.
    static func connect(
        _ context: NIOSSLContext, port: Int, handler: @escaping @Sendable () -> any ChannelInboundHandler & Sendable
    ) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil) { _, promise in
                        promise.succeed(.certificateVerified)
                    }
                    try channel.pipeline.syncOperations.addHandlers([tls, handler()])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// A member that greets and never reads again.
    static func stalled(_ member: Fixture.Member, port: Int, greeting: [ByteBuffer]) async throws -> any Channel {
        let context = try RawTLS.context(member.certificate, member.key, isServer: false)
        return try await connect(context, port: port) { StallingHandler(greeting) }
    }
}

/// Greets after the handshake, and takes nothing from the socket any more.
private final class StallingHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let greeting: [ByteBuffer]

    init(_ greeting: [ByteBuffer]) { self.greeting = greeting }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        for part in greeting { context.write(wrapOutboundOut(part), promise: nil) }
        context.flush()
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}

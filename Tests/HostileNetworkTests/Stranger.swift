import NIOCore
import NIOPosix
import NIOSSL

/// A connection that keeps no rules.
struct Stranger {
    let channel: any Channel

    private final class Ignorer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// A TLS context that trusts anybody and asks for these protocols.
    static func tls(_ protocols: [String]) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    /// Connects to a port of this machine; with a context, over TLS.
    init(_ port: Int, tls: NIOSSLContext? = nil) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: nil))
                }
                try channel.pipeline.syncOperations.addHandler(Ignorer())
            }
        }.connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    /// Sends one byte every so often until the connection ends.
    func trickle(_ byte: UInt8) {
        let pause = TimeAmount.milliseconds(200)
        channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [channel] task in
            if channel.isActive { channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil) } else { task.cancel() }
        }
    }
}

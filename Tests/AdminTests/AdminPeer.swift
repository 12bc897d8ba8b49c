import NIOCore
import NIOPosix
import NIOSSL

/// A client of the admin port that keeps no rules: it sends whatever it likes, as slowly as it likes.
struct AdminPeer {
    let channel: any Channel
    private let received: EventLoopFuture<String>

    /// Collects text until the end of the connection.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var text = ""
        private let done: EventLoopPromise<String>
        private let isDeaf: Bool

        init(_ done: EventLoopPromise<String>, isDeaf: Bool) {
            self.done = done
            self.isDeaf = isDeaf
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            if isDeaf { context.channel.setOption(.autoRead, value: false).cascadeFailure(to: done) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { done.succeed(text) }
    }

    /// Connects to a server's URL, with TLS or without. One that is deaf takes nothing after the first part of an answer.
    init(_ url: String, hasTLS: Bool = true, isDeaf: Bool = false) async throws {
        let port = Int(url.split(separator: ":").last ?? "") ?? 0
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try hasTLS ? NIOSSLContext(configuration: configuration) : nil
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: String.self)
        received = done.futureResult
        do {
            channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(done, isDeaf: isDeaf))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        } catch {
            done.fail(error)
            throw error
        }
    }

    func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    /// Sends one byte every so often until the connection ends.
    func trickle(every pause: TimeAmount = .milliseconds(50)) {
        channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [channel] task in
            if channel.isActive { channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil) } else { task.cancel() }
        }
    }

    /// All that came until the server closed.
    func text() async throws -> String { try await received.get() }

    func close() { channel.close(promise: nil) }
}

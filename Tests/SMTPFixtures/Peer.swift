package import ClusterModel
import Gateways
package import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// A client that says and hears lines, in clear text and after STARTTLS.
package final class Peer {
    fileprivate enum Event: Sendable {
        case line(String)
        case secured
        case failed(any Error)
    }

    package struct Closed: Error {
        package init() {}
    }

    package let channel: any Channel
    private var events: AsyncStream<Event>.Iterator

    private init(channel: any Channel, events: AsyncStream<Event>) {
        self.channel = channel
        self.events = events.makeAsyncIterator()
    }

    package static func connect(
        to address: String, port: Int = 2525, from source: String? = nil
    ) async throws -> Peer {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0)) }
        let channel = try await bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Collector(continuation)) }
        }.connect(to: try SocketAddress(ipAddress: address, port: port)).get()
        return Peer(channel: channel, events: events)
    }

    /// Whether nobody answers there.
    ///
    /// A process that another test starts holds a copy of a closed socket until it has loaded its program, so that a
    /// connection may come about; it ends without a word.
    package static func isNobody(to address: String, port: Int = 2525) async -> Bool {
        do {
            return await (try connect(to: address, port: port)).ends()
        } catch {
            return true
        }
    }

    /// The next line; throws when the connection ends instead.
    package func line() async throws -> String {
        switch await events.next(isolation: #isolation) {
        case .line(let line): return line
        case .failed(let error): throw error
        case .secured, nil: throw Closed()
        }
    }

    /// All lines of the next reply.
    package func reply() async throws -> [String] {
        var lines: [String] = []
        repeat { lines.append(try await line()) } while lines.last?.dropFirst(3).first == "-"
        return lines
    }

    package func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Sends a command and hears its whole reply.
    @discardableResult
    package func say(_ command: String) async throws -> [String] {
        try await send(command + "\r\n")
        return try await reply()
    }

    /// Whether the connection ends without another word.
    package func ends() async -> Bool {
        switch await events.next(isolation: #isolation) {
        case nil, .failed: true
        case .line, .secured: false
        }
    }

    /// Does the handshake that is due, and answers the fingerprint of the certificate that was shown.
    package func handshake(showing client: TestCertificate? = nil) async throws -> Digest {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        if let client {
            configuration.certificateChain = [.certificate(try client.certificate)]
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(client.key.utf8), format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let channel = channel
        try await channel.eventLoop.submit {
            let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
        }.get()
        switch await events.next(isolation: #isolation) {
        case .secured: break
        case .failed(let error): throw error
        case .line, nil: throw Closed()
        }
        let leaf = try await channel.nioSSL_peerCertificate().get()
        return Digest(hashing: try leaf?.toDERBytes() ?? [])
    }

    /// Banner, EHLO, STARTTLS, handshake and EHLO: ready for mail under TLS.
    package func secure(showing client: TestCertificate? = nil) async throws -> Digest {
        _ = try await reply()
        try await say("EHLO client.example")
        guard try await say("STARTTLS").last?.hasPrefix("220") == true else { throw Closed() }
        let shown = try await handshake(showing: client)
        try await say("EHLO client.example")
        return shown
    }

    package func close() async {
        channel.close(promise: nil)
        // Closed already is closed too.
        try? await channel.closeFuture.get()
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<Peer.Event>.Continuation
    private var splitter = LineSplitter(limit: 1 << 16)

    init(_ continuation: AsyncStream<Peer.Event>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        splitter.add(unwrapInboundIn(data).readableBytesView)
        while case .line(let line) = splitter.next() {
            continuation.yield(.line(String(decoding: line, as: UTF8.self)))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event { continuation.yield(.secured) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        continuation.yield(.failed(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
    }
}

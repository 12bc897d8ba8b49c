import Certificates
import ClusterModel
import Gateways
import NIOCore
import NIOPosix
import NIOSSL
import PostfixFixtures
import SMTPFixtures
import Synchronization

/// A mail server of somebody else, with one behaviour.
struct Remote {
    enum Behaviour {
        /// Does the handshake with a certificate.
        case serves(TestCertificate)
        /// Speaks TLS 1.2 with one cipher only.
        case speaks(TestCertificate, cipher: NIOTLSCipher)
        /// Does it with those only who show a certificate of an authority.
        case demands(TestCertificate, Issuer)
        case offersNothing
        /// Offers STARTTLS and answers 454 to it.
        case refuses
        /// Answers 220, and ends the connection or goes on with something else than TLS.
        case drops
        case babbles
        /// Does not know EHLO.
        case isOld
    }

    /// A message as it came.
    struct Delivery: Hashable {
        var recipient: String
        var isEncrypted: Bool
        /// SHA-256 of the client's certificate.
        var client: Digest?
    }

    let channel: any Channel
    private let record: Record

    final class Record: Sendable {
        let deliveries = Mutex<[Delivery]>([])
    }

    static func start(at address: String, port: Int, _ behaviour: Behaviour) async throws -> Remote {
        let record = Record()
        let context = try context(behaviour)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RemoteHandler(behaviour, context, record))
                }
            }
            .bind(host: address, port: port).get()
        return Remote(channel: channel, record: record)
    }

    var deliveries: [Delivery] { record.deliveries.withLock { $0 } }

    func stop() async { try? await channel.close() }

    private static func context(_ behaviour: Behaviour) throws -> NIOSSLContext? {
        let certificate: TestCertificate
        switch behaviour {
        case .serves(let given), .speaks(let given, _), .demands(let given, _): certificate = given
        case .offersNothing, .refuses, .drops, .babbles, .isOld: return nil
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.chain.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(certificate.key.utf8), format: .pem)))
        if case .speaks(_, let cipher) = behaviour {
            configuration.maximumTLSVersion = .tlsv12
            configuration.cipherSuiteValues = [cipher]
        }
        if case .demands(_, let issuer) = behaviour {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(try issuer.list.pem.utf8)))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

/// The server's side of one connection.
private final class RemoteHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let behaviour: Remote.Behaviour
    private let context: NIOSSLContext?
    private let record: Remote.Record
    private var splitter = LineSplitter(limit: 1 << 16)
    private var tls: NIOSSLServerHandler?
    private var recipient = ""
    private var isData = false

    init(_ behaviour: Remote.Behaviour, _ context: NIOSSLContext?, _ record: Remote.Record) {
        self.behaviour = behaviour
        self.context = context
        self.record = record
    }

    func channelActive(context: ChannelHandlerContext) { say("220 remote.test ESMTP", context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        splitter.add(unwrapInboundIn(data).readableBytesView)
        while case .line(let line) = splitter.next() { hear(String(decoding: line, as: UTF8.self), context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func hear(_ line: String, _ context: ChannelHandlerContext) {
        if isData {
            guard line == "." else { return }
            isData = false
            let leaf = (try? tls?.peerCertificate?.toDERBytes()).map { Digest(hashing: $0) }
            record.deliveries.withLock { $0.append(.init(recipient: recipient, isEncrypted: tls != nil, client: leaf)) }
            return say("250 taken", context)
        }
        switch line.prefix(4).uppercased() {
        case "EHLO":
            switch behaviour {
            case .isOld: say("502 what", context)
            case .offersNothing: say("250 remote.test", context)
            default: say(tls == nil ? "250-remote.test\r\n250 STARTTLS" : "250 remote.test", context)
            }
        case "STAR": startTLS(context)
        case "RCPT":
            recipient = String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
            say("250 ok", context)
        case "DATA":
            isData = true
            say("354 go on", context)
        case "QUIT":
            say("221 bye", context)
            context.close(promise: nil)
        default: say("250 ok", context)
        }
    }

    private func startTLS(_ context: ChannelHandlerContext) {
        switch behaviour {
        case .refuses: say("454 4.7.0 not now", context)
        case .drops:
            say("220 go", context)
            context.close(promise: nil)
        case .babbles: say("220 go\r\nthis is no TLS", context)
        default:
            guard let library = self.context else { return }
            say("220 go", context)
            let tls = NIOSSLServerHandler(context: library)
            self.tls = tls
            try? context.pipeline.syncOperations.addHandler(tls, position: .first)
        }
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }
}

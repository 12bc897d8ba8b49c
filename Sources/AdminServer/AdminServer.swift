package import AdminContract
package import ClusterModel
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The admin port: the API over TLS, and two paths for whoever watches the process.
///
/// Runs until it is shut down or cancelled. Requests under way are then answered first.
package struct AdminServer: Service {
    private let application: Application<RouterResponder<AdminContext>>

    /// Where the port is.
    package struct Listen: Hashable, Sendable {
        package var host: String
        /// 0 lets the system choose; `onReady` says what it chose.
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// What the port shows to prove itself, in PEM.
    package struct TLS: Sendable, CustomStringConvertible {
        fileprivate var chainPEM: String
        fileprivate var keyPEM: String

        package init(chainPEM: String, keyPEM: String) {
            self.chainPEM = chainPEM
            self.keyPEM = keyPEM
        }

        package var description: String { "TLS identity <redacted>" }
    }

    package func run() async throws {
        try await application.run()
    }

    fileprivate init(_ application: Application<RouterResponder<AdminContext>>) {
        self.application = application
    }
}

/// Builds the admin port; it serves once it is run.
///
/// `isReady` says whether the manager serves, for `/readyz`. `onReady` is called once, with the port, when requests are taken.
/// Refused when the TLS identity cannot be read.
package func makeAdminServer(
    service: any AdminService, tokens: any TokenChecker, listen: AdminServer.Listen, tls: AdminServer.TLS, logger: Logger,
    terms: AdminTerms = AdminTerms(), isReady: @escaping @Sendable () async -> Bool = { true },
    onReady: @escaping @Sendable (Int) async -> Void = { _ in }
) throws(Refusal) -> AdminServer {
    let router = Router(context: AdminContext.self)
    router.add(middleware: ErrorAnswers())
    addHealth(to: router, isReady: isReady)
    router.add(middleware: BearerTokens(tokens: tokens))
    addRoutes(
        to: router.group(RouterPath(Paths.base), context: CallerContext.self).add(middleware: RefusedRequests(service: service)),
        service: service)
    let server: HTTPServerBuilder
    do {
        server = try .tls(.http1(configuration: http(terms, logger)), tlsConfiguration: try configuration(of: tls))
    } catch {
        throw Refusal(
            .unreadable, "The admin port's certificate or private key cannot be used: neither can be read as PEM, or they do not match.")
    }
    return AdminServer(
        Application(
            router: router, server: server,
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: listen.port)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? listen.port) },
            logger: logger))
}

private func http(_ terms: AdminTerms, _ logger: Logger) -> HTTP1Channel.Configuration {
    let doorkeeper = Doorkeeper(terms)
    return HTTP1Channel.Configuration(
        additionalChannelHandlers: [VisitHandler(terms, doorkeeper, logger)],
        httpDecoderConfiguration: .init(
            maxHeaderFieldSize: Limits.headBytes, maxHeaderListSize: Limits.headBytes, maxHeaderFieldCount: Limits.headFields))
}

private func configuration(of tls: AdminServer.TLS) throws -> TLSConfiguration {
    let chain = try NIOSSLCertificate.fromPEMBytes(Array(tls.chainPEM.utf8))
    let key = try NIOSSLPrivateKey(bytes: Array(tls.keyPEM.utf8), format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    // A peer that is gone must not hold up the end for long.
    configuration.shutdownTimeout = .seconds(1)
    return configuration
}

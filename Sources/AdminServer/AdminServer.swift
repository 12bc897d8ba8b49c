package import AdminContract
package import ClusterModel
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import ServiceLifecycle

/// The admin port: the API over TLS, and two paths for whoever watches the process.
///
/// Runs until it is shut down or cancelled. Requests under way are then answered first.
package struct AdminServer: Service {
    private let application: Application<RouterResponder<AdminContext>>
    private let shown: ShownIdentity

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
        let chainPEM: String
        let keyPEM: String

        package init(chainPEM: String, keyPEM: String) {
            self.chainPEM = chainPEM
            self.keyPEM = keyPEM
        }

        package var description: String { "TLS identity <redacted>" }
    }

    package func run() async throws {
        try await application.run()
    }

    /// What new connections are shown from now on; open ones stay.
    package func replace(tls: TLS) throws(Refusal) { try shown.replace(tls) }

    fileprivate init(_ application: Application<RouterResponder<AdminContext>>, shown: ShownIdentity) {
        self.application = application
        self.shown = shown
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
    let shown = try ShownIdentity(tls)
    let server: HTTPServerBuilder
    do {
        server = try .tls(.http1(configuration: http(terms, logger)), tlsConfiguration: shown.configuration)
    } catch {
        throw ShownIdentity.unusable
    }
    return AdminServer(
        Application(
            router: router, server: server,
            configuration: ApplicationConfiguration(address: .hostname(listen.host, port: listen.port)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? listen.port) },
            logger: logger), shown: shown)
}

private func http(_ terms: AdminTerms, _ logger: Logger) -> HTTP1Channel.Configuration {
    let doorkeeper = Doorkeeper(terms)
    return HTTP1Channel.Configuration(
        additionalChannelHandlers: [VisitHandler(terms, doorkeeper, logger)],
        httpDecoderConfiguration: .init(
            maxHeaderFieldSize: Limits.headBytes, maxHeaderListSize: Limits.headBytes, maxHeaderFieldCount: Limits.headFields))
}

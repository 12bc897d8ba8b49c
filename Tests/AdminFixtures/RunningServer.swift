package import AdminClient
package import AdminContract
package import AdminServer
import AsyncHTTPClient
import Certificates
import ClusterModel
package import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an answer to a plain HTTP request was.
package struct PlainAnswer: Sendable {
    package var status: Int
    package var body: String
    package var headers: [String: String]
}

/// A real admin port on a port of the system's choice, while a test needs it.
package struct RunningServer: Sendable {
    package var profile: Profile
    private var http: HTTPClient

    /// Lends a server, and ends it when the body is done.
    @discardableResult
    package static func with<Result: Sendable>(
        _ service: any AdminService, isReady: Bool = true, terms: AdminTerms = AdminTerms(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @escaping @Sendable (RunningServer) async throws -> Result
    ) async throws -> Result {
        let today = Timestamp(Date())
        let authority = try ClusterAuthority.create(clusterID: "0123", clusterName: "acme", now: today)
        let key = try PrivateKey.generate(.ecdsaP256)
        let chain = try authority.issue(.manager("m1"), for: key, names: ["127.0.0.1"], lifetimeDays: 1, now: today)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = try makeAdminServer(
            service: service, tokens: FixedTokens(), listen: .init(host: "127.0.0.1", port: 0),
            tls: .init(chainPEM: chain.pem, keyPEM: key.pem), logger: logger,
            terms: terms, isReady: { isReady }, onReady: { port.yield($0) })
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var started = ports.makeAsyncIterator()
            guard let port = await started.next() else { throw CancellationError() }
            defer { group.cancelAll() }
            let profile = Profile(url: "https://127.0.0.1:\(port)", ca: authority.certificatePEM, token: FixedTokens.valid)
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(profile.ca.utf8)))
            // Patient: with many servers starting at once on few cores, a handshake may take a while.
            let http = HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: .init(tlsConfiguration: tls, timeout: .init(connect: .seconds(60))))
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(RunningServer(profile: profile, http: http))) } catch { result = .failure(error) }
            try await http.shutdown()
            return try result.get()
        }
    }

    /// A request as any HTTP client makes it.
    package func request(
        _ method: String, _ path: String, body: String? = nil, token: String? = FixedTokens.valid
    ) async throws -> PlainAnswer {
        var request = HTTPClientRequest(url: profile.url + path)
        request.method = .RAW(value: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await http.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return PlainAnswer(
            status: Int(response.status.code), body: String(buffer: bytes),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first })
    }
}

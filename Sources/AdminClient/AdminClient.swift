import AdminContract
import AsyncHTTPClient
import ClusterModel
import NIOCore
import NIOHTTP1
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The API as Swift calls, to one manager.
///
/// Trusts the profile's certificate authority and no other. Every method throws what the manager refused, or a
/// ``Refusal/Code/unavailable`` that names the manager when no answer came. Nothing is sent twice: a write whose
/// answer was lost may have happened.
package struct AdminClient: Sendable {
    private let http: HTTPClient
    let profile: Profile

    /// Seconds for connecting, and for a whole request; a commit of a large document takes a few.
    private static let connectSeconds: Int64 = 10
    private static let requestSeconds: Int64 = 120

    private init(_ profile: Profile) throws(Refusal) {
        guard profile.url.hasPrefix("https://") else {
            throw Refusal(
                .unreadable, "The profile's \"url\" is \"\(profile.url.prefix(200))\"; a manager is reached by https://HOST:PORT.")
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(profile.ca.utf8)))
        } catch {
            throw Refusal(.unreadable, "The profile's \"ca\" is not a certificate in PEM. Log in again, or copy the profile whole.")
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(AdminClient.connectSeconds)))
        configuration.connectionPool.retryConnectionEstablishment = false
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.profile = profile
    }

    /// Lends a client to some calls and closes its connections afterwards.
    package static func with<Result>(_ profile: Profile, _ body: (AdminClient) async throws -> Result) async throws -> Result {
        let client = try AdminClient(profile)
        do {
            let result = try await body(client)
            try await client.http.shutdown()
            return result
        } catch {
            try? await client.http.shutdown()  // the first error says more
            throw error
        }
    }

    // MARK: Requests

    func get<Answer: Decodable>(_ path: String, _ query: [(String, String?)] = []) async throws(Refusal) -> Answer {
        try await send(.GET, path, query, body: nil)
    }

    func delete<Answer: Decodable>(_ path: String, _ query: [(String, String?)] = []) async throws(Refusal) -> Answer {
        try await send(.DELETE, path, query, body: nil)
    }

    func post<Answer: Decodable>(_ path: String, _ value: (some Encodable)? = Int?.none) async throws(Refusal) -> Answer {
        let body: Data?
        do {
            body = try value.map { try JSONEncoder().encode($0) }
        } catch {
            throw Refusal(.invalid, "The request cannot be written as JSON.")
        }
        return try await send(.POST, path, [], body: body)
    }

    private func send<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, _ query: [(String, String?)], body: Data?
    ) async throws(Refusal) -> Answer {
        var request = HTTPClientRequest(url: profile.url + Paths.base + path + AdminClient.text(of: query))
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(profile.token)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, bytes) = try await answer(to: request)
        guard (200..<300).contains(status) else { throw refusal(status: status, bytes) }
        do {
            return try JSONDecoder().decode(Answer.self, from: bytes)
        } catch {
            throw Refusal(
                .version,
                "The manager at \(profile.url) answers what this version of muster does not understand. Use the manager's version.")
        }
    }

    private func answer(to request: HTTPClientRequest) async throws(Refusal) -> (status: Int, bytes: Data) {
        do {
            let response = try await http.execute(request, timeout: .seconds(AdminClient.requestSeconds))
            let body = try await response.body.collect(upTo: AdminClient.answerBytes)
            return (Int(response.status.code), Data(body.readableBytesView))
        } catch {
            throw Refusal(.unavailable, "The manager at \(profile.url) cannot be reached: \(explanation(of: error)).")
        }
    }

    /// Bytes of an answer: the status of the largest fleet, with its services, takes a few tens of MiB.
    private static let answerBytes = 256 << 20

    private func refusal(status: Int, _ bytes: Data) -> Refusal {
        if let body = try? JSONDecoder().decode(ErrorBody.self, from: bytes) { return body.refusal }  // then it is not a manager's
        return Refusal(.unavailable, "What answers at \(profile.url) is not a manager: it says HTTP \(status) without a reason.")
    }

    private static func text(of query: [(String, String?)]) -> String {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(escaped($0))" } }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    /// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
    private static func escaped(_ text: String) -> String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        return text.utf8.reduce(into: "") { result, byte in
            result += plain.contains(byte) ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }
    }
}

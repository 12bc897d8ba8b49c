import AdminClient
import AdminContract
import AdminFixtures
import ClusterModel
import Logging
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("What the API says when it says no", .timeLimit(.minutes(1)))
struct ErrorTests {
    @Test func `every code of a refusal has its outcome`() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/ClusterModel/Values/Refusal.swift")
        let text = try String(contentsOf: source, encoding: .utf8)
        let codes = text.split(separator: "\n").compactMap { line -> Refusal.Code? in
            guard line.contains("static let"), let quoted = line.split(separator: "\"").dropFirst().first else { return nil }
            return Refusal.Code(rawValue: String(quoted))
        }
        #expect(codes.count > 10)
        #expect(Set(codes + [.failure]) == Set(Outcome.table.keys))
    }

    @Test func `the service is told what it refused: changes, and questions that the caller may not ask`() async throws {
        for (code, told) in [(Refusal.Code.conflict, ["POST /groups"]), (.forbidden, ["POST /groups", "GET /users"])] {
            let service = FixedService(refusing: Refusal(code, "No."))
            try await RunningServer.with(service) { server in
                _ = try await server.request("POST", "/api/v1/groups?secret=x", body: #"{"name":"eu"}"#)
                _ = try await server.request("GET", "/api/v1/users")
                _ = try await server.request("GET", "/api/v1/nowhere")
            }
            #expect(service.questions.filter { $0.contains("refused") } == told.map { "admin refused \($0) \(code.rawValue)" })
        }
    }

    @Test(arguments: Outcome.table.keys.sorted { $0.rawValue < $1.rawValue })
    func `a refusal arrives at the client as it was`(_ code: Refusal.Code) async throws {
        let refusal = Refusal(code, "The reason of \(code.rawValue).", details: ["one", "two"])
        try await RunningServer.with(FixedService(refusing: refusal)) { server in
            let answer = try await server.request("GET", "/api/v1/status")
            #expect(answer.status == Outcome.of(code).httpStatus)
            #expect(
                answer.body == #"{"code":"\#(code.rawValue)","details":["one","two"],"reason":"The reason of \#(code.rawValue)."}"#)
            try await AdminClient.with(server.profile) { client in
                let error = await #expect(throws: Refusal.self) { try await client.status() }
                #expect(error?.code == code)
                #expect(error?.reason == refusal.reason)
                #expect(error?.details == refusal.details)
            }
        }
    }

    @Test func `a code that only a newer manager knows stays what it is`() async throws {
        let newer = Refusal.Code(rawValue: "moon-phase")
        try await RunningServer.with(FixedService(refusing: Refusal(newer, "Not tonight."))) { server in
            try await AdminClient.with(server.profile) { client in
                let error = await #expect(throws: Refusal.self) { try await client.status() }
                #expect(error?.code == newer)
                #expect(Outcome.of(newer).exitStatus == 1)
            }
        }
    }

    @Test(arguments: [nil, "wrong", "", "token-of-the-administrator x"] as [String?])
    func `nobody is served without a valid token`(_ token: String?) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let answer = try await server.request("GET", "/api/v1/machines", token: token)
            #expect(answer.status == 401)
            #expect(answer.headers["www-authenticate"] == "Bearer")
            #expect(answer.body.contains("unauthenticated"))
            let write = try await server.request("POST", "/api/v1/groups", body: #"{"name":"x"}"#, token: token)
            #expect(write.status == 401)
        }
        #expect(service.questions.isEmpty)
    }

    @Test func `health needs no token, and readiness tells the truth`() async throws {
        try await RunningServer.with(FixedService(), isReady: false) { server in
            let health = try await server.request("GET", "/healthz", token: nil)
            let readiness = try await server.request("GET", "/readyz", token: nil)
            #expect([health.status, readiness.status] == [200, 503])
        }
        try await RunningServer.with(FixedService()) { server in
            let readiness = try await server.request("GET", "/readyz", token: nil)
            #expect(readiness.status == 200)
        }
    }

    @Test(arguments: [("GET", "/"), ("GET", "/api/v1/nothing"), ("PUT", "/api/v1/machines"), ("GET", "/api/v2/status")])
    func `an unknown route is answered in JSON`(_ method: String, _ path: String) async throws {
        try await RunningServer.with(FixedService()) { server in
            let answer = try await server.request(method, path)
            #expect(answer.status == 404)
            #expect(answer.body.contains(#""code":"not-found""#))
            #expect(answer.headers["content-type"] == "application/json")
        }
    }

    @Test(arguments: [
        ("/api/v1/groups", "", "not JSON"), ("/api/v1/groups", "{", "not JSON"), ("/api/v1/groups", "{}", "name"),
        ("/api/v1/groups", #"{"name":1}"#, "name"), ("/api/v1/groups", #"{"name":"a","name":"b"}"#, "given twice"),
        ("/api/v1/groups", String(repeating: "[", count: 100_000), "levels deep"),
        ("/api/v1/edits", #"{"edits":[{"level":"moon","section":"listeners","operation":"hide"}]}"#, "not a level"),
        ("/api/v1/edits", #"{"edits":[{"level":"cluster","section":"listeners","operation":"melt"}]}"#, "expected set, merge"),
        ("/api/v1/certificates", #"{"level":"cluster","name":"a","request":{"days":1}}"#, "commonName"),
    ])
    func `a body that does not fit is refused with what is wrong`(_ path: String, _ body: String, _ words: String) async throws {
        let service = FixedService()
        try await RunningServer.with(service) { server in
            let answer = try await server.request("POST", path, body: body)
            #expect(answer.status == 400)
            #expect(answer.body.contains(words), "\(answer.body)")
        }
        // Nothing was asked of the service; that something was refused it may be told.
        #expect(service.questions.allSatisfy { $0.contains(" refused POST ") })
    }

    @Test func `a body over the limit is refused, one at the limit is read`() async throws {
        try await RunningServer.with(FixedService()) { server in
            // Not JSON, so that reading it is told from refusing it, and takes no time.
            let fits = String(repeating: "x", count: Limits.requestBytes)
            let read = try await server.request("POST", "/api/v1/groups", body: fits)
            #expect(read.status == 400)
            let answer = try await server.request("POST", "/api/v1/groups", body: fits + "x")
            #expect(answer.status == 413)
            #expect(answer.body.contains(#""code":"limit""#))
        }
    }

    @Test func `a failure of the manager is logged at error, a refusal is not`() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in CollectingLog { line in lines.withLock { $0.append(line) } } }
        try await RunningServer.with(FixedService(refusing: Refusal(.unavailable, "The disk is full.")), logger: logger) { server in
            _ = try await server.request("GET", "/api/v1/status")
        }
        #expect(lines.withLock { $0 }.contains { $0.hasPrefix("error request failed") && $0.contains("The disk is full.") })
        lines.withLock { $0 = [] }
        try await RunningServer.with(FixedService(refusing: Refusal(.conflict, "Meanwhile.")), logger: logger) { server in
            _ = try await server.request("GET", "/api/v1/status")
        }
        let errors = lines.withLock { $0 }.filter { $0.hasPrefix("error request failed") }
        #expect(errors.isEmpty)
        #expect(!lines.withLock { $0 }.contains { $0.contains(FixedTokens.valid) })
    }
}

/// Hands each line to a closure: level, message, metadata.
private struct CollectingLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    let take: @Sendable (String) -> Void

    init(take: @escaping @Sendable (String) -> Void) {
        self.take = take
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        take("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}

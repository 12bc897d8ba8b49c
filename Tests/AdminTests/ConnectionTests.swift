import AdminClient
import AdminContract
import AdminFixtures
import AdminServer
import ClusterModel
import NIOCore
import Testing

@Suite("Connections to the admin port that take their time", .timeLimit(.minutes(2)))
struct ConnectionTests {
    /// Everything ends within a second or two, except what has nothing to do with the test.
    private static func terms(_ change: (inout AdminTerms) -> Void) -> AdminTerms {
        var terms = AdminTerms()
        for time in [\AdminTerms.handshake, \.head, \.idle, \.transfer] { terms[keyPath: time] = .minutes(10) }
        change(&terms)
        return terms
    }

    private static let request = "GET /api/v1/machines HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(FixedTokens.valid)\r\n"

    @Test func `who does not finish the handshake is closed in time`() async throws {
        let terms = Self.terms { $0.handshake = .seconds(1) }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let silent = try await AdminPeer(server.profile.url, hasTLS: false)
            let half = try await AdminPeer(server.profile.url, hasTLS: false)
            half.send("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}")
            half.trickle()
            #expect(try await silent.text().isEmpty)
            #expect(try await half.text().isEmpty)
        }
    }

    @Test func `who says nothing after the handshake, or a head a byte at a time, is closed in time`() async throws {
        let terms = Self.terms { $0.head = .seconds(1) }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let silent = try await AdminPeer(server.profile.url)
            let slow = try await AdminPeer(server.profile.url)
            slow.send("GET /healthz HTTP/1.1\r\nx: ")
            slow.trickle()
            #expect(try await silent.text().isEmpty)
            #expect(try await slow.text().isEmpty)
        }
    }

    @Test func `a body a byte at a time is closed in time, with a valid token too`() async throws {
        let terms = Self.terms { $0.transfer = .seconds(1) }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let slow = try await AdminPeer(server.profile.url)
            slow.send(Self.request.replacing("GET /api/v1/machines", with: "POST /api/v1/commits") + "content-length: 100000\r\n\r\n")
            slow.trickle()
            #expect(try await !slow.text().contains("200 OK"))
        }
    }

    @Test func `who does not take the answer is closed in time`() async throws {
        let terms = Self.terms { $0.transfer = .seconds(1) }
        let fleet = Array(repeating: FixedService.machine, count: 40_000)
        try await RunningServer.with(FixedService(fleets: [fleet]), terms: terms) { server in
            let deaf = try await AdminPeer(server.profile.url, isDeaf: true)
            deaf.send(Self.request + "\r\n")
            // The server's close is seen by one that tries to write.
            deaf.trickle()
            try await deaf.channel.closeFuture.get()
        }
    }

    @Test func `a connection with a valid token may rest between requests, another may not`() async throws {
        let terms = Self.terms { ($0.head, $0.idle) = (.milliseconds(300), .seconds(2)) }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let clock = ContinuousClock()
            let start = clock.now
            let known = try await AdminPeer(server.profile.url)
            known.send(Self.request + "\r\n")
            let unknown = try await AdminPeer(server.profile.url)
            unknown.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(try await unknown.text().contains("200 OK"))
            #expect(try await known.text().contains("200 OK"))
            #expect(clock.now - start >= .seconds(2))
        }
    }

    @Test func `who shows no valid token is answered once, and what it goes on sending is not read`() async throws {
        try await RunningServer.with(FixedService(), terms: Self.terms { _ in }) { server in
            let peer = try await AdminPeer(server.profile.url)
            peer.send("POST /api/v1/commits HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{")
            peer.trickle()
            let text = try await peer.text().lowercased()
            #expect(text.contains("401 unauthorized") && text.contains("connection: close"))
        }
    }

    @Test func `strangers make room for whoever comes, and callers stay`() async throws {
        let terms = Self.terms { $0.strangers = 3 }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let caller = try await AdminPeer(server.profile.url)
            caller.send(Self.request + "\r\n")
            let oldest = try await AdminPeer(server.profile.url, hasTLS: false)
            var others: [AdminPeer] = []
            for _ in 0..<8 {
                others.append(try await AdminPeer(server.profile.url, hasTLS: false))
                // An administrator comes through all the same.
                _ = try await AdminClient.with(server.profile) { try await $0.whoAmI() }
            }
            #expect(try await oldest.text().isEmpty)
            #expect(caller.channel.isActive)
            caller.send("\(Self.request)connection: close\r\n\r\n")
            #expect(try await caller.text().components(of: "200 OK") == 2)
        }
    }

    @Test func `callers beyond the limit are closed`() async throws {
        let terms = Self.terms { $0.callers = 1 }
        try await RunningServer.with(FixedService(), terms: terms) { server in
            let first = try await AdminPeer(server.profile.url)
            first.send(Self.request + "\r\n")
            let second = try await AdminPeer(server.profile.url)
            second.send(Self.request + "\r\n")
            // Which of the two was first is for the server to say.
            let ended = first.channel.closeFuture.and(second.channel.closeFuture)
            first.channel.closeFuture.whenComplete { _ in second.close() }
            second.channel.closeFuture.whenComplete { _ in first.close() }
            _ = try await ended.get()
        }
    }

    @Test func `a head that is too large ends the connection`() async throws {
        try await RunningServer.with(FixedService()) { server in
            let peer = try await AdminPeer(server.profile.url)
            peer.send(Self.request + "x: " + String(repeating: "x", count: Limits.headBytes + 1) + "\r\n\r\n")
            #expect(try await !peer.text().contains("200 OK"))
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt8])
    func `noise ends the connection, and the port lives on`(_ seed: UInt8) async throws {
        try await RunningServer.with(FixedService()) { server in
            let noise = String(
                decoding: (0..<2000).map { UInt8(truncatingIfNeeded: ($0 &* 31 ^ $0 >> 3) &+ Int(seed)) & 0x7f }, as: UTF8.self)
            let naked = try await AdminPeer(server.profile.url, hasTLS: false)
            naked.send(noise)
            let inTLS = try await AdminPeer(server.profile.url)
            inTLS.send(noise)
            _ = try await naked.text()
            #expect(try await !inTLS.text().contains("200 OK"))
            _ = try await AdminClient.with(server.profile) { try await $0.whoAmI() }
        }
    }
}

extension String {
    /// How often some text occurs.
    fileprivate func components(of text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: text) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}

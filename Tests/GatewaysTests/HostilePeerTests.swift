import ClusterModel
import Gateways
import Logging
import NIOCore
import NIOEmbedded
import NIOSSL
import SMTPFixtures
import SeededRandomness
import Testing

@Suite(.timeLimit(.minutes(2))) struct HostilePeerTests {
    @Test func `a command pipelined behind STARTTLS is never heard`() async throws {
        let fixture = Fixture(certificate: try await .make("mx1.example.com"))
        try await withGateway(fixture) { _ in
            let peer = try await Peer.connect(to: fixture.address)
            _ = try await peer.reply()
            try await peer.send("STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n")
            #expect(try await peer.reply() == ["503 5.5.1 Nothing may follow STARTTLS before its reply"])
            #expect(await peer.ends())
        }
    }

    @Test(arguments: ["EHLO c\r\nMAIL FROM:<a@b.example>\r\n", "\r\n", "QUIT\r\n", String(repeating: "x", count: 9000)])
    func `after the 220 anything but a handshake closes the connection`(_ said: String) async throws {
        let fixture = Fixture(certificate: try await .make("mx1.example.com"))
        try await withGateway(fixture) { _ in
            let peer = try await Peer.connect(to: fixture.address)
            _ = try await peer.reply()
            try await peer.say("STARTTLS")
            try await peer.send(said + String(repeating: "z", count: 8))
            // An alert may come, but no reply to a command.
            while let line = try? await peer.line() { #expect(!line.hasPrefix("250") && !line.hasPrefix("221")) }
        }
    }

    @Test func `no bytes bring the gateway down`() async throws {
        var fixture = Fixture(certificate: try await .make("mx1.example.com"))
        fixture.https = HTTPSService(port: 8443, certificate: "mail")
        try await withGateway(fixture) { _ in
            var generator = SplitMix64(seed: 0x6D75_7374_6572)
            for round in 0..<150 {
                let peer = try await Peer.connect(to: fixture.address, port: round % 3 == 0 ? 8443 : 2525)
                for bytes in hostileBytes(round: round, using: &generator) {
                    // The gateway may well have closed by now.
                    try? await peer.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
                }
                if round % 2 == 0 {
                    try? await peer.channel.close(mode: .output).get()
                    while (try? await peer.line()) != nil {}
                }
                await peer.close()
            }
            let peer = try await Peer.connect(to: fixture.address)
            #expect(try await peer.secure() == fixture.certificates["mail"]?.fingerprint)
            let web = try await Peer.connect(to: fixture.address, port: 8443)
            #expect(try await web.handshake() == fixture.certificates["mail"]?.fingerprint)
        }
    }

    @Test func `a session that says nothing is told so and ended`() throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(session())
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } == "220 mx1.example.com ESMTP Muster\r\n")
        channel.embeddedEventLoop.advanceTime(by: .seconds(299))
        try channel.writeInbound(ByteBuffer(string: "NOOP\r\nNOO"))
        #expect(try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } == "250 2.0.0 Ok\r\n")
        // Half a command buys no time.
        channel.embeddedEventLoop.advanceTime(by: .seconds(299))
        try channel.writeInbound(ByteBuffer(string: "P"))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(
            try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) } == "421 4.4.2 Timeout, closing the connection\r\n")
        #expect(!channel.isActive)
    }

    @Test func `a handshake that does not come is not waited for`() async throws {
        let certificate = try await TestCertificate.make("mx1.example.com")
        let identity = try ServerIdentity(ServerIdentity.Pair(chain: certificate.chain, key: certificate.key), terms: TLSTerms())
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(session(identity))
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        try channel.writeInbound(ByteBuffer(string: "STARTTLS\r\n"))
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(channel.isActive)
        // The TLS handler gives its own goodbye a second.
        channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(!channel.isActive)
    }
}

private func session(_ identity: ServerIdentity? = nil) -> SMTPSession {
    SMTPSession(
        terms: SMTPTerms(hostname: "mx1.example.com", policy: MailFlowPolicySetting(tls: .preferred), hasCertificate: identity != nil),
        allowance: SessionAllowance(), logger: quiet
    ) { _ in
        guard let identity else { throw NIOSSLError.failedToLoadCertificate }
        return (NIOSSLServerHandler(context: identity.context), { .none })
    }
}

/// A few writes: random bytes, random lines, the beginnings and distortions of a handshake.
private func hostileBytes(round: Int, using generator: inout SplitMix64) -> [[UInt8]] {
    func random(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) } }
    switch round % 5 {
    case 0: return (0..<3).map { _ in random(Int.random(in: 1...3000, using: &generator)) }
    case 1:
        let verbs = ["EHLO", "MAIL FROM:<", "RCPT TO:<\"", "STARTTLS", "DATA", "\u{0}", ">", "\r\n.\r\n", "VRFY", "@:"]
        return [(0..<40).flatMap { _ in Array((verbs.randomElement(using: &generator) ?? "").utf8) + random(3) + [10] }]
    case 2: return [Array("EHLO c\r\nSTARTTLS\r\n".utf8), random(Int.random(in: 1...600, using: &generator))]
    case 3:
        var hello = clientHello
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            hello[Int.random(in: hello.indices, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
        }
        return [Array("STARTTLS\r\n".utf8), Array(hello.prefix(Int.random(in: 1...hello.count, using: &generator)))]
    default: return [[0x16, 0x03, 0x01, 0xFF, 0xFF], random(2000), Array("GET / HTTP/1.1\r\n\r\n".utf8)]
    }
}

/// A minimal TLS 1.2 ClientHello (RFC 5246, section 7.4.1.2) with one cipher suite and no extensions.
private let clientHello: [UInt8] =
    [0x16, 0x03, 0x01, 0x00, 0x2D, 0x01, 0x00, 0x00, 0x29, 0x03, 0x03] + [UInt8](repeating: 7, count: 32)
    + [0x00, 0x00, 0x02, 0xC0, 0x2B, 0x01, 0x00]

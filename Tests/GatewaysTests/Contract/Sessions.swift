import ClusterModel
import SMTPFixtures

extension Fixture {
    /// HTTPS on port 8443 of an address of its own, and no listener.
    static func web() async throws -> Fixture {
        var fixture = Fixture()
        fixture.listeners = [:]
        fixture.certificates["web"] = try await .make("web.example")
        fixture.https = HTTPSService(port: 8443, certificate: "web")
        return fixture
    }

    /// Where its service is: HTTPS, or the listener `public`.
    var servicePort: Int {
        get { https?.port ?? listeners["public"]?.port ?? 0 }
        set {
            https?.port = newValue
            listeners["public"]?.port = newValue
        }
    }

    /// The leaf that is served now.
    func served() async throws -> Digest {
        let (peer, leaf) = try await secured()
        await peer.close()
        return leaf
    }

    /// A new session under TLS, and the leaf that was shown.
    fileprivate func secured() async throws -> (Peer, Digest) {
        let peer = try await Peer.connect(to: address, port: servicePort)
        return (peer, try await https == nil ? peer.secure() : peer.handshake())
    }
}

/// A session in the middle of its request or message.
struct OpenSession {
    private let peer: Peer
    private let isWeb: Bool
    let shown: Digest

    init(_ fixture: Fixture) async throws {
        (peer, shown) = try await fixture.secured()
        isWeb = fixture.https != nil
        guard !isWeb else {
            try await peer.send("GET / HTTP/1.1\r\nHost: mx1.example.com\r\n")
            return
        }
        for line in ["MAIL FROM:<a@sender.test>", "RCPT TO:<u@inbound.test>", "DATA"] { try await peer.say(line) }
        try await peer.send("Subject: half\r\n\r\none\r\n")
    }

    /// Whether it comes to its end as if nothing had happened.
    func goesOn() async throws -> Bool {
        var isFine = false
        if isWeb {
            try await peer.send("Connection: close\r\n\r\n")
            isFine = try await peer.line() == "HTTP/1.1 200 OK"
        } else {
            isFine = try await peer.say("two\r\n.").last?.hasPrefix("250") == true
        }
        await peer.close()
        return isFine
    }
}

extension GatewayLab {
    /// What changes when something is done: the generation in force, how often the hook ran, the workers of nginx, Postfix's main process.
    var marks: [String] {
        [keeper.place.flatMap { current($0) } ?? "", "\(runs.count)", "\(nginxWorkers.sorted())", text("queue/pid/master.pid")]
    }
}

import ClusterModel
import FoundationEssentials
import Gateways
import Glibc
import NIOCore
import NIOPosix
import PostfixFixtures
import SMTPFixtures
import Testing

/// A kind of gateway, for tests of what all of them promise.
enum GatewayKeeper: CaseIterable, Sendable {
    case embedded
    case directory
    case nginx
    case postfix

    /// Why it cannot be tried here; nil when it can. CI must: there it is tried, and fails if it cannot.
    var lack: String? {
        guard unsafe getenv("CI") == nil else { return nil }
        return switch self {
        case .nginx where !FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx"): "nginx is not installed"
        case .postfix where !PostfixLab.isPossible: "Postfix is not installed, or this is not root, whom alone it obeys"
        default: nil
        }
    }

    static let here = allCases.filter { $0.lack == nil }

    /// Where its files lie, below the lab's directory; nil for the one that has none.
    var place: String? {
        switch self {
        case .embedded: nil
        case .directory: "files"
        case .nginx: "nginx"
        case .postfix: "etc"
        }
    }

    /// The service that it is tried with: HTTPS, or mail at Postfix, which knows nothing else.
    var service: String { self == .postfix ? "listener/public" : "https/data1" }

    /// Settings with that service, at an address of its own and with the certificate `web`.
    func fixture() async throws -> Fixture {
        guard self == .postfix else { return try await .web() }
        var fixture = Fixture()
        fixture.certificates["web"] = try await .make("web.example")
        fixture.listeners["public"]?.certificate = "web"
        fixture.trustsSystem = false
        return fixture
    }
}

/// A gateway of one kind on this machine, with a directory of its own, and whatever it started.
struct GatewayLab: Sendable {
    let keeper: GatewayKeeper
    let directory: String
    let hook: String
    private let postfix: PostfixLab?

    private init(_ keeper: GatewayKeeper, in directory: String, postfix: PostfixLab? = nil) {
        (self.keeper, self.directory, self.postfix) = (keeper, directory, postfix)
        hook = "\(directory)/hook"
    }

    /// A new gateway value on the directory: what an agent has after a restart.
    func gateway(hookSeconds: Int = 20, proves: Bool = true) throws -> any Gateway {
        let group = MultiThreadedEventLoopGroup.singleton
        switch keeper {
        case .embedded: return EmbeddedGateway(group: group, logger: quiet)
        case .nginx: return NginxGateway(try NginxOptions(["config-dir": "\(directory)/nginx"]), group: group, logger: quiet)
        case .directory:
            let options = [
                "path": "\(directory)/files", "hook": hook, "hook-seconds": "\(hookSeconds)", "prove": proves ? "yes" : "no",
            ]
            return DirectoryGateway(try DirectoryOptions(options), group: group, logger: quiet, systemAuthorities: { nil })
        case .postfix: return try #require(postfix).another()
        }
    }

    /// How often the hook ran, each time with the generation that it was told and the one before.
    var runs: [String] { text("runs").split(separator: "\n").map(String.init) }

    func text(_ path: String) -> String {
        FileManager.default.contents(atPath: "\(directory)/\(path)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The number of the generation that `current` leads to.
    func current(_ place: String = "files") -> String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(place)/current"))
            .flatMap { $0.split(separator: "/").last.map(String.init) }
    }

    func write(_ text: String, to path: String, mode: Int = 0o600) throws {
        let file = "\(directory)/\(path)"
        try Data(text.utf8).write(to: URL(filePath: file))
        try setMode(of: file, mode)
    }

    func setMode(of file: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }

    /// Runs a body with a gateway's directory, and ends afterwards what was started there.
    static func with(_ keeper: GatewayKeeper, hook: String = GatewayLab.servingHook, _ body: (GatewayLab) async throws -> Void) async throws
    {
        if keeper == .postfix {
            return try await PostfixLab.with { try await body(GatewayLab(keeper, in: $0.root, postfix: $0)) }
        }
        let directory = "/tmp/muster-gateway-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let lab = GatewayLab(keeper, in: directory)
        defer {
            for file in ["server.pid", "nginx/run/nginx.pid"] {
                if let id = pid_t(lab.text(file).prefix { $0.isNumber }), id > 0 { _ = kill(id, SIGKILL) }
            }
            // One that was told to end while it started may just have begun.
            while let left = Optional(lab.nginxMasters + lab.nginxWorkers), !left.isEmpty { for id in left { _ = kill(id, SIGKILL) } }
            try? FileManager.default.removeItem(atPath: directory)
        }
        try lab.write(hook.replacing("@LAB@", with: directory), to: "hook", mode: 0o700)
        try lab.write(GatewayLab.server, to: "server.py")
        try await body(lab)
    }

    /// The main processes that were started with a file of this directory.
    private var nginxMasters: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.filter { id in
            let title = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
            return String(decoding: title, as: UTF8.self).contains("nginx -c \(directory)/")
        }
    }

    /// The processes that have nginx's log open.
    var nginxWorkers: [pid_t] {
        let log = "\(directory)/nginx/run/error.log"
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.filter { id in
            ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")) ?? []).contains {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/fd/\($0)")) == log
            }
        }
    }

    var nginxMaster: pid_t? { pid_t(text("nginx/run/nginx.pid").prefix { $0.isNumber }) }

    /// A hook that has a server read the generation, and starts it when it does not run.
    static let servingHook = """
        #!/bin/sh
        echo "$MUSTER_GENERATION $MUSTER_PREVIOUS" >> @LAB@/runs
        if [ -s @LAB@/server.pid ] && kill -HUP "$(cat @LAB@/server.pid)" 2>/dev/null; then exit 0; fi
        exec python3 @LAB@/server.py @LAB@ "$(pwd)/../../current"

        """

    /// Serves HTTPS as `services.json` says, reads it again at SIGHUP, and keeps its open connections. It goes on when its parent ends.
    static let server = """
        import json, os, signal, socket, ssl, sys, threading
        lab, place = sys.argv[1:]
        state = {}
        is_daemon = False
        def start(key):
            threading.Thread(target=accept, args=(key,), daemon=True).start()
        def load():
            contexts = {}
            for service in json.load(open(place + "/services.json"))["services"]:
                if service["probe"]["kind"] != "tls":
                    continue
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(place + "/certificates/" + service["certificate"] + "/full.pem")
                contexts[(service["address"], service["port"])] = context
            for key in contexts:
                if key not in state:
                    state[key] = [contexts[key], socket.create_server(key, backlog=16)]
                    if is_daemon:
                        start(key)
                state[key][0] = contexts[key]
        def accept(key):
            while True:
                connection, _ = state[key][1].accept()
                threading.Thread(target=talk, args=(state[key][0], connection), daemon=True).start()
        def talk(context, connection):
            try:
                with context.wrap_socket(connection, server_side=True) as stream:
                    text = b""
                    while b"\\r\\n\\r\\n" not in text:
                        piece = stream.recv(4096)
                        if not piece:
                            return
                        text += piece
                    stream.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
            except OSError:
                pass
        def again():
            try:
                load()
            except Exception as error:
                print(error, file=sys.stderr)
        load()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        child = os.fork()
        if child:
            with open(lab + "/server.pid", "w") as file:
                file.write(str(child))
            os._exit(0)
        is_daemon = True
        os.setsid()
        for key in state:
            start(key)
        while True:
            signal.sigwait({signal.SIGHUP})
            again()

        """
}

import ClusterModel
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Sees whether Postfix serves what a plan says, at every listener.
struct PostfixProof: Sendable {
    private let group: any EventLoopGroup
    private let clock: any Clock<Duration>
    private let prober: TLSProber

    /// Milliseconds between two looks at a listener that is not as it should be yet.
    private static let pause = 20
    /// Milliseconds after which a listener is looked at once more where one look cannot tell a process of before from one of now. Those of
    /// before end when they hear of the reload, and may take one more session until then.
    private static let second = 300

    init(group: any EventLoopGroup, clock: any Clock<Duration>) {
        self.group = group
        self.clock = clock
        prober = TLSProber(group: group, deadline: .seconds(1))
    }

    /// Looks until every listener is as it should be, or the time is up. What is not then, a line each.
    ///
    /// `before` is what was served until now, if that is known: a listener with the same certificate as before is looked at twice.
    func objections(to listeners: [PostfixPlan.Listener], over before: [PostfixPlan.Listener]? = nil) async -> [String] {
        await withTaskGroup(of: String?.self) { tasks in
            var objections: [String] = []
            for (index, listener) in listeners.enumerated() {
                if index >= Limits.parallelProbes, let objection = await tasks.next() ?? nil { objections.append(objection) }
                let isNew = before?.contains { $0.name == listener.name && $0.leaf == listener.leaf } == false
                tasks.addTask {
                    if let objection = await objection(to: listener) { return objection }
                    // As below.
                    guard !isNew, (try? await clock.sleep(for: .milliseconds(PostfixProof.second))) != nil else { return nil }
                    return await objection(to: listener)
                }
            }
            for await objection in tasks { objections += [objection].compactMap(\.self) }
            return objections.sorted()
        }
    }

    /// What is not as it should be at each of these listeners, in their order, at the last of so many looks.
    func objections(to listeners: [PostfixPlan.Listener], looks: Int) async -> [String?] {
        var objections: [String?] = []
        for listener in listeners { objections.append(await objection(to: listener, looks: looks)) }
        return objections
    }

    private func objection(to listener: PostfixPlan.Listener, looks: Int) async -> String? {
        var objection: String?
        for _ in 0..<looks {
            objection = await look(at: listener).0
            if objection == nil { return nil }
        }
        return objection.map { "listener/\(listener.name) at \(listener.endpoint): \($0)" }
    }

    private func objection(to listener: PostfixPlan.Listener) async -> String? {
        var left = Limits.postfixProofSeconds * 1000 / PostfixProof.pause
        while true {
            let (objection, cost) = await look(at: listener)
            guard let objection else { return nil }
            left -= 1 + cost * 1000 / PostfixProof.pause
            // A sleep that is interrupted means that nobody waits for the answer any more.
            guard left > 0, (try? await clock.sleep(for: .milliseconds(PostfixProof.pause))) != nil else {
                return "listener/\(listener.name) at \(listener.endpoint): \(objection)"
            }
        }
    }

    /// What is not as it should be, and the seconds that it took to see.
    private func look(at listener: PostfixPlan.Listener) async -> (String?, Int) {
        do {
            guard let leaf = listener.leaf else {
                try await greeting(at: listener.endpoint)
                return (nil, 0)
            }
            let served = try await prober.look(at: listener.endpoint, startTLS: true)
            return (served == leaf ? nil : "it serves another certificate than it should: \(served.short)", 0)
        } catch ChannelError.connectTimeout {
            return ("it does not answer", 1)
        } catch ProbeHandler.Failure.noTLS(let line) {
            return (line.map { "it does not come to TLS, and says: \($0.printable)" } ?? "it does not come to TLS", 0)
        } catch ProbeHandler.Failure.closed {
            return ("it ends the connection", 0)
        } catch is NIOSSLError {
            return ("the TLS handshake fails", 0)
        } catch {
            return ("nobody listens there", 0)
        }
    }

    /// Waits for the first line of an SMTP server.
    private func greeting(at endpoint: Endpoint) async throws {
        let found = group.next().makePromise(of: Void.self)
        let timeout = found.futureResult.eventLoop.scheduleTask(in: .seconds(1)) { found.fail(ChannelError.connectTimeout(.seconds(1))) }
        defer { timeout.cancel() }
        let connection = ClientBootstrap(group: group).connectTimeout(.seconds(1))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(GreetingHandler(found: found)) }
            }
            .connect(to: try endpoint.socketAddress)
        connection.whenFailure { found.fail($0) }
        found.futureResult.whenComplete { _ in connection.whenSuccess { $0.close(promise: nil) } }
        try await found.futureResult.get()
    }
}

/// Hears whether a server greets.
private final class GreetingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let found: EventLoopPromise<Void>
    private var splitter = LineSplitter()

    init(found: EventLoopPromise<Void>) {
        self.found = found
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        splitter.add(unwrapInboundIn(data).readableBytesView)
        guard case .line(let line) = splitter.next() else { return }
        if line.starts(with: "220".utf8) {
            found.succeed(())
        } else {
            found.fail(ProbeHandler.Failure.noTLS(String(decoding: line, as: UTF8.self)))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        found.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        found.fail(ProbeHandler.Failure.closed)
        context.fireChannelInactive()
    }
}

extension String {
    /// A line of a server, for people: without what a terminal might obey, and no longer than a line.
    fileprivate var printable: String { String(unicodeScalars.filter { (32...126).contains($0.value) }.map(Character.init).prefix(200)) }
}

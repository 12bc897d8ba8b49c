import ClusterModel
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Sees whether Postfix serves what a plan says, at every listener.
struct PostfixProof: Sendable {
    private let group: any EventLoopGroup
    private let clock: any Clock<Duration>

    /// Milliseconds between two looks at a listener that is not as it should be yet.
    private static let pause = 20
    /// The time of a look, in milliseconds, and of the first few: a process of before that takes one after the reload may wait a second for
    /// Postfix's process for TLS, which is a new one, and has nothing new to show.
    private static let patience = (usual: 1000, first: 250)
    private static let firstLooks = 4
    /// Milliseconds after which a listener is looked at once more where one look cannot tell a process of before from one of now. Those of
    /// before end when they hear of the reload, and may take one more session until then.
    private static let second = 300

    init(group: any EventLoopGroup, clock: any Clock<Duration>) {
        self.group = group
        self.clock = clock
    }

    /// Looks until every listener is as it should be, or the time is up. What is not then, a line each.
    ///
    /// `before` is what was served until now, if that is known: a listener with the same certificate as before is looked at twice.
    func objections(to listeners: [PostfixPlan.Listener], over before: [PostfixPlan.Listener]? = nil) async -> [String] {
        await withTaskGroup(of: String?.self) { tasks in
            var objections: [String] = []
            for (index, listener) in listeners.enumerated() {
                if index >= Limits.parallelProbes, let objection = await tasks.next() ?? nil { objections.append(objection) }
                let isNew =
                    before?.contains { $0.name == listener.name && $0.leaf == listener.leaf && $0.named == listener.named } == false
                tasks.addTask {
                    if let objection = await objection(to: listener, withPolicy: isNew) { return objection }
                    // As below.
                    guard !isNew, (try? await clock.sleep(for: .milliseconds(PostfixProof.second))) != nil else { return nil }
                    return await objection(to: listener, withPolicy: true)
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
            objection = await look(at: listener, withPolicy: false, patience: PostfixProof.patience.usual).0
            if objection == nil { return nil }
        }
        return objection.map { "listener/\(listener.name) at \(listener.endpoint): \($0)" }
    }

    /// `withPolicy` has a session about the policy, too: where TLS is required, Postfix writes into its log that it refused somebody.
    private func objection(to listener: PostfixPlan.Listener, withPolicy: Bool) async -> String? {
        var left = Limits.postfixProofSeconds * 1000 / PostfixProof.pause
        var looks = 0
        while true {
            looks += 1
            let (objection, cost) = await look(
                at: listener, withPolicy: withPolicy,
                patience: looks > PostfixProof.firstLooks ? PostfixProof.patience.usual : PostfixProof.patience.first)
            guard let objection else { return nil }
            left -= 1 + cost / PostfixProof.pause
            // A sleep that is interrupted means that nobody waits for the answer any more.
            guard left > 0, (try? await clock.sleep(for: .milliseconds(PostfixProof.pause))) != nil else {
                return "listener/\(listener.name) at \(listener.endpoint): \(objection)"
            }
        }
    }

    /// What is not as it should be, and the milliseconds that it took to see, if those are many.
    private func look(at listener: PostfixPlan.Listener, withPolicy: Bool, patience: Int) async -> (String?, Int) {
        do {
            guard let leaf = listener.leaf else { return try await session(with: listener) }
            let prober = TLSProber(group: group, deadline: .milliseconds(Int64(patience)))
            let served = try await prober.look(at: listener.endpoint, startTLS: true)
            guard served == leaf else { return ("it serves another certificate than it should: \(served.short)", 0) }
            for (name, leaf) in listener.named.sorted(by: { $0.key < $1.key }) {
                let served = try await prober.look(at: listener.endpoint, startTLS: true, serverName: name)
                guard served == leaf else {
                    return ("it serves another certificate than it should to who asks for \(name): \(served.short)", 0)
                }
            }
            return withPolicy ? try await session(with: listener) : (nil, 0)
        } catch ChannelError.connectTimeout {
            return ("it does not answer", patience)
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

    /// Has one session that sends nothing with a listener, coming from its own address: what is not as its policy says, and the
    /// milliseconds that it took to see. Postfix makes a client wait for a second that is not refused.
    private func session(with listener: PostfixPlan.Listener) async throws -> (String?, Int) {
        let found = group.next().makePromise(of: String?.self)
        let timeout = found.futureResult.eventLoop.scheduleTask(in: .seconds(3)) { found.fail(ChannelError.connectTimeout(.seconds(3))) }
        defer { timeout.cancel() }
        let address = listener.endpoint.address
        let dialogue = PolicyDialogue(listener.terms, name: address.isIPv6 ? "[IPv6:\(address)]" : "[\(address)]")
        let connection = ClientBootstrap(group: group).connectTimeout(.seconds(1))
            .bind(to: try Endpoint(address: address, port: 0).socketAddress)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PolicyHandler(dialogue, found: found))
                }
            }
            .connect(to: try listener.endpoint.socketAddress)
        connection.whenFailure { found.fail($0) }
        found.futureResult.whenComplete { _ in connection.whenSuccess { $0.close(promise: nil) } }
        let objection = try await found.futureResult.get()
        return (objection, objection == nil ? 0 : 1000)
    }
}

extension String {
    /// A line of a server, for people: without what a terminal might obey, and no longer than a line.
    fileprivate var printable: String { String(unicodeScalars.filter { (32...126).contains($0.value) }.map(Character.init).prefix(200)) }
}

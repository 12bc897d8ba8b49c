package import ClusterModel
import Glibc
package import Logging
package import NIOCore

/// A Postfix instance on this machine, driven through its configuration directory.
///
/// A configuration is compiled (``PostfixPlan``), written aside, looked at with Postfix's own programs, switched to by renaming a link, and
/// then seen to be served at every listener; if it is not, the link goes back. Postfix goes on when the agent ends: it needs none to serve.
package actor PostfixGateway: Gateway {
    private let options: PostfixOptions
    private let store: PostfixStore
    private let tools: PostfixTools
    private let checks: PostfixChecks
    private let proof: PostfixProof
    private let logger: Logger
    private let systemAuthorities: @Sendable () -> String?
    private var turn = ApplyTurn()
    /// What was seen to be served last, the files for it, and where the programs are that serve it. What lies beside the files says the
    /// same, as long as nobody edits it with them; nothing is put in force without this being known.
    private var listeners: [PostfixPlan.Listener]?
    private var written: PostfixStore.Written?
    private var programs: String?

    package init(
        _ options: PostfixOptions, group: any EventLoopGroup, clock: any Clock<Duration> = ContinuousClock(), logger: Logger,
        systemAuthorities: @escaping @Sendable () -> String? = GatewayConfiguration.systemAuthorities
    ) {
        self.options = options
        self.logger = logger
        self.systemAuthorities = systemAuthorities
        store = PostfixStore(directory: options.configuration)
        tools = PostfixTools(commands: options.commands, clock: clock)
        checks = PostfixChecks(tools: tools, store: store)
        proof = PostfixProof(group: group, clock: clock)
    }

    package func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
        guard geteuid() == 0 else {
            throw Refusal(.unavailable, "Postfix obeys root only. Run the agent as root.")
        }
        try turn.take()
        defer { turn.end() }
        let (plan, number) = try await layOut(configuration)
        let generation = store.generation(number)
        let programs: String
        do throws(Refusal) {
            programs = try await checks.programs(in: generation)
            let (reasons, remarks) = try await checks.objections(to: plan, in: generation, programs: programs)
            for remark in remarks { logger.notice("a remark of Postfix", metadata: ["remark": "\(remark)"]) }
            let taken = occupied(plan.listeners, besides: try await isRunning(programs, number) ? openSockets : [])
            guard reasons.isEmpty, taken.isEmpty else {
                throw Refusal(
                    .invalid, "Postfix cannot use the configuration; the one before stays in force.", details: reasons + taken)
            }
        } catch {
            if store.current != number { discard(number) }
            throw error
        }
        try await switchTo(plan, number, programs)
    }

    package func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] {
        guard let written = written ?? store.current.map(store.written) else {
            return [
                GatewayObservation(subject: "\(options.configuration)/current", entries: [], meant: Digest(hashing: []), found: nil)
            ]
        }
        return await processObservations(written) + store.observations(of: written) + (await routes(of: configuration, in: written.number))
    }

    /// The TLS levels by next hop as they are in force, held against what the routes of this moment ask for.
    private func routes(of configuration: GatewayConfiguration, in number: Int) async -> [GatewayObservation] {
        do {
            let base = try store.base(of: number)
            let destinations = configuration.settings.namedDestinations
            let routes = try await PostfixRouter(tools: tools).routes(of: destinations, by: base, in: store.generation(number))
            guard routes != PostfixRoutes(), let text = try store.text(PostfixDestinations.file, of: number) else { return [] }
            return [try PostfixDestinations(configuration.settings, base, routes).observation(over: text)]
        } catch {
            logger.warning("nobody knows whether mail still takes the same ways", metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Whether Postfix runs, and greets where nobody sees a certificate.
    private func processObservations(_ written: PostfixStore.Written) async -> [GatewayObservation] {
        // That it cannot be asked says nothing.
        guard let programs, let isRunning = try? await isRunning(programs, written.number) else { return [] }
        let meant = Digest(hashing: Array("runs".utf8))
        let process = GatewayObservation(
            subject: "Postfix", entries: [], meant: meant, found: isRunning ? meant : nil,
            remark: "Postfix does not run (\(options.configuration))")
        // Where a certificate is served, a handshake says more.
        let plain = listeners?.filter { $0.leaf == nil } ?? []
        let objections = await proof.objections(to: plain, looks: PostfixGateway.looks)
        return [process]
            + zip(plain, objections).map { listener, objection in
                GatewayObservation(
                    subject: "listener/\(listener.name)", entries: [EntryName(.listeners, listener.name)], meant: meant,
                    found: objection == nil ? meant : nil, remark: objection)
            }
    }

    /// Looks at a listener that does not greet: one that is busy may take a second.
    private static let looks = 3

    /// Postfix goes on serving: the agent may end and come back without a word missed.
    package func stop() async {}

    /// The authorities of the system, where they count. Settings that cannot be read are refused elsewhere.
    private func authorities(for configuration: GatewayConfiguration) -> String? {
        (try? configuration.settings.authorities().trustsSystem) == true ? systemAuthorities() : nil
    }

    // MARK: - Before the switch

    /// The plan as it lies on the disk, and its number: the one there is, when it says the same.
    private func layOut(_ configuration: GatewayConfiguration) async throws(Refusal) -> (PostfixPlan, Int) {
        let (base, system) = (try store.base(), authorities(for: configuration))
        let router = PostfixRouter(tools: tools)
        let routes = try await store.asking(base.parameters) { directory throws(Refusal) in
            try await router.routes(of: configuration.settings.namedDestinations, by: base, in: directory)
        }
        func plan(_ number: Int) throws(Refusal) -> PostfixPlan {
            try PostfixPlan(configuration, over: base, routes: routes, system: system, in: store.generation(number))
        }
        if let current = store.current {
            let plan = try plan(current)
            if store.isCurrent(plan, current) { return (plan, current) }
        }
        let number = store.next
        let plan = try plan(number)
        for kept in try store.keepHandMade(written) {
            logger.warning("a file made by hand was in Muster's place, and is kept", metadata: ["file": "\(kept)"])
        }
        do throws(Refusal) { try store.write(plan, number) } catch {
            discard(number)
            throw error
        }
        for setting in plan.overridden {
            logger.notice("Muster's setting takes the place of a hand-made one", metadata: ["setting": "\(setting)"])
        }
        for remark in plan.remarks { logger.notice("a destination by its route", metadata: ["remark": "\(remark)"]) }
        return (plan, number)
    }

    private func discard(_ number: Int) {
        // What stays is removed with the next generations.
        try? store.discard(number)
    }

    /// Why listeners that are new cannot be opened. Postfix itself would end over it, and all its listeners with it.
    private func occupied(_ wanted: [PostfixPlan.Listener], besides open: Set<PostfixSocket>) -> [String] {
        wanted.filter { listener in !open.contains { $0.overlaps(listener.endpoint.postfixSocket) } }.compactMap { listener in
            listener.endpoint.reasonAgainstListening.map { "listener/\(listener.name) at \(listener.endpoint): \($0)" }
        }
    }

    /// Where Postfix listens, as far as this can be told: somebody may have changed the files that it reads.
    private var openSockets: Set<PostfixSocket> { store.sockets().union((listeners ?? []).map(\.endpoint.postfixSocket)) }

    // MARK: - The switch

    private func switchTo(_ plan: PostfixPlan, _ number: Int, _ programs: String) async throws(Refusal) {
        let before = store.current
        let wasRunning = try await isRunning(programs, number)
        var objections: [String]
        do throws(Refusal) {
            let open = openSockets
            try store.point(to: number)
            try await serve(programs, isRunning: wasRunning, open: open)
            objections = await proof.objections(to: plan.listeners, over: listeners)
            if objections.isEmpty, try await !isRunning(programs, number) { objections = ["Postfix ended; see its log"] }
        } catch {
            objections = error.details.isEmpty ? [error.reason] : error.details
        }
        guard objections.isEmpty, !Task.isCancelled else {
            let words = objections.isEmpty ? ["the time was up"] : objections
            // Goes through to its end although the caller may have been told to stop waiting.
            let left = await Task { await self.goBack(to: before, from: number, wasRunning: wasRunning, programs) }.value
            throw Refusal(
                .wouldBreak, "Postfix was not seen to serve the configuration; the one before is in force.", details: words + left)
        }
        listeners = plan.listeners
        written = PostfixStore.Written(number: number, files: plan.files.mapValues { Digest(hashing: Array($0.text.utf8)) })
        self.programs = programs
        do throws(Refusal) { try store.tidy(keeping: number) } catch {
            logger.warning("old generations stay until the next change", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// Puts the generation before, or the hand-made files, in force again. What did not work, for people.
    private func goBack(to before: Int?, from number: Int, wasRunning: Bool, _ programs: String) async -> [String] {
        do throws(Refusal) {
            let open = store.sockets()
            if let before { try store.point(to: before) } else { try store.pointToOriginal() }
            guard wasRunning else {
                _ = try await tools.tell("postfix", ["-c", store.directory, "stop"])
                if before != number { discard(number) }
                return []
            }
            try await serve(programs, isRunning: try await isRunning(programs, number), open: open)
            if before != number { discard(number) }
            guard let listeners else { return [] }
            return await proof.objections(to: listeners).map { "going back: \($0)" }
        } catch {
            return ["going back: \(error.reason)"]
        }
    }

    /// Has Postfix read its files. It opens what is new before it closes what is old, so that an address by itself and all addresses at
    /// the same port cannot follow each other while it runs: then it starts anew, and its open sessions end by themselves.
    private func serve(_ programs: String, isRunning: Bool, open: Set<PostfixSocket>) async throws(Refusal) {
        var commands = [isRunning ? "reload" : "start"]
        let new = store.sockets().subtracting(open)
        if isRunning, new.contains(where: { socket in open.contains { $0.overlaps(socket) } }) { commands = ["stop", "start"] }
        for command in commands {
            guard try await tools.tell("postfix", ["-c", store.directory, command]).isFine else {
                throw Refusal(.unavailable, "postfix \(command) fails; see Postfix's log")
            }
        }
    }

    /// Whether the instance runs: its main process holds a lock, and this asks whether it could be had. Where the lock is says the
    /// generation; somebody may have put another file in the place of the links.
    private func isRunning(_ programs: String, _ number: Int) async throws(Refusal) -> Bool {
        try await !tools.tell("\(programs)/master", ["-t", "-c", store.generation(number)]).isFine
    }
}

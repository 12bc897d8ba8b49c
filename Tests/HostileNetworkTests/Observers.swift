import ClusterModel

/// What goes on beside the faults: changes, and eyes on what must never be.
struct Observers: Sendable {
    let cluster: Cluster
    let chronicle: Chronicle
    let conductor: Conductor

    // MARK: - Changes

    /// Commits a new certificate, again and again. Whether an answer comes is luck; what was answered is written down.
    func commit(until end: ContinuousClock.Instant) async throws {
        var number = 0
        while ContinuousClock.now < end {
            number += 1
            try await change(number)
            try await pass(.seconds(2))
        }
    }

    func change(_ number: Int) async throws {
        let comment = "change \(number)"
        let certificate = try await cluster.newCertificate(comment)
        let taken = try await cluster.run(["cert", "import", "mail", "--pem", certificate.pem, "--key", certificate.key], seconds: 15)
        // Even without an answer it may have arrived, and a commit whose request was on its way may take it along.
        chronicle.attempt(Chronicle.Change(comment: comment, fingerprint: certificate.fingerprint))
        guard taken.isGood else { return chronicle.count("imports without an answer") }
        let answer = try await cluster.json(["commit", "-m", comment], seconds: 15)
        guard let answer else { return chronicle.count("commits without an answer") }
        guard let revision = answer["revision"]?.number else { return }
        chronicle.answered(comment, as: revision)
        chronicle.count("commits answered")
    }

    // MARK: - What is served

    /// Every machine serves, and what it serves was once its target.
    func watchService(of agent: Server, until end: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < end {
            let before = agent.undisturbed
            let seen = try await cluster.served(by: agent.node)
            guard let before, before == agent.undisturbed else {
                // It was away; what it says all the same must be right.
                if let seen, chronicle.age(of: seen) == nil { chronicle.found("\(agent.node.name) serves \(seen), which was never meant") }
                try await pass(.milliseconds(500))
                continue
            }
            judge(seen, agent.node)
            try await pass(.milliseconds(500))
        }
    }

    private func judge(_ seen: String?, _ node: Node) {
        guard let seen else { return chronicle.found("\(node.name) does not answer a handshake, and nothing keeps it from that") }
        chronicle.count("handshakes")
        if chronicle.age(of: seen) == nil { chronicle.found("\(node.name) serves \(seen), which was never meant") }
    }

    // MARK: - What is said

    /// The list of machines says nothing that is not so.
    func watchList(until end: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < end {
            let answered = chronicle.newestAnswered ?? 0
            let overdue = conductor.overdue
            if let machines = try await cluster.machines() {
                chronicle.count("lists")
                for machine in machines { try await judge(machine, answered: answered, overdue: overdue) }
            } else {
                chronicle.count("lists without an answer")
            }
            try await pass(.seconds(1))
        }
    }

    private func judge(_ machine: JSONValue, answered: Int, overdue: Set<String>) async throws {
        let name = machine["name"]?.text ?? ""
        let state = machine["state"]?.text ?? ""
        if overdue.contains(name) {
            if state == "offline" { chronicle.count("silent machines seen offline") }
            // The silence may have ended while the list was on its way.
            if state != "offline", conductor.overdue.contains(name) {
                chronicle.found("\(name) was silent for longer than the limit, and is called \(state)")
            }
        }
        guard state == "synced" else { return }
        guard machine["appliedDigest"] == machine["targetDigest"] else { return chronicle.found("\(name) is synced with another digest") }
        let listener = machine["services"]?.items?.first { $0["service"]?.text == "listener/public" }
        guard let served = listener?["served"]?.text, served == listener?["fingerprint"]?.text else {
            return chronicle.found("\(name) is synced without an equal proof")
        }
        guard let age = chronicle.age(of: served), age >= answered else {
            return chronicle.found("\(name) is synced with a certificate that is older than change \(answered), which was answered before")
        }
        chronicle.count("synced, checked")
        // What it was called synced for it must serve, or something newer.
        guard let agent = cluster.agents[name], let seen = try await cluster.served(by: agent.node) else { return }
        if (chronicle.age(of: seen) ?? -1) < age { chronicle.found("\(name) is synced, and serves an older certificate") }
    }
}

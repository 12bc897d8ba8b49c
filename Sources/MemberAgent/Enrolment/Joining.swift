import Certificates
package import ClusterModel
package import Replication

/// A machine's way into a cluster: what it would lose, a preview, the join itself (mission C2, C3).
///
/// After a join the settings from before stay in force until the first configuration from the cluster is applied and proved by
/// the agent; only then are they and their keys deleted.
package struct Joining: Sendable {
    private let directory: StateDirectory
    private let connector: any ManagerConnector
    private let now: WallClock
    private let knowledge: AgentKnowledge
    private let clock: any Clock<Duration>

    /// `knowledge` is what the machine's agent says that it understands.
    package init(
        directory: StateDirectory, connector: any ManagerConnector, now: @escaping WallClock,
        knowledge: AgentKnowledge = .ofThisAgent, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.directory = directory
        self.connector = connector
        self.now = now
        self.knowledge = knowledge
        self.clock = clock
    }

    /// What the machine gives up by joining: all but its network settings.
    package func loss() throws(Refusal) -> LossReport {
        LossReport.joining(try directory.current().generation?.settings ?? .empty)
    }

    /// Asks the manager what would happen. Nothing changes and nothing is consumed.
    package func preview(_ invitation: InvitationToken) async throws(Refusal) -> JoinAnswer {
        try await ask(invitation, key: try Joining.newKey(), isPreview: true)
    }

    /// Joins: makes a key that never leaves this machine, asks to be let in, checks the answer, writes the identity.
    ///
    /// Whatever interrupts it, the same invitation brings it to its end: the key is kept until then, and the manager knows it.
    ///
    /// - Throws: `loss-not-accepted` with the items when something would be lost and that is not accepted; `exists` when the
    ///   machine is a member and the manager does not say that this ended; what the manager refuses with.
    package func join(_ invitation: InvitationToken, acceptingLoss: Bool) async throws(Refusal) -> JoinAnswer {
        try await prepare(acceptingLoss: acceptingLoss)
        return try await join(with: invitation, from: nil)
    }

    /// The same with an invitation that is asked for only once nothing stands against the join on this machine.
    ///
    /// It is kept with the key until the join is over, so that repeating it, from the same `source`, brings it to its end.
    package func join(
        acceptingLoss: Bool, from source: String, inviting: () async throws(Refusal) -> InvitationToken
    ) async throws(Refusal) -> JoinAnswer {
        try await prepare(acceptingLoss: acceptingLoss)
        if let begun = directory.begunInvitation(from: source), now() < begun.expires {
            return try await join(with: begun, from: source)
        }
        return try await join(with: try await inviting(), from: source)
    }

    private func prepare(acceptingLoss: Bool) async throws(Refusal) {
        try await endFormerMembership()
        let loss = try loss()
        guard loss.isEmpty || acceptingLoss else {
            throw Refusal(
                .lossNotAccepted, "By joining, this machine loses what it does not have from the cluster. Accept that with --accept-loss.",
                details: loss.items)
        }
    }

    private func join(with invitation: InvitationToken, from source: String?) async throws(Refusal) -> JoinAnswer {
        let key = try directory.joiningKey(for: invitation, from: source, new: Joining.newKey)
        let answer: JoinAnswer
        do throws(Refusal) {
            answer = try await ask(invitation, key: key, isPreview: false)
            try check(answer, of: invitation, key: key)
        } catch {
            // Only a manager's refusal tells that it was not let in. If the key cannot be deleted, the next join replaces it.
            if !Joining.undecided.contains(error.code) { try? directory.forgetJoiningKey() }
            throw error
        }
        try directory.takeUp(
            LocalMembership(
                facts: LocalMembership.Facts(
                    membership: answer.membership, clusterID: answer.clusterID, cluster: answer.cluster, group: answer.group,
                    managers: answer.managers.isEmpty ? invitation.managers : answer.managers),
                identity: MemberIdentity(certificate: answer.certificate, key: key.pem), trust: answer.trust))
        return answer
    }

    /// What no manager of the cluster has said: whether it let the machine in is open. Or people have not decided yet.
    private static let undecided: Set<Refusal.Code> = [.unavailable, .forbidden, .unauthenticated, .awaitingApproval]

    // MARK: - Asking

    private func ask(_ invitation: InvitationToken, key: PrivateKey, isPreview: Bool) async throws(Refusal) -> JoinAnswer {
        guard now() < invitation.expires else {
            throw Refusal(.invitation, "The invitation expired at \(invitation.expires). Ask for another: muster invite")
        }
        let machine = try directory.machine()
        let request = JoinRequest(
            invitation: invitation.id, secret: invitation.secret, machine: machine.name,
            certificateRequest: try Joining.request(key, machine: machine.name), network: try network(of: machine), loss: try loss(),
            isPreview: isPreview, knowledge: knowledge.driving(machine.gateway))
        let trust = ManagerTrust.fingerprints(invitation.pinned, clusterID: invitation.clusterID)
        return try await withManager(of: invitation.managers, as: nil, trusting: trust) { link, events throws(Refusal) in
            link.send(.join(request))
            return try await Joining.answer(in: events)
        }
    }

    private static func answer(in events: AsyncStream<MemberLinkEvent>) async throws(Refusal) -> JoinAnswer {
        for await event in events {
            switch event {
            case .received(.joined(let answer)): return answer
            case .received(.refused(let code, let reason)): throw Refusal(code, reason)
            case .received: continue
            case .closed(let reason): throw Refusal(.unavailable, "The manager closed the connection before it answered: \(reason)")
            }
        }
        throw Refusal(.unavailable, "The connection to the manager ended before it answered.")
    }

    /// Connects to the first manager that answers. A refusal of a manager of the cluster is final.
    private func withManager<Result: Sendable>(
        of managers: [String], as identity: MemberIdentity?, trusting trust: ManagerTrust,
        _ body: (any Link<MemberMessage>, AsyncStream<MemberLinkEvent>) async throws(Refusal) -> Result
    ) async throws(Refusal) -> Result {
        var failures: [Refusal] = []
        for manager in managers {
            let link: any Link<MemberMessage>
            let events: AsyncStream<MemberLinkEvent>
            do throws(Refusal) {
                (link, events) = try await connector.connect(to: manager, as: identity, trusting: trust)
            } catch {
                failures.append(Refusal(error.code, "\(manager): \(error.reason)"))
                continue
            }
            defer { link.close() }
            return try await body(link, events)
        }
        throw Refusal(
            failures.last?.code ?? .unavailable, "No manager could be reached. Check that one runs, and that this machine can reach it.",
            details: failures.map(\.reason))
    }

    // MARK: - Checking

    /// A manager that showed the pinned authority is believed; this catches what went wrong on its side before it is written down.
    private func check(_ answer: JoinAnswer, of invitation: InvitationToken, key: PrivateKey) throws(Refusal) {
        let wrong = "The manager's answer cannot be right, so this machine has not taken it up."
        guard !answer.isPreview, answer.clusterID == invitation.clusterID else {
            throw Refusal(.unauthenticated, "\(wrong) It is not about the cluster of the invitation.")
        }
        let authorities = try TrustedAuthority.list(pem: answer.trust)
        guard authorities.contains(where: { invitation.pinned.contains($0.fingerprint) }) else {
            throw Refusal(.unauthenticated, "\(wrong) Its authority is not the one that the invitation pins.")
        }
        let chain = try CertificateChain(pem: answer.certificate)
        guard chain.isServed(by: key) else {
            throw Refusal(.unauthenticated, "\(wrong) The certificate is not for this machine's key.")
        }
        let identity = try verifyIdentity(chainDER: chain.der, trust: authorities, clusterID: answer.clusterID, now: now())
        guard identity == .machine(answer.membership) else {
            throw Refusal(.unauthenticated, "\(wrong) The certificate names another membership.")
        }
    }

    private static func newKey() throws(Refusal) -> PrivateKey {
        do {
            return try PrivateKey.generate(.ecdsaP256)
        } catch {
            throw Refusal(.unavailable, "No key could be made for this machine.")
        }
    }

    private static func request(_ key: PrivateKey, machine: String) throws(Refusal) -> [UInt8] {
        do {
            return try CertificateRequest.make(key: key, commonName: machine).der
        } catch {
            throw Refusal(.unavailable, "No certificate request could be made for this machine's key.")
        }
    }

    /// The machine's network settings as they are now; those it began with if it serves nothing yet.
    private func network(of machine: Machine) throws(Refusal) -> [NetworkEntry] {
        let settings = try directory.current().generation?.settings
        let entries = (settings?.sections ?? []).filter { Section.named($0.name)?.isNetwork == true }.flatMap { section in
            section.entries.map { NetworkEntry(section: section.name, name: $0.name, value: $0.value) }
        }
        return entries.isEmpty ? machine.network : entries
    }
}

// MARK: - A membership from before

extension Joining {
    /// How often, and how far apart, a running agent is looked at: it flattens within a moment of being told.
    private static let looks = 30
    private static let pause = Duration.milliseconds(100)

    /// A machine that believes it is a member asks the manager; if the membership ended it flattens and goes on.
    private func endFormerMembership() async throws(Refusal) {
        guard let membership = try directory.membership() else { return }
        guard try directory.hasRunningAgent() else {
            guard try await hasEnded(membership) else { throw stillMember(membership) }
            _ = try directory.flatten()
            return
        }
        // The running agent has the one connection of this membership: a second would be taken for a cloned disk.
        for _ in 0..<Joining.looks {
            guard try directory.membership() != nil else { return }
            do {
                try await clock.sleep(for: Joining.pause)
            } catch {
                throw Refusal(.unavailable, "Interrupted; nothing has changed.")
            }
        }
        throw stillMember(membership)
    }

    private func hasEnded(_ membership: LocalMembership) async throws(Refusal) -> Bool {
        let running = try directory.current().generation.flatMap { $0.kind == .member ? $0.settings.digest : nil }
        var greeting = Hello(
            knowledge: knowledge.driving(try directory.machine().gateway), clock: now(), running: running,
            seen: try directory.memory().seen)
        let apart = try directory.apart()
        (greeting.isDisconnected, greeting.localEdits) = (apart.isDisconnected, apart.edits.count)
        let hello = greeting
        let trust = ManagerTrust.authorities(pem: membership.trust, clusterID: membership.facts.clusterID)
        return try await withManager(of: membership.facts.managers, as: membership.identity, trusting: trust) {
            link, events throws(Refusal) in
            link.send(.hello(hello))
            for await event in events {
                switch event {
                case .received(.ended), .received(.refused(.membershipEnded, reason: _)): return true
                case .received(.refused(let code, let reason)): throw Refusal(code, reason)
                case .received(.welcome), .received(.update), .received(.apart): return false
                case .received: continue
                case .closed(let reason): throw Refusal(.unavailable, "The manager closed the connection before it answered: \(reason)")
                }
            }
            throw Refusal(.unavailable, "The connection to the manager ended before it answered.")
        }
    }

    private func stillMember(_ membership: LocalMembership) -> Refusal {
        Refusal(
            .exists,
            "This machine is a member of \(membership.facts.cluster) already. Have it removed there (muster machine remove), "
                + "or let it leave first: muster agent leave --state-dir \(directory.path)"
        )
    }
}

extension LossReport {
    /// What goes, one line each.
    fileprivate var items: [String] {
        certificates.map { certificate in
            let use = certificate.services.isEmpty ? "no service uses it" : "used by \(certificate.services.joined(separator: ", "))"
            return
                "certificate \(certificate.name): \(certificate.subject), SHA-256 \(certificate.fingerprint), until \(certificate.notAfter), \(use)"
        } + settings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: ", "))" }
    }
}

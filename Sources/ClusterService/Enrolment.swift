import Certificates
package import ClusterLog
package import ClusterModel
package import Replication

/// Invitations, and the joins that use them.
package actor Enrolment {
    let ledger: Ledger
    private let issuers: Issuers
    private let waiting: PendingJoins
    let now: WallClock
    private let managers: @Sendable () -> [String]
    private var generator: any RandomNumberGenerator & Sendable

    /// Days that a member's certificate is valid.
    private static let certificateDays = 365

    /// `managers` says where managers take members, as invitations carry it.
    package init(
        ledger: Ledger, issuers: Issuers, log: any ClusterLog, now: @escaping WallClock, managers: @escaping @Sendable () -> [String],
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.ledger = ledger
        self.issuers = issuers
        waiting = PendingJoins(log: log)
        self.now = now
        self.managers = managers
        self.generator = generator
    }

    /// Makes an invitation to a group: single use, expiring, pinning the cluster's CA (mission C2); for one machine, if that is named.
    package func invite(
        by user: String, group name: String?, seconds: Int, machine: String? = nil, approval: Bool = false
    ) async throws(Refusal) -> InvitationToken {
        if let machine { _ = try NameRule.plain.check(machine, as: "The machine name") }
        guard (1...Limits.invitationHours * 3600).contains(seconds) else {
            throw Refusal(.invalid, "An invitation is open for at most \(Limits.invitationHours) hours, not \(seconds) seconds.")
        }
        let id = String(randomIdentifier(using: &generator).prefix(12))
        let secret = randomIdentifier(using: &generator)
        let expires = now().adding(seconds: Int64(seconds))
        let state = try await ledger.append(by: user) { state, _ throws(Refusal) in
            let group = try Enrolment.group(named: name, in: state)
            return .invitationCreated(
                InvitationCreated(
                    id: id, secretHash: Enrolment.hash(secret), group: group.id, expires: expires, machine: machine,
                    approval: approval ? true : nil))
        }
        let rotation = try state.rotationOrRefusal()
        return InvitationToken(
            id: id, secret: secret, clusterID: state.clusterID, cluster: state.cluster, authority: rotation.shown.fingerprint,
            nextAuthority: rotation.alsoPinned.first?.fingerprint, managers: managers(), expires: expires)
    }

    /// Lets a machine in. A preview, a refusal or a failed join consumes nothing.
    ///
    /// A machine that did not hear the answer asks again with the same invitation and the same key, and is answered again, with
    /// another certificate for the membership it has.
    package func join(_ request: JoinRequest) async throws(Refusal) -> JoinAnswer {
        guard MemberProtocol.agreed(with: request.knowledge.protocols) != nil else {
            throw Refusal(.version, "There is no version to talk in: \(MemberProtocol.disagreement(with: request.knowledge)).")
        }
        let machine = try NameRule.plain.check(request.machine, as: "The machine name")
        let network = try Enrolment.checked(request.network)
        let csr: CertificateRequest
        do { csr = try CertificateRequest(der: request.certificateRequest) } catch {
            throw Refusal(.invalid, "The machine's certificate request cannot be read, or its signature is wrong.")
        }
        if request.isPreview {
            let state = await ledger.state
            try Enrolment.checkRotation(state, knowledge: request.knowledge)
            let group = try Enrolment.admit(request, in: state, at: now())
            // Known before anything is lost: whether its agent understands what it would get.
            let joined = Enrolment.joined(
                request, Enrolment.network(network, of: request, in: state, group: group), as: MembershipID(rawValue: "preview"),
                group: group,
                key: csr.key.fingerprint)
            try ledger.agents.check(from: state, to: try Enrolment.state(state, with: joined, at: now()))
            return try answer(in: state, group: group, membership: MembershipID(rawValue: ""), certificate: "", isPreview: true)
        }
        let identityKey = csr.key.fingerprint
        try await ledger.settle()
        let former = Enrolment.membership(joinedBy: request, key: identityKey, in: await ledger.state, at: now())
        if former == nil { try await awaitApproval(of: request, network, key: identityKey) }
        let membership = former ?? MembershipID(rawValue: randomIdentifier(using: &generator))
        let certificate = try await issue(to: membership, csr, in: ledger.state)
        let state = try await ledger.append(by: "machine \(machine)") { state, time throws(Refusal) in
            if former != nil { return nil }
            try Enrolment.checkRotation(state, knowledge: request.knowledge)
            let group = try Enrolment.admit(request, in: state, at: time)
            let joined = Enrolment.joined(
                request, Enrolment.network(network, of: request, in: state, group: group), as: membership, group: group, key: identityKey)
            try Enrolment.validate(joined, on: state, time: time)
            return .machineJoined(joined)
        }
        guard let group = state.memberships[membership].flatMap({ state.groups[$0.group] }) else {
            throw Refusal(.membershipEnded, "The machine was removed again while it joined.")
        }
        return try answer(in: state, group: group, membership: membership, certificate: certificate.pem, isPreview: false)
    }

    /// The machines that wait for an administrator's decision.
    package func pending(in state: ClusterState) async throws(Refusal) -> [PendingJoin] {
        try await waiting.all(in: state, at: now())
    }

    /// Goes on when the invitation asks for no decision, or an administrator has let this machine in, with this key. What would be refused
    /// anyhow is refused at once, and waits for nobody.
    private func awaitApproval(of request: JoinRequest, _ network: [NetworkEntry], key: Digest) async throws(Refusal) {
        let (state, time) = (await ledger.state, now())
        let group = try Enrolment.admit(request, in: state, at: time)
        switch state.invitations[request.invitation]?.decision(on: request.machine, key: key) {
        case true?: return
        case false?:
            throw Refusal(.invitation, "An administrator has denied this machine, \(request.machine) with the key \(key.short), to join.")
        case nil:
            let joined = Enrolment.joined(request, network, as: MembershipID(rawValue: "waiting"), group: group, key: key)
            try Enrolment.validate(joined, on: state, time: time)
            let pending = PendingJoin(
                invitation: request.invitation, machine: request.machine, identityKey: key, time: time, loss: request.loss)
            try await waiting.keep(pending, in: state, at: time)
            throw Refusal(
                .awaitingApproval,
                "This machine waits to be let in. Its key has the fingerprint \(key). Nothing has changed; have an administrator compare that and "
                    + "decide: muster machine approve \(request.machine) --fingerprint \(key.short)")
        }
    }

    /// Certifies a machine's key, by the CA that issues now.
    func issue(to membership: MembershipID, _ request: CertificateRequest, in state: ClusterState) async throws(Refusal) -> CertificateChain
    {
        let authority = try await issuers.authority(state.rotationOrRefusal().issuing)
        do {
            return try authority.issue(
                .machine(membership), publicKeyOf: request, lifetimeDays: Enrolment.certificateDays, now: now())
        } catch {
            throw Refusal(.invalid, "No certificate can be issued for the machine's key.")
        }
    }

    private func answer(
        in state: ClusterState, group: Group, membership: MembershipID, certificate: String, isPreview: Bool
    ) throws(Refusal) -> JoinAnswer {
        JoinAnswer(
            membership: membership, clusterID: state.clusterID, cluster: state.cluster, group: group.name, certificate: certificate,
            trust: Rotation.pem(try state.rotationOrRefusal().trusted), managers: managers(), isPreview: isPreview)
    }

    // MARK: - Decisions

    /// The group that an invitation leads to, if it still does. The same words for an unknown invitation and a wrong secret.
    static func admit(_ request: JoinRequest, in state: ClusterState, at time: Timestamp) throws(Refusal) -> Group {
        guard let invitation = state.invitations[request.invitation], invitation.secretHash == hash(request.secret) else {
            throw Refusal(.invitation, "This cluster did not make that invitation. Ask its administrator for one: muster invite")
        }
        guard invitation.usedBy == nil else {
            throw Refusal(.invitation, "The invitation has been used. Each lets one machine join; ask for another: muster invite")
        }
        guard time < invitation.expires else {
            throw Refusal(.invitation, "The invitation expired at \(invitation.expires). Ask for another: muster invite")
        }
        if let machine = invitation.machine, machine != request.machine {
            throw Refusal(
                .invitation,
                "The invitation is for the machine \(machine), and this one is called \(request.machine). It stays good for \(machine); ask for another: muster invite"
            )
        }
        guard state.membership(named: request.machine) == nil else {
            throw Refusal(
                .exists,
                "There is a machine \"\(request.machine)\" in the cluster already. Join under another name, or have that one removed: muster machine remove \(request.machine)"
            )
        }
        try Lookalikes.check(request.machine, of: "machine", among: state.memberships.values.lazy.map(\.machine))
        guard let group = state.groups[invitation.group] else {
            throw Refusal(.notFound, "The group that the invitation leads to was deleted. Ask for another: muster invite")
        }
        return group
    }

    /// While machines trust two CAs, a machine whose agent knows of one only would be left behind at the last step.
    private static func checkRotation(_ state: ClusterState, knowledge: AgentKnowledge) throws(Refusal) {
        guard try state.rotationOrRefusal().trusted.count > 1, knowledge.protocols.upperBound < MemberProtocol.identities else { return }
        throw Refusal(
            .version,
            "The cluster's CA is being replaced, and this machine's agent is too old to take part in that. Upgrade it, or join when it is "
                + "over: muster ca show")
    }

    /// The membership that this very request has brought about before. The invitation's secret and the machine's key vouch for it.
    private static func membership(
        joinedBy request: JoinRequest, key: Digest, in state: ClusterState, at time: Timestamp
    ) -> MembershipID? {
        guard let invitation = state.invitations[request.invitation], invitation.secretHash == hash(request.secret),
            time < invitation.expires, let membership = invitation.usedBy.flatMap({ state.memberships[$0] }),
            // It may have been renamed in the cluster since; what it calls itself stays.
            membership.ownName == request.machine, membership.identityKey == key
        else { return nil }
        return membership.id
    }

    private static func joined(
        _ request: JoinRequest, _ network: [NetworkEntry], as membership: MembershipID, group: Group, key: Digest
    ) -> MachineJoined {
        MachineJoined(
            membership: membership, machine: request.machine, group: group.id, invitation: request.invitation, identityKey: key,
            network: network, loss: request.loss, agent: request.knowledge.sections.isEmpty ? nil : request.knowledge)
    }

    private static func state(_ state: ClusterState, with event: MachineJoined, at time: Timestamp) throws(Refusal) -> ClusterState {
        var joined = state
        try joined.fold(.machineJoined(event), head: state.head, time: time, author: "")
        return joined
    }

    /// A join changes what a machine serves, so it is validated as a commit is.
    private static func validate(_ event: MachineJoined, on state: ClusterState, time: Timestamp) throws(Refusal) {
        let joined = try Enrolment.state(state, with: event, at: time)
        guard let membership = joined.memberships[event.membership] else { return }
        let errors = joined.configuration(of: membership).findings().filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw Refusal(
                .wouldBreak, "With the cluster's settings the machine \(event.machine) would not hold together. It has not joined.",
                details: errors.map { "\($0.entry): \($0.text)" })
        }
    }

    private static func checked(_ network: [NetworkEntry]) throws(Refusal) -> [NetworkEntry] {
        guard network.count <= Limits.entries else { throw Refusal(.limit, "The machine brings over \(Limits.entries) network settings.") }
        var result: [NetworkEntry] = []
        for var entry in network {
            let section = try Section.known(entry.section)
            guard section.isNetwork else {
                throw Refusal(.invalid, "A machine brings along network settings only, and \(entry.section) is none.")
            }
            try section.check(entry: entry.name, at: .machine)
            do throws(SettingError) {
                entry.value = try section.normalize(entry.value, SettingPath(entry.section.rawValue, entry.name))
            } catch {
                throw Refusal(.invalid, error.description)
            }
            result.append(entry)
        }
        return result
    }

    /// What comes along of the machine's network settings. An interface's HTTPS names a certificate of its old configuration, which ends:
    /// it comes along only where the cluster gives the machine that very certificate, as one does that was made from it.
    private static func network(_ entries: [NetworkEntry], of request: JoinRequest, in state: ClusterState, group: Group) -> [NetworkEntry]
    {
        let given = state.inheritedSettings(of: group.id).configuration(machine: Layer(), membership: MembershipID(rawValue: ""))
        return entries.map { entry in
            // All of it was read before: as the request was checked, and as it was committed.
            guard entry.section == .interfaces, var interface = try? InterfaceSetting(entry.value), let https = interface.https else {
                return entry
            }
            let own = request.loss?.certificates.first { $0.name == https.certificate }?.fingerprint
            // As said above.
            let cluster = given[.certificates, https.certificate].flatMap { try? CertificateSetting($0.value) }?.leaf?.fingerprint
            if own == nil || own != cluster || https.tlsProfile.map({ given[.tlsProfiles, $0] == nil }) == true { interface.https = nil }
            return NetworkEntry(section: entry.section, name: entry.name, value: interface.json)
        }
    }

    /// The group of a name; without one, the cluster's first group, or the only one that is left.
    private static func group(named name: String?, in state: ClusterState) throws(Refusal) -> Group {
        let first = state.created.flatMap { state.groups[$0.group] } ?? (state.groups.count == 1 ? state.groups.values.first : nil)
        guard let name = name ?? first?.name else {
            let names = state.groups.values.map(\.name).sorted().joined(separator: ", ")
            throw Refusal(
                .invalid,
                "Say which group the machine shall join, for the cluster's first group was deleted: --group NAME, one of \(names).")
        }
        return try state.group(name)
    }

    static func hash(_ secret: String) -> Digest { Digest(hashing: Array(secret.utf8)) }
}

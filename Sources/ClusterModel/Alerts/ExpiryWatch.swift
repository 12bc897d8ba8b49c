extension ClusterState {
    /// Every certificate that came near its end, machine by machine whose services use it (mission D10). A pure function of a moment.
    ///
    /// Machines are resolved only while some certificate is near its end, and only those that may get such a one.
    package func expiryConditions(at now: Timestamp) -> [AlertCondition] {
        let near = layersWithCertificates { CertificateFacts.expiryStep(notAfter: $0, at: now) != nil }
        guard !near.isEmpty else { return [] }
        var inherited: [GroupID: InheritedSettings] = [:]
        var conditions: [AlertCondition] = []
        for membership in memberships.values where levels(of: membership).contains(where: near.contains) {
            let settings = inherited[membership.group] ?? inheritedSettings(of: membership.group)
            inherited[membership.group] = settings
            let configuration = settings.configuration(machine: membership.layer, membership: membership.id)
            conditions += expiryConditions(of: membership, configuration, at: now)
        }
        return conditions
    }

    /// When ``expiryConditions(at:)`` may next say something else without any change of the cluster: the next day in UTC, or the moment
    /// after which a certificate is expired.
    package func nextExpiryTurn(after now: Timestamp) -> Timestamp {
        var turn = now.nextDay
        _ = layersWithCertificates { end in
            if end >= now { turn = min(turn, end.adding(seconds: 1)) }
            return false
        }
        return turn
    }

    private func expiryConditions(of membership: Membership, _ configuration: EffectiveConfiguration, at now: Timestamp) -> [AlertCondition]
    {
        // Values that do not read have been refused before they were stored.
        let services = (try? configuration.intendedServices()) ?? []
        return Dictionary(grouping: services, by: \.certificate).compactMap { name, users in
            guard let section = configuration[.certificates], let entry = section[name],
                let leaf = (try? section.setting(CertificateSetting.self, of: entry))?.leaf,  // as above
                let step = leaf.expiryStep(at: now), let level = level(of: entry.origin.layer)
            else { return nil }
            return AlertCondition(
                kind: .certificateExpiring, subject: "\(leaf.fingerprint.hex)/\(membership.id)", stage: step.stage, severity: step.severity,
                machine: membership.machine,
                expiry: .init(
                    certificate: name, level: level, fingerprint: leaf.fingerprint, notAfter: leaf.notAfter, threshold: step.threshold,
                    services: users.map(\.service).sorted()))
        }
    }

    /// The layers with a certificate whose end passes a test. Reads as little of each value as will do: there may be thousands.
    private func layersWithCertificates(ending isMeant: (Timestamp) -> Bool) -> Set<LayerID> {
        var found: Set<LayerID> = []
        func look(_ layer: Layer, _ id: LayerID) {
            for entry in layer[.certificates].entries.values {
                guard let end = entry.state.value?["chain"]?.items?.first?["notAfter"]?.text.flatMap(Timestamp.init) else { continue }
                if isMeant(end) { found.insert(id) }
            }
        }
        look(layer, .cluster)
        for (id, group) in groups { look(group.layer, .group(id)) }
        for (id, membership) in memberships { look(membership.layer, .machine(id)) }
        return found
    }
}

extension ExpiryStep {
    /// The step as a number: so many days before, 0 on the day, -1 after.
    package var threshold: Int {
        switch self {
        case .before(let days): days
        case .onTheDay: 0
        case .after: -1
        }
    }

    /// How far it has come: grows from step to step.
    var stage: Int { -threshold }

    var severity: Alert.Severity {
        switch self {
        case .before(let days): days > 15 ? .notice : .warning
        case .onTheDay: .warning
        case .after: .error
        }
    }
}

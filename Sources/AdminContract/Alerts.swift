package import ClusterModel

/// An alert as people and tools meet it.
package struct AlertView: Hashable, Sendable, Codable {
    package var id: String
    /// The kind of alert: `certificate-expiring`, `drift`, `drift-mended`, `machine-offline`, `revision-rejected`.
    package var code: String
    /// `error`, `warning` or `notice`.
    package var severity: Alert.Severity
    package var text: String
    package var cure: String
    @OrNull package var machine: String?
    /// The certificate it is about, and where that is set; null for alerts about something else.
    @OrNull package var certificate: String?
    @OrNull package var level: Level?
    @OrNull package var fingerprint: Digest?
    @OrNull package var notAfter: Timestamp?
    /// The step that was reached: so many days before the end, 0 on the day, -1 after.
    @OrNull package var threshold: Int?
    /// The machine's services that use it, the first few of them.
    package var services: [String]
    @OrNull package var raised: Timestamp?
    /// Who has seen it, and when; null for nobody.
    @OrNull package var acknowledged: Alert.Acknowledgement?
    /// When it was over; null while it holds.
    @OrNull package var cleared: Timestamp?

    package init(_ alert: Alert) {
        let condition = alert.condition
        id = alert.id
        code = condition.kind.rawValue
        severity = condition.severity
        text = condition.text
        cure = condition.cure
        services = condition.expiry?.services ?? []
        machine = condition.machine
        certificate = condition.expiry?.certificate
        level = condition.expiry?.level
        fingerprint = condition.expiry?.fingerprint
        notAfter = condition.expiry?.notAfter
        threshold = condition.expiry?.threshold
        raised = alert.raised
        acknowledged = alert.acknowledged
        cleared = alert.cleared
    }

    /// Stands for alerts that hold and found no place.
    package init(unlisted count: Int, of kind: Alert.Kind) {
        id = "\(Alert.Kind.unlisted)/\(kind)"
        code = Alert.Kind.unlisted.rawValue
        severity = .notice
        text = "\(count) more of the kind \(kind) hold, and are listed when others are over."
        cure = "Look after those that are listed first: they are the gravest."
        (machine, certificate, level, fingerprint, notAfter) = (nil, nil, nil, nil, nil)
        (threshold, services, raised, acknowledged, cleared) = (nil, [], nil, nil, nil)
    }
}

/// Says that alerts were seen.
package struct AlertAcknowledgement: Hashable, Sendable, Codable {
    package var ids: [String]

    package init(ids: [String]) {
        self.ids = ids
    }
}

/// The alerts at a glance.
package struct AlertSummary: Hashable, Sendable, Codable {
    /// How many hold.
    package var active: Int
    /// How many of those that are listed nobody has acknowledged.
    package var unacknowledged: Int
    /// The severity of the gravest; null when none holds.
    @OrNull package var worst: Alert.Severity?

    package init(active: Int = 0, unacknowledged: Int = 0, worst: Alert.Severity? = nil) {
        self.active = active
        self.unacknowledged = unacknowledged
        self.worst = worst
    }
}

/// Something that people must hear of, once: raised when it begins or grows worse, cleared by itself when it is over.
package struct Alert: Hashable, Sendable, Codable {
    /// What it is about. Open: a kind from a newer manager stays what it is.
    package struct Kind: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
        package var rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        package var description: String { rawValue }
        package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }

        /// A certificate that a machine's services use came nearer to its end (mission D10).
        package static let certificateExpiring = Kind(rawValue: "certificate-expiring")
        /// A machine is no longer as it was when it applied its configuration (mission G3).
        package static let drift = Kind(rawValue: "drift")
        /// A machine was no longer as it was, and put that right by itself.
        package static let driftMended = Kind(rawValue: "drift-mended")
        /// A machine has been away for longer than a restart takes (mission G3).
        package static let machineOffline = Kind(rawValue: "machine-offline")
        /// A machine refused what it should run (mission G3).
        package static let revisionRejected = Kind(rawValue: "revision-rejected")
        /// Not an alert of its own: so many more hold and found no place among ``Limits/alerts``.
        package static let unlisted = Kind(rawValue: "unlisted")
    }

    package enum Severity: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        case error
        case warning
        case notice

        private var rank: Int { Severity.allCases.firstIndex(of: self) ?? 0 }

        /// The gravest first.
        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    /// Who has seen it.
    package struct Acknowledgement: Hashable, Sendable, Codable {
        package var by: String
        package var time: Timestamp

        package init(by: String, time: Timestamp) {
            self.by = by
            self.time = time
        }
    }

    package var condition: AlertCondition
    package var raised: Timestamp
    package var acknowledged: Acknowledgement?
    /// When what it is about was over; nil while it holds.
    package var cleared: Timestamp?

    package init(_ condition: AlertCondition, raised: Timestamp) {
        self.condition = condition
        self.raised = raised
    }

    /// What people call it by: the same for the same condition at the same stage, whoever raised it.
    package var id: String { condition.id }
    package var isActive: Bool { cleared == nil }
}

/// Something that holds now and is worth an alert. What it is about stays while the stage and the facts may change.
package struct AlertCondition: Hashable, Sendable, Codable {
    package var kind: Alert.Kind
    /// What it is about, as a key: of all that holds for one subject, only the last stage is an alert.
    package var subject: String
    /// How far it has come: a later stage of the same subject takes an earlier one's place, and is raised anew.
    package var stage: Int
    package var severity: Alert.Severity
    /// The machine's name; nil for what concerns none.
    package var machine: String?
    package var expiry: Expiry?
    /// What is wrong, one sentence each, the first ``Limits/alertReasons`` of them; nil where the facts say it.
    package var reasons: [String]?

    /// A certificate on its way to its end.
    package struct Expiry: Hashable, Sendable, Codable {
        package var certificate: String
        package var level: Level
        package var fingerprint: Digest
        package var notAfter: Timestamp
        /// The step that was reached: so many days before, 0 on the day, -1 after.
        package var threshold: Int
        /// The machine's services that use it, the first ``Limits/alertServices`` of them.
        package var services: [String]
        /// How many services more.
        package var moreServices: Int

        package init(
            certificate: String, level: Level, fingerprint: Digest, notAfter: Timestamp, threshold: Int, services: [String]
        ) {
            self.certificate = certificate
            self.level = level
            self.fingerprint = fingerprint
            self.notAfter = notAfter
            self.threshold = threshold
            self.services = Array(services.prefix(Limits.alertServices))
            moreServices = max(0, services.count - Limits.alertServices)
        }
    }

    package init(
        kind: Alert.Kind, subject: String, stage: Int, severity: Alert.Severity, machine: String? = nil, expiry: Expiry? = nil,
        reasons: [String]? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.stage = stage
        self.severity = severity
        self.machine = machine
        self.expiry = expiry
        self.reasons = reasons
    }

    /// 48 bits of a digest: enough for the few alerts that there are at a time, and short enough to type.
    package var id: String {
        var builder = DigestBuilder(tag: "muster alert 1")
        builder.add(kind.rawValue)
        builder.add(subject)
        builder.add(String(stage))
        return String(builder.finish().hex.prefix(12))
    }
}

extension AlertCondition {
    /// One sentence for people.
    package var text: String {
        guard let expiry else {
            let reasons = reasons.map { ": \($0.joined(separator: "; "))" } ?? ""
            return "\(kind)\(machine.map { " on \($0)" } ?? "")\(reasons)"
        }
        let more = expiry.moreServices == 0 ? "" : " and \(expiry.moreServices) more"
        let users = "\(expiry.services.joined(separator: ", "))\(more) on \(machine ?? "a machine")"
        let moment =
            switch expiry.threshold {
            case ..<0: "expired at \(expiry.notAfter)"
            case 0: "expires today, at \(expiry.notAfter)"
            case 1: "expires tomorrow, at \(expiry.notAfter)"
            default: "expires within \(expiry.threshold) days, at \(expiry.notAfter)"
            }
        return "The certificate \(expiry.certificate) at \(expiry.level), which \(users) use\(isSingular ? "s" : ""), \(moment)."
    }

    private var machineCure: String {
        guard let machine else { return "" }
        switch kind {
        case .drift: return "See what differs: muster check \(machine). To put it right: muster check \(machine) --keep cluster"
        case .driftMended: return "Find who changes it: the agent's log on \(machine) says when. Nothing else is to be done."
        case .machineOffline:
            return "On \(machine), see muster agent status and the agent's log. If it is to be away: muster machine disconnect \(machine)"
        case .revisionRejected:
            return "Commit what it can take, or put its gateway right and then: muster machine retry \(machine). It serves what it had."
        default: return ""
        }
    }

    private var isSingular: Bool { (expiry?.services.count ?? 0) + (expiry?.moreServices ?? 0) == 1 }

    /// What to do about it.
    package var cure: String {
        guard let expiry else { return machineCure }
        return
            "Renew it: muster cert renew \(expiry.certificate)\(expiry.level.options), or in place: muster cert csr, then muster cert upload."
    }
}

extension Level {
    /// The option that names this level on a command line, with a space before it; empty for the cluster.
    package var options: String {
        switch self {
        case .cluster: ""
        case .group(let name): " --group \(name)"
        case .machine(let name): " --machine \(name)"
        }
    }
}

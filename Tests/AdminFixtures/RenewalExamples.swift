package import AdminContract
package import ClusterModel

extension FixedService {
    /// A renewal of `mail` that has come so far.
    package static func renewal(_ step: RenewalPlan.Step, submitted: Bool = false, absent: Bool = false) -> RenewalView {
        let entries = [
            RenewalEntry(
                level: .machine("mx1"), section: .interfaces, entry: "data1", service: "https/data1", machines: ["mx1"],
                patch: ["https": ["certificate": "mail-2026"]], submitted: submitted),
            RenewalEntry(
                level: .cluster, section: .listeners, entry: "public", service: "listener/public",
                machines: (1...7).map { "mx\($0)" }, patch: ["certificate": "mail-2026"], submitted: submitted),
        ]
        let seen = RenewalProof.Machine(name: "mx1", services: ["https/data1", "listener/public"], state: .proved)
        let unseen = RenewalProof.Machine(
            name: "mx2", services: ["listener/public"], state: .absent, reasons: ["it is offline", "it has not applied revision 4"])
        return RenewalView(
            old: "mail", new: "mail-2026", level: .cluster, step: step, oldFingerprint: step == .done ? nil : digest,
            newFingerprint: step == .add ? nil : Digest(hashing: [2]), names: ["mx1.example.com"],
            findings: step == .add ? [] : certificate.findings, entries: step == .add || step == .repoint ? entries : [],
            left: [.machine("mx9")],
            proof: RenewalProof(machines: step == .prove || step == .retire ? absent ? [seen, unseen] : [seen] : []))
    }

    /// Every step of a renewal, as it is asked for.
    package static let renewalFromBeginToEnd = [
        renewal(.add), renewal(.repoint), renewal(.repoint, submitted: true), renewal(.prove), renewal(.retire), renewal(.retire),
        renewal(.done),
    ]

    package static let alerts: [AlertView] = {
        func expiry(_ days: Int, _ services: [String]) -> AlertCondition.Expiry {
            .init(
                certificate: "mail", level: .group("eu"), fingerprint: digest, notAfter: time, threshold: days, services: services)
        }
        func condition(_ machine: String, _ days: Int, _ severity: Alert.Severity, _ services: [String]) -> AlertCondition {
            AlertCondition(
                kind: .certificateExpiring, subject: machine, stage: -days, severity: severity, machine: machine,
                expiry: expiry(days, services))
        }
        let new = Alert(condition("mx1", -1, .error, ["https/data1", "listener/public"]), raised: time)
        var seen = Alert(condition("mx2", 30, .notice, (1...7).map { "listener/l\($0)" }), raised: time)
        seen.acknowledged = .init(by: "ann", time: time)
        var over = Alert(condition("mx3", 0, .warning, ["delivery"]), raised: time)
        over.cleared = time
        return [AlertView(new), AlertView(seen), AlertView(unlisted: 412, of: .certificateExpiring), AlertView(over)]
    }()
}

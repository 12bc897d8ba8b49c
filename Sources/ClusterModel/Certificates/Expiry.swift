/// How near a certificate's end is, in the steps in which people are told (mission D10).
package enum ExpiryStep: Hashable, Sendable {
    /// So many days before, or fewer: 90, 60, 30, 15, 5, 4, 3, 2, 1.
    case before(days: Int)
    case onTheDay
    case after

    /// The days before, the earliest first.
    package static let days = [90, 60, 30, 15, 5, 4, 3, 2, 1]
}

extension CertificateFacts {
    /// Days of the calendar in UTC from now until the certificate expires: 0 on the day itself, negative afterwards.
    package func daysLeft(at now: Timestamp) -> Int { Int(notAfter.day - now.day) }

    /// The last step that was reached; nil while there are more than 90 days left.
    ///
    /// A watch tells people when this changes. A certificate is valid until `notAfter` itself.
    package func expiryStep(at now: Timestamp) -> ExpiryStep? { CertificateFacts.expiryStep(notAfter: notAfter, at: now) }

    /// The same for the end alone.
    static func expiryStep(notAfter: Timestamp, at now: Timestamp) -> ExpiryStep? {
        if now > notAfter { return .after }
        let left = notAfter.day - now.day
        if left == 0 { return .onTheDay }
        return ExpiryStep.days.last { left <= $0 }.map { .before(days: $0) }
    }
}

extension Timestamp {
    /// The number of the day in UTC, which also before 1970 begins at midnight.
    fileprivate var day: Int64 { (seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400 }

    /// The next midnight in UTC.
    var nextDay: Timestamp { Timestamp(seconds: (day + 1) * 86_400) }
}

/// What there is to say of the moments between which certificates are valid.
func validityFindings(_ facts: CertificateFacts, at now: Timestamp, severity: CertificateFinding.Severity) -> [CertificateFinding] {
    let subject = facts.subject
    if now < facts.notBefore {
        return [
            CertificateFinding(
                .notYetValid, severity, "\(subject) is valid from \(facts.notBefore); it is \(now).",
                cure: "Wait until then before services use it, and check the clock here.")
        ]
    }
    guard let step = facts.expiryStep(at: now) else { return [] }
    let left = facts.daysLeft(at: now)
    switch step {
    case .after:
        return [
            CertificateFinding(
                .expired, severity, "\(subject) expired at \(facts.notAfter).",
                cure: "Renew it: have the key's request signed again and upload the certificate, or replace both.")
        ]
    case .onTheDay:
        return [soon(facts, "today, at \(facts.notAfter)", .warning)]
    case .before(let days):
        return [
            soon(
                facts, left == 1 ? "tomorrow, at \(facts.notAfter)" : "in \(left) days, at \(facts.notAfter)",
                days > 15 ? .notice : .warning)
        ]
    }
}

private func soon(_ facts: CertificateFacts, _ moment: String, _ severity: CertificateFinding.Severity) -> CertificateFinding {
    CertificateFinding(
        .expiresSoon, severity, "\(facts.subject) expires \(moment).",
        cure: "Renew it: have the key's request signed again and upload the certificate, or replace both.")
}

import AdminContract
import ClusterModel

/// Authorities as a table: a line each.
func authorityTable(_ authorities: [AuthorityView], _ style: Style) -> String {
    Table(
        ["NAME", "LEVEL", "CERTIFICATES", "SUBJECTS", "EXPIRES", "FINDINGS"],
        cells: authorities.map { authority in
            [
                .init(authority.name + (authority.uncommitted ? " (uncommitted)" : ""), authority.uncommitted ? .waiting : .plain),
                .init(authority.level.description), .init(authority.countText, authority.hidden || authority.implied ? .faint : .plain),
                .init(authority.subjects), .init(authority.expires?.day ?? ""),
                .init(authority.findings.codes, authority.findings.hasErrors ? .bad : .plain),
            ]
        }
    ).text(style)
}

extension AuthorityView {
    /// How many certificates there are, or what stands in their place.
    fileprivate var countText: String {
        if hidden { return "(hidden)" }
        guard let trusted else { return String(certificates.count) }
        return (trusted ? "trusted" : "not trusted") + (implied ? " (nobody says otherwise)" : "")
    }

    /// The first few, for a line.
    fileprivate var subjects: String {
        certificates.prefix(3).map(\.subject).joined(separator: "; ")
            + (certificates.count > 3 ? "; and \(certificates.count - 3) more" : "")
    }

    /// All that is known, for people.
    func text(_ style: Style) -> String {
        var parts = [
            Facts([
                ("authorities", .init(name)), ("level", .init(level.description + (uncommitted ? " (uncommitted)" : ""))),
                (trusted == nil ? "certificates" : "system's list", .init(countText)), ("digest", .init(blob?.hex ?? "")),
                ("first expires", .init(expires?.description ?? "")),
            ]).text(style)
        ]
        if !certificates.isEmpty {
            parts.append(
                Table(
                    ["SUBJECT", "ISSUER", "FINGERPRINT", "EXPIRES"],
                    certificates.map {
                        [$0.subject, $0.subject == $0.issuer ? "itself" : $0.issuer, $0.fingerprint.short, $0.notAfter.day]
                    }
                ).text(style))
        }
        if !findings.isEmpty { parts.append(findings.text(style)) }
        return parts.joined(separator: "\n\n")
    }

    /// What was done, in two lines.
    var sentence: String {
        let deed: String
        if let trusted {
            deed = "The operating system's authorities are \(trusted ? "" : "not ")trusted at \(level)."
        } else {
            let count = certificates.count == 1 ? "1 certificate" : "\(certificates.count) certificates"
            deed =
                "Added \"\(name)\" at \(level): \(count), \(subjects.printable())\(expires.map { "; the first expires \($0.day)" } ?? "")."
        }
        return deed + "\n" + (uncommitted ? commitReminder : "It is committed already.")
    }
}

extension AuthorityRemoval {
    /// What was taken away, and what shows through.
    func text(_ style: Style) -> String {
        let lines = changes.map { $0.text(style) }
        guard !lines.isEmpty else { return "Nothing to change: it is so already." }
        let remark = inherited.map {
            "What \($0) says of \"\(name)\" holds at \(level) now. To do without it there: \(AuthorityRemoval.instead(of: name, at: level))"
        }
        return (lines + [remark, commitReminder].compactMap(\.self)).joined(separator: "\n")
    }
}

import AdminContract
import ClusterModel

/// Certificates as a table: a line each.
func certificateTable(_ certificates: [CertificateView], _ style: Style) -> String {
    Table(
        ["NAME", "LEVEL", "SUBJECT", "FINGERPRINT", "EXPIRES", "USED BY", "FINDINGS"],
        cells: certificates.map { certificate in
            [
                .init(certificate.name + (certificate.uncommitted ? " (uncommitted)" : ""), certificate.uncommitted ? .waiting : .plain),
                .init(certificate.level.description), .init(certificate.subject), .init(certificate.fingerprint.short),
                .init(certificate.notAfter.day), .init(certificate.usedBy.isEmpty ? "nothing" : certificate.usedBy.joined(separator: ", ")),
                .init(certificate.findings.map(\.code.rawValue).joined(separator: ", ")),
            ]
        }
    ).text(style)
}

extension CertificateView {
    /// All that is known, for people.
    func text(_ style: Style) -> String {
        var parts = [
            Facts([
                ("certificate", .init(name)), ("level", .init(level.description + (uncommitted ? " (uncommitted)" : ""))),
                ("origin", .init(origin)), ("subject", .init(subject)), ("names", .init(names.joined(separator: ", "))),
                ("issuer", .init(issuer)), ("key", .init(key)), ("valid", .init("\(notBefore) to \(notAfter)")),
                ("fingerprint", .init(fingerprint.hex)), ("used by", .init(usedBy.isEmpty ? "nothing" : usedBy.joined(separator: ", "))),
            ]).text(style)
        ]
        if chain.count > 1 {
            parts.append(
                Table(
                    ["CHAIN", "ISSUER", "FINGERPRINT", "EXPIRES"],
                    chain.map { [$0.subject, $0.issuer, $0.fingerprint.short, $0.notAfter.day] }
                ).text(style))
        }
        if !findings.isEmpty {
            let lines = findings.flatMap { finding in
                ["\(finding.severity) \(finding.code): \(finding.text)".printable(), "  Cure: \(finding.cure)".printable()]
            }
            parts.append(style.paint("Findings:", .heading) + "\n" + lines.joined(separator: "\n").indented)
        }
        return parts.joined(separator: "\n\n")
    }

    /// What was done with it, in two lines.
    func sentence(_ verb: String) -> String {
        """
        \(verb) "\(name)" at \(level): \(subject.printable()), fingerprint \(fingerprint.short), expires \(notAfter.day).
        \(uncommitted ? commitReminder : "It is committed already.")
        """
    }
}

/// What people are told after an edit.
let commitReminder = "No machine has it yet. Look with muster changes, then: muster commit"

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
                .init(certificate.findings.codes, certificate.findings.hasErrors ? .bad : .plain),
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
        if !findings.isEmpty { parts.append(findings.text(style)) }
        return parts.joined(separator: "\n\n")
    }

    /// What was done with it, in two lines.
    func sentence(_ verb: String, reminding: Bool = true) -> String {
        let sentence = "\(verb) \"\(name)\" at \(level): \(subject.printable()), fingerprint \(fingerprint.short), expires \(notAfter.day)."
        return reminding ? sentence + "\n" + (uncommitted ? commitReminder : "It is committed already.") : sentence
    }
}

extension [CertificateFinding] {
    /// Each with its cure, the worst marked.
    func text(_ style: Style) -> String {
        guard !isEmpty else { return "" }
        let lines = flatMap { finding in
            let word = style.paint("\(finding.severity.rawValue) \(finding.code)", finding.severity.tone)
            return ["\(word): \(finding.text.printable())", "  Cure: \(finding.cure.printable())"]
        }
        return style.paint("Findings:", .heading) + "\n" + lines.joined(separator: "\n").indented
    }

    /// The codes in one line, for a table.
    var codes: String {
        var seen: Set<CertificateFinding.Code> = []
        return filter { seen.insert($0.code).inserted }.map(\.code.rawValue).joined(separator: ", ")
    }

    var hasErrors: Bool { contains { $0.severity == .error } }
}

extension CertificateFinding.Severity {
    fileprivate var tone: Style.Tone {
        switch self {
        case .error: .bad
        case .warning: .waiting
        case .notice: .faint
        }
    }
}

/// What people are told after an edit.
let commitReminder = "No machine has it yet. Look with muster changes, then: muster commit"

import AdminContract
import ClusterModel

extension MailExchangeView {
    /// Everything that is said, each thing once: of the domain first.
    var allFindings: [CertificateFinding] {
        var seen: Set<CertificateFinding> = []
        return (findings + lines.flatMap(\.findings)).filter { seen.insert($0).inserted }
    }

    /// All that was found out, for people.
    func text(_ style: Style) -> String {
        var parts: [String] = []
        if !lines.isEmpty {
            parts.append(
                Table(["MX HOST", "INTERFACE", "LISTENER", "CERTIFICATE", "SHOULD SERVE", "SEEN", "DISAGREES"], cells: lines.map(\.cells))
                    .text(style))
            // What is a finding is said there, with its cure.
            let agreeing = lines.filter { line in !line.findings.contains { $0.text.hasPrefix(line.verdict) } }
            if !agreeing.isEmpty { parts.append(agreeing.map { $0.sentence(style) }.joined(separator: "\n")) }
        }
        let findings = allFindings
        if !findings.isEmpty { parts.append(findings.text(style)) }
        return parts.joined(separator: "\n\n")
    }
}

extension MailExchangeLine {
    fileprivate var cells: [Table.Cell] {
        let preference = preference.map { "\($0) " } ?? ""
        let place = [machine, interface].compactMap(\.self).joined(separator: " ")
        let level = level.map { " at \($0)" } ?? ""
        return [
            .init(host.map { preference + $0 } ?? "in no record", host == nil ? .faint : .plain), .init(place), .init(service ?? ""),
            .init(certificate.map { $0 + level } ?? ""), .init(fingerprint?.short ?? ""),
            .init(fingerprint == nil ? "" : served?.short ?? (unprovable == nil ? "nothing" : "not to be seen")),
            .init(disagreement, findings.hasErrors ? .bad : disagreeing.isEmpty ? .good : .waiting),
        ]
    }

    /// Which of the three does not agree; that there is a match and yet something else is wrong is said by the findings.
    private var disagreement: String {
        disagreeing.isEmpty ? "none" : disagreeing.map(\.words).joined(separator: ", ")
    }

    fileprivate func sentence(_ style: Style) -> String {
        style.paint(verdict.printable() + ".", disagreeing.isEmpty && !findings.hasErrors ? .good : .plain)
    }
}

extension MailExchangeReading.Part {
    fileprivate var words: String {
        switch self {
        case .record: "MX record"
        case .interface: "interface"
        case .certificate: "certificate"
        }
    }
}

import ClusterModel

extension LossReport {
    /// The report for people: what is lost, what stays, and whose keys stay behind.
    func text(_ style: Style) -> String {
        var parts: [String] = []
        if isEmpty { parts.append("Nothing is lost.") }
        if !certificates.isEmpty {
            parts.append(style.paint("Lost certificates, with their keys:", .bad) + "\n" + LossReport.table(certificates, style).indented)
        }
        if !settings.isEmpty {
            let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: ", "))".printable() }
            parts.append(style.paint("Lost settings:", .bad) + "\n" + lines.joined(separator: "\n").indented)
        }
        if !kept.isEmpty {
            parts.append("Kept:\n" + kept.map { $0.printable() }.joined(separator: "\n").indented)
        }
        if !keysLeftBehind.isEmpty {
            parts.append(
                "Keys of cluster or group certificates that stay on the machine (replace them if it is lost or stolen):\n"
                    + LossReport.table(keysLeftBehind, style).indented)
        }
        return parts.joined(separator: "\n")
    }

    private static func table(_ certificates: [LostCertificate], _ style: Style) -> String {
        Table(
            ["NAME", "SUBJECT", "FINGERPRINT", "EXPIRES", "SERVICES"],
            certificates.map {
                [$0.name, $0.subject, $0.fingerprint.short, $0.notAfter.day, $0.services.joined(separator: ", ")]
            }
        ).text(style)
    }
}

extension Timestamp {
    /// The date alone: `2026-11-24`.
    var day: String { String(description.prefix(10)) }
}

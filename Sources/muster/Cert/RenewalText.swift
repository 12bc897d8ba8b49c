import AdminContract
import ClusterModel

/// What a renewal did: how it stands, what was re-pointed, and the revisions that did it.
struct RenewalResult: Encodable {
    private var taken: RenewalView?
    /// What names the new certificate since this run.
    var entries: [RenewalEntry] = []
    /// The revisions that this run committed.
    var revisions: [Int] = []
    /// The command that goes on; nil when nothing is left to do.
    var resume: String?

    var view: RenewalView {
        taken ?? RenewalView(old: "", new: "", level: .cluster, step: .add, oldFingerprint: nil, newFingerprint: nil)
    }
    /// The new name, once the manager has said it.
    var new: String? { taken?.new }

    mutating func take(_ view: RenewalView) { taken = view }

    private enum Key: String, CodingKey { case repointed, revisions, resume }

    func encode(to encoder: any Encoder) throws {
        try view.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(entries, forKey: .repointed)
        try container.encode(revisions, forKey: .revisions)
        try container.encode(resume, forKey: .resume)
    }
}

/// A renewal in words.
enum RenewalText {
    /// What will name the new certificate, where that is set, and whom it concerns.
    static func table(_ entries: [RenewalEntry], _ style: Style) -> String {
        Table(
            ["SERVICE", "SET AT", "MACHINES"],
            entries.map { entry in
                let names = entry.machines
                let few = names.prefix(5).joined(separator: ", ")
                return [
                    entry.service, entry.level.description,
                    names.isEmpty ? "no machine yet" : names.count > 5 ? "\(few) and \(names.count - 5) more" : few,
                ]
            }
        ).text(style)
    }

    /// What was seen of a machine.
    static func line(_ machine: RenewalProof.Machine, _ style: Style) -> String {
        let services = machine.services.joined(separator: ", ")
        let reasons = machine.reasons.joined(separator: "; ").printable()
        return switch machine.state {
        case .proved: "\(machine.name): \(style.paint("proved", .good)) (\(services))"
        case .waiting: "\(machine.name): \(style.paint("not yet", .waiting)): \(reasons)"
        case .rejected: "\(machine.name): \(style.paint("rejected", .bad)): \(reasons)"
        case .absent: "\(machine.name): \(style.paint("absent", .faint)): \(reasons)"
        }
    }
}

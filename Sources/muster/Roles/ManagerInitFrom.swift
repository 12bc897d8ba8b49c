import ClusterModel
import ClusterService
import MemberAgent

extension FoundingSettings {
    /// The settings of the machine that lives in a state directory.
    init(ofMachineIn stateDirectory: String) throws(Refusal) {
        let machine = try StateDirectory(path: stateDirectory).standalone()
        try self.init(machine: machine.name, settings: machine.settings, material: machine.material)
    }

    /// What was taken and what was not, for people.
    var text: String {
        let taken = edits.map { "\($0.section)/\($0.entry ?? "")" }
        var parts = [
            taken.isEmpty
                ? "The machine \(machine) has no settings for a cluster to begin with."
                : "At cluster level, from the machine \(machine), with \(keys) private \(keys == 1 ? "key" : "keys"):\n"
                    + taken.joined(separator: "\n").indented
        ]
        if !kept.isEmpty {
            parts.append("Left with the machine, which brings it along when it joins:\n" + kept.joined(separator: "\n").indented)
        }
        if !leftOut.isEmpty { parts.append("Not taken:\n" + leftOut.joined(separator: "\n").indented) }
        return parts.joined(separator: "\n").printable(keepingLines: true)
    }
}

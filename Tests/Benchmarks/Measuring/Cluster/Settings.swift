import ClusterModel

/// The settings of the measured cluster: one of each kind that a fleet has, in the sizes that the budgets speak of.
///
/// All destinations together are 8 KiB on the wire, and what ``largeCommit(round:)`` changes is 64 KiB.
enum ClusterSettings {
    static let destinations = 108
    static let policies = 16
    static let sendersOfPolicy = 100

    /// What the first commit sets at the cluster's level.
    static func first(certificate: CertificateSetting) -> [Edit] {
        var edits = [
            set(.certificates, "mail", certificate.json),
            set(.mailFlowPolicies, "accepted", ["tls": "preferred"]),
            set(
                .listeners, "public",
                ["interface": "data1", "port": 2525, "certificate": "mail", "defaultPolicy": "accepted", "type": "public"]),
            set(.delivery, "settings", ["certificate": "mail"]),
            set(.destinations, "default", ["tls": "preferred"]),
        ]
        for number in 0..<destinations { edits.append(destination(number, round: 0)) }
        return edits + largeCommit(round: 0)
    }

    /// One destination of many, in another mode than before: the update carries all of the section.
    static func smallCommit(on state: ClusterState) -> [Edit] {
        let number = state.revision % destinations
        let present = state.layer[.destinations, name(number)]
        for round in 0..<2 {
            let edit = destination(number, round: round)
            if case .set(let value) = edit.change, present?.state != .set(value) { return [edit] }
        }
        return []
    }

    /// One destination of many, whatever its mode was.
    static func anyCommit(round: Int) -> [Edit] { [destination(round % destinations, round: round)] }

    /// Every policy with all its senders, who have other names in every round.
    static func largeCommit(round: Int) -> [Edit] {
        (0..<policies).map { policy in
            let senders = (0..<sendersOfPolicy).map { JSONValue.string("sender-\(1000 + $0).round-\(100_000 + round).example.net") }
            return set(.mailFlowPolicies, "bulk-\(policy)", ["tls": "preferred", "tlsMandatorySenders": .array(senders)])
        }
    }

    private static func destination(_ number: Int, round: Int) -> Edit {
        let modes: [JSONValue] = ["required", "required-verify", "preferred-verify"]
        return set(.destinations, name(number), ["tls": modes[(number + round) % modes.count], "nameCheck": "domain"])
    }

    private static func name(_ number: Int) -> String { "partner-\(1000 + number).example.net" }

    private static func set(_ section: SectionName, _ entry: String, _ value: JSONValue) -> Edit {
        var value = value
        // The form in which a commit stores it: without what has its standard value.
        if let known = Section.named(section), let normal = try? known.normalize(value, SettingPath(section.rawValue, entry)) {
            value = normal
        }
        return Edit(layer: .cluster, section: section, entry: entry, change: .set(value), basis: nil)
    }

    /// What a machine brings along.
    static func network(of number: Int) -> [NetworkEntry] {
        let address = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
        return [
            NetworkEntry(
                section: .interfaces, name: "data1", value: ["hostname": .string("mx\(number).example.com"), "address": .string(address)])
        ]
    }
}

/// Where a setting is set, by the names people use: `cluster`, `group/NAME`, `machine/NAME`.
package enum Level: Hashable, Sendable {
    case cluster
    case group(String)
    case machine(String)

    /// The three kinds of level, the widest first.
    package enum Kind: String, CaseIterable, Hashable, Sendable, Codable, Comparable {
        case cluster
        case group
        case machine

        /// The command-line option that chooses such a level.
        package var option: String {
            switch self {
            case .cluster: "--cluster"
            case .group: "--group NAME"
            case .machine: "--machine NAME"
            }
        }

        private var depth: Int { Kind.allCases.firstIndex(of: self) ?? 0 }

        package static func < (left: Kind, right: Kind) -> Bool { left.depth < right.depth }
    }

    package var kind: Kind {
        switch self {
        case .cluster: .cluster
        case .group: .group
        case .machine: .machine
        }
    }

    /// The group's or machine's name.
    package var name: String? {
        switch self {
        case .cluster: nil
        case .group(let name), .machine(let name): name
        }
    }

    /// Reads the written form.
    package init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("cluster", 1): self = .cluster
        case ("group", 2): self = .group(try NameRule.plain.check(parts[1], as: "The group name"))
        case ("machine", 2): self = .machine(try NameRule.plain.check(parts[1], as: "The machine name"))
        default:
            throw Refusal(
                .invalid, "\"\(text.prefix(80))\" is not a level. A level is cluster, group/NAME or machine/NAME.")
        }
    }
}

extension Level: CustomStringConvertible {
    package var description: String { name.map { "\(kind.rawValue)/\($0)" } ?? kind.rawValue }
}

extension Level: Comparable {
    package static func < (left: Level, right: Level) -> Bool {
        (left.kind, left.name ?? "") < (right.kind, right.name ?? "")
    }
}

extension Level: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = try Level(parsing: try container.decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Where a setting is set, by lasting identity: names may change, and a machine's layer belongs to one membership.
///
/// A layer that ended never comes back under its machine's name, because nothing stored names it by that.
package enum LayerID: Hashable, Sendable {
    case cluster
    case group(GroupID)
    case machine(MembershipID)

    package var kind: Level.Kind {
        switch self {
        case .cluster: .cluster
        case .group: .group
        case .machine: .machine
        }
    }
}

extension LayerID: CustomStringConvertible, Comparable {
    package var description: String {
        switch self {
        case .cluster: "cluster"
        case .group(let id): "group/\(id)"
        case .machine(let id): "machine/\(id)"
        }
    }

    package static func < (left: LayerID, right: LayerID) -> Bool {
        (left.kind, left.description) < (right.kind, right.description)
    }
}

extension LayerID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let parts = try container.decode(String.self).split(separator: "/", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("cluster", 1): self = .cluster
        case ("group", 2): self = .group(GroupID(rawValue: parts[1]))
        case ("machine", 2): self = .machine(MembershipID(rawValue: parts[1]))
        default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a layer")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

import ArgumentParser
import ClusterModel

/// The level that a command is about: one of three options, the cluster by default.
struct LevelOptions: ParsableArguments {
    @Flag(help: "At cluster level. (default)")
    var cluster = false

    @Option(help: ArgumentHelp("At this group's level.", valueName: "name"))
    var group: String?

    @Option(help: ArgumentHelp("At this machine's level.", valueName: "name"))
    var machine: String?

    func validate() throws {
        let count = (cluster ? 1 : 0) + (group == nil ? 0 : 1) + (machine == nil ? 0 : 1)
        guard count <= 1 else { throw ValidationError("Choose one level: --cluster, --group NAME or --machine NAME.") }
    }

    /// The level that was named; nil when none was.
    var named: Level? {
        if let group { return .group(group) }
        if let machine { return .machine(machine) }
        return cluster ? .cluster : nil
    }

    var level: Level { named ?? .cluster }

    /// The level, if the section has such a one; the refusal says which it has.
    func level(for section: SectionName) throws(Refusal) -> Level {
        guard let known = Section.named(section), !known.levels.contains(level.kind) else { return level }
        throw Refusal(
            .wrongLevel,
            "\(section) can be set at \(known.levels.map(\.rawValue).joined(separator: ", ")) level only, "
                + "not at \(level.kind.rawValue) level. "
                + "Use \(known.levels.map(\.option).joined(separator: " or ")).")
    }
}

extension Level: ExpressibleByArgument {
    /// The written form: `cluster`, `group/NAME`, `machine/NAME`.
    package init?(argument: String) {
        guard let level = try? Level(parsing: argument) else { return nil }  // ArgumentParser says what was given, and for which option
        self = level
    }
}

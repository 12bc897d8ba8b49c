import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `system`.
enum SystemNoun: SectionNoun {
    static let noun = "system"
    static let section = SectionName.system
    typealias Target = OnlyEntry
    static let example = ""
    static let exampleLevel = " --machine mx1"
    static var columns: [(heading: String, text: (JSONValue) -> String)] { [("HOSTNAME", { $0.field("hostname") })] }
}

/// `muster system`
struct SystemCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "system", abstract: "The host names of machines; they exist at machine level only.",
        discussion: """
            A machine's host name plays no part in TLS: the host names of its interfaces do.

              muster system set --hostname mx1.example.com --machine mx1
              muster system show --machine mx1
            """,
        subcommands: [NounList<SystemNoun>.self, NounShow<SystemNoun>.self, SystemSet.self, NounUnset<SystemNoun>.self])
}

/// `muster system set`
struct SystemSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a machine's host name.",
        discussion: """
              muster system set --hostname mx1.example.com --machine mx1
            """)

    @Option(help: ArgumentHelp("The machine's host name.", valueName: "host"))
    var hostname: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        var patch = FieldPatch()
        patch.set("hostname", hostname)
        try await manager.submit { [patch] in try patch.edit(at: place.level(for: .system), .system, EntryNaming.onlyEntry) }
    }
}

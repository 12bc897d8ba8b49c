import AdminContract
import ArgumentParser
import ClusterModel

/// `muster hide`
struct Hide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hide an inherited entry at a level: it does not exist from there down.",
        discussion: """
            To show it again, unset it at that level.

              muster hide destinations/bank.example --machine mx1
              muster destination unset bank.example --machine mx1
            """)

    @Argument(help: ArgumentHelp("The entry.", valueName: "section/entry"))
    var path: EntryPath

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws { _ = try path.requiredEntry() }

    func run() async throws {
        let entry = try path.requiredEntry()
        try await manager.submit {
            EntryEdit(level: try place.level(for: path.section), section: path.section, entry: entry, operation: .hide)
        }
    }
}

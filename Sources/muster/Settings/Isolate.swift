import AdminContract
import ArgumentParser
import ClusterModel

/// `muster isolate`
struct Isolate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Inherit nothing of a section at a level.",
        discussion: """
            What wider levels say about the section, now and later, does not reach this level. Rarely what one wants: a single \
            entry is overridden or hidden without it.

              muster isolate destinations --machine mx1
              muster isolate destinations --machine mx1 --undo
            """)

    @Argument(help: "The section.")
    var section: EntryPath

    @Flag(help: "Inherit the section again.")
    var undo = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard section.entry == nil else {
            throw ValidationError("A section is isolated as a whole. For one entry: muster hide or muster override.")
        }
    }

    func run() async throws {
        try await manager.submit {
            EntryEdit(
                level: try place.level(for: section.section), section: section.section, entry: nil, operation: undo ? .inherit : .isolate)
        }
    }
}

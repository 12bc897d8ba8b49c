import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster override`
struct Override: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set an inherited entry at a narrower level, to change it there.",
        discussion: """
            With --copy it begins as what is inherited; without, with standard values. From then on changes of wider levels do \
            not reach it.

              muster override listeners/public --copy --machine mx1
              muster override delivery --copy --group eu
            """)

    @Argument(help: ArgumentHelp("The entry.", valueName: "section/entry"))
    var path: EntryPath

    @Flag(help: "Begin with a copy of what is inherited.")
    var copy = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        _ = try path.requiredEntry()
        guard place.level != .cluster else {
            throw ValidationError("Nothing is inherited at cluster level. Say where to override: --group NAME or --machine NAME.")
        }
    }

    func run() async throws {
        let request = OverrideRequest(level: place.level, section: path.section, entry: try path.requiredEntry(), copy: copy)
        try manager.show(try await manager.withManager { try await $0.override(request) })
    }
}

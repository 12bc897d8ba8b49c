import AdminClient
import AdminContract
import ArgumentParser

/// `muster authority list`
struct AuthorityListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the authorities of a level, or of all.",
        discussion: """
              muster authority list
              muster authority list --group eu
              muster authority list --all
            """)

    @Flag(help: "At every level.")
    var all = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !all || place.named == nil else { throw ValidationError("Choose --all or one level.") }
    }

    func run() async throws {
        let authorities = try await manager.withManager { try await $0.authorities(at: all ? nil : place.level) }
        let remark = "\(place.level) says nothing about authorities. All there are: muster authority list --all"
        try manager.renderer.show(list: authorities, whenEmpty: remark) { authorityTable(authorities, $0) }
    }
}

import AdminClient
import AdminContract
import ArgumentParser

/// `muster authority show`
struct AuthorityShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one list of authorities: its certificates, and what there is to say of them.",
        discussion: """
              muster authority show partner-root
              muster authority show system --group eu
            """)

    @Argument(help: "The list's name; system for the operating system's.")
    var name: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let authority = try await manager.withManager { try await $0.authority(name, at: place.level) }
        try manager.renderer.show(authority) { authority.text($0) }
    }
}

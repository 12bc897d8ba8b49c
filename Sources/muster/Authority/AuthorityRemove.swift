import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster authority remove`
struct AuthorityRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a list of authorities away from a level, or distrust the operating system's.",
        discussion: """
            A list that a wider level has shows through again; to do without it at a narrower one, hide it. "remove system" distrusts \
            the operating system's list at a level; with --unset, the level no longer speaks of it.

              muster authority remove partner-root
              muster hide authorities/partner-root --group eu
              muster authority remove system --machine mx1
              muster authority remove system --machine mx1 --unset
            """)

    @Argument(help: "The list's name; system for the operating system's.")
    var name: String

    @Flag(help: "Let the level no longer speak of the operating system's list.")
    var unset = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    private var isSystem: Bool { name == AuthoritySetting.systemName }

    func validate() throws {
        guard isSystem || !unset else { throw ValidationError("--unset is for system; a list is unset without it.") }
    }

    func run() async throws {
        guard isSystem, !unset else {
            let removal = try await manager.withManager { try await $0.removeAuthorities(name, at: place.level) }
            return try manager.renderer.show(removal) { removal.text($0) }
        }
        let system = try await manager.withManager { try await $0.trustSystem(SystemTrust(level: place.level, trusted: false)) }
        try manager.renderer.show(system) { _ in system.sentence }
    }
}

import AdminClient
import AdminContract
import ArgumentParser

/// `muster ca show`
struct CAShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the CA, the next one, and which machines the next step waits for.",
        discussion: """
              muster ca show
              muster ca show --output json
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.ca() }
        try manager.renderer.show(view) { view.text($0) }
    }
}

import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine archives`
struct MachineArchives: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archives", abstract: "List what was kept of machines that were removed.",
        discussion: """
            An archive is made by: muster machine remove NAME --archive. It stays until somebody forgets it, however often it is restored.

              muster machine archives
              muster machine restore mx1 --archive 3f9a0c51d2e7
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let archives = try await manager.withManager { try await $0.archives() }
        try manager.renderer.show(list: archives, whenEmpty: "No archives. One is made by: muster machine remove NAME --archive") { style in
            Table(
                ["ARCHIVE", "MACHINE", "REMOVED", "BY", "ENTRIES"],
                archives.map { [$0.id, $0.machine, $0.time.description, $0.by, String($0.entries)] }
            ).text(style)
        }
    }
}

import AdminContract
import ArgumentParser
import ClusterModel

/// `muster sethostname`: ESA's word for `muster system set --hostname`.
struct SetHostName: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sethostname", abstract: "Set the host name that a machine goes by: the same as muster system set.",
        discussion: """
            It plays no part in TLS: senders reach a machine by the host name of an interface.

              muster sethostname mx1.example.com --machine mx1
              muster system show --machine mx1
            """)

    @Argument(help: "The host name.")
    var hostname: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await manager.submit {
            EntryEdit(
                level: try place.level(for: .system), section: .system, entry: EntryNaming.onlyEntry,
                operation: .merge(["hostname": .string(hostname)]))
        }
    }
}

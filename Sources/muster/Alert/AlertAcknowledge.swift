import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster alert acknowledge`
struct AlertAcknowledge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "acknowledge", abstract: "Say that you have seen alerts; they stay until what they tell of is over.",
        discussion: """
            The next step of the same certificate on the same machine is a new alert, which nobody has seen.

              muster alert acknowledge 3f2a90c41b7d 77e01c5a9b20
            """)

    @Argument(help: ArgumentHelp("The alerts, as `muster alert list` calls them.", valueName: "alert"))
    var ids: [String]

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let alerts = try await manager.withManager { try await $0.acknowledgeAlerts(AlertAcknowledgement(ids: ids)) }
        try manager.renderer.show(alerts) { style in
            alerts.map { alert in
                style.paint("Seen", .good) + ": \(alert.id), by \(alert.acknowledged?.by ?? "you"). \(alert.text)".printable()
            }.joined(separator: "\n")
        }
    }
}

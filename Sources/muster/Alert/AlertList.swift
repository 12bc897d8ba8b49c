import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster alert list`
struct AlertList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the alerts that hold, the gravest first.",
        discussion: """
              muster alert list
              muster alert list --all
            """)

    @Flag(help: "Those that are over, too.")
    var all = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let alerts = try await manager.withManager { try await $0.alerts(all: all) }
        try manager.renderer.show(list: alerts, whenEmpty: "There are no alerts.") { alertTable(alerts, $0) }
    }
}

/// Alerts as a table: a line each.
func alertTable(_ alerts: [AlertView], _ style: Style) -> String {
    Table(
        ["ALERT", "SEVERITY", "MACHINE", "RAISED", "STATE", "WHAT"],
        cells: alerts.map { alert in
            [
                .init(alert.raised == nil ? "" : alert.id),
                .init(alert.severity.rawValue, alert.cleared == nil ? alert.severity.tone : .faint),
                .init(alert.machine ?? ""), .init(alert.raised?.day ?? ""), .init(alert.state), .init(alert.text),
            ]
        }
    ).text(style)
}

extension AlertView {
    /// How it stands, in words.
    fileprivate var state: String {
        if let cleared { return "over since \(cleared.day)" }
        if let acknowledged { return "seen by \(acknowledged.by)" }
        return raised == nil ? "" : "new"
    }
}

extension Alert.Severity {
    var tone: Style.Tone {
        switch self {
        case .error: .bad
        case .warning: .waiting
        case .notice: .plain
        }
    }
}

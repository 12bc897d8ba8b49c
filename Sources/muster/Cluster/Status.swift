import AdminClient
import AdminContract
import ArgumentParser

/// `muster status`
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the cluster at a glance: every machine against what it should run.",
        discussion: """
            synced means that the machine runs its target, and that a real TLS handshake with each of its services returned \
            the certificate that it should serve.

              muster status
              muster status --watch
            """)

    @Flag(help: "Go on showing it, once a second, until interrupted.")
    var watch = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await manager.withManager { client in
            var shown: ClusterStatus?
            repeat {
                let status = try await client.status()
                if status != shown { try show(status, isFirst: shown == nil) }
                shown = status
                if watch { try await ContinuousClock().sleep(for: .seconds(1)) }
            } while watch
        }
    }

    private func show(_ status: ClusterStatus, isFirst: Bool) throws {
        let style = manager.renderer.style
        // On a terminal the new picture takes the old one's place; elsewhere it follows it.
        if watch, manager.isForPeople { Output.text(style.hasColor ? "\u{1B}[H\u{1B}[2J" : isFirst ? "" : "\n") }
        try manager.renderer.show(status) { status.text($0) }
    }
}

extension ClusterStatus {
    /// The whole status for people.
    func text(_ style: Style) -> String {
        var parts = [
            Facts([
                ("cluster", .init(cluster)), ("revision", .init(String(revision))), ("log", .init("position \(position)")),
                (
                    "uncommitted",
                    uncommitted == 0 ? "" : .init("\(uncommitted) edit\(uncommitted == 1 ? "" : "s") of yours: muster changes", .waiting)
                ), ("alerts", alerts.cell),
            ]).text(style)
        ]
        parts.append(machines.isEmpty ? "No machines yet. Let one in: muster invite" : MachineTable(machines).text(style))
        if !notices.isEmpty { parts.append(noticeText(notices, style)) }
        return parts.joined(separator: "\n\n")
    }
}

extension AlertSummary {
    /// How many there are and what to do; nothing while there are none.
    fileprivate var cell: Table.Cell {
        guard active > 0 else { return "" }
        let new = unacknowledged == 0 ? "all seen" : "\(unacknowledged) new"
        return .init("\(active), \(new): muster alert list", unacknowledged == 0 ? .plain : worst?.tone ?? .plain)
    }
}

/// Notices for people, a line each.
func noticeText(_ notices: [String], _ style: Style) -> String {
    notices.map { style.paint("Notice: ", .waiting) + $0.printable() }.joined(separator: "\n")
}

import AdminContract
import ArgumentParser
import ClusterModel
import MemberAgent
import Replication

/// `muster agent status`
struct AgentStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how the agent on this machine is: its mode, its manager, its services.",
        discussion: "  muster agent status --state-dir DIR")

    @OptionGroup var place: AgentPlace
    @OptionGroup var rendering: RenderingOptions

    func run() async throws {
        try await exiting {
            guard let status = try place.directory.status() else {
                throw Refusal(
                    .notFound, "The agent in \(place.stateDir) has not run yet. Start it: muster agent run --state-dir \(place.stateDir)")
            }
            try rendering.renderer.show(status) { AgentStatusCommand.text(status, $0) }
        }
    }

    private static func text(_ status: AgentStatus, _ style: Style) -> String {
        let facts = Facts([
            ("name", .init(status.name)), ("mode", .init(status.modeText)), ("cluster", .init(status.cluster ?? "")),
            ("joined in group", .init(status.group ?? "")), ("manager", .init(status.connected ? status.manager ?? "connected" : "")),
            ("applied", .init(status.appliedRevision.map { "revision \($0)" } ?? "its own settings")),
            ("target", .init(status.targetRevision.map { "revision \($0)" } ?? "")),
            ("local edits", .init((status.localEdits ?? []).joined(separator: ", "), .waiting)), ("since", .init("\(status.since)")),
        ]).text(style)
        let services = Table(
            ["SERVICE", "CERTIFICATE", "SHOULD SERVE", "SEEN"],
            status.services.map { [$0.service, $0.certificate, $0.fingerprint.short, $0.served?.short ?? $0.unprovable ?? "nothing"] })
        let reasons = status.reasons.map { "  - \($0)".printable() }
        return ([facts] + (status.services.isEmpty ? [] : [services.text(style)]) + reasons).joined(separator: "\n")
    }
}

extension AgentStatus {
    /// `member, disconnected`
    fileprivate var modeText: String { mode.rawValue + (disconnected == true ? ", disconnected" : "") }
}

/// `muster agent show`
struct AgentShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the settings that are in force on this machine.",
        discussion: """
              muster agent show --state-dir DIR
              muster agent show --state-dir DIR listeners/public
            """)

    @OptionGroup var place: AgentPlace

    @Argument(help: "A section, or one entry of it.")
    var path: EntryPath?

    @OptionGroup var rendering: RenderingOptions

    /// One entry, as `show` gives it for a cluster.
    private struct Shown: Encodable {
        var section: SectionName
        var name: String
        var value: JSONValue
        var level: String
    }

    func run() async throws {
        try await exiting {
            let settings = try place.directory.current().generation?.settings ?? .empty
            let level = "machine/\(try place.directory.machine().name)"
            let entries = settings.sections.filter { path == nil || path?.section == $0.name }.flatMap { section in
                section.entries.filter { path?.entry == nil || path?.entry == $0.name }.map {
                    Shown(section: section.name, name: $0.name, value: $0.value, level: level)
                }
            }
            let apart = try place.directory.apart()
            try rendering.renderer.show(list: entries, whenEmpty: "Nothing is set there.") { style in
                AgentShow.text(apart)
                    + Table(
                        ["SECTION", "NAME", "VALUE"],
                        entries.map { [$0.section.rawValue, $0.name, shortText(of: $0.value, in: $0.section)] }
                    )
                    .text(style)
            }
        }
    }

    /// What there is to say before the settings of a member apart from its cluster.
    private static func text(_ apart: Apart) -> String {
        let edits = apart.edits.map(\.path).joined(separator: ", ")
        let lines = [
            apart.isDisconnected ? "Disconnected from the cluster: settings can be edited here, with muster agent set." : "",
            edits.isEmpty ? "" : "Edited here, to be decided in the cluster: \(edits)",
        ].filter { !$0.isEmpty }
        return lines.isEmpty ? "" : lines.joined(separator: "\n").printable() + "\n\n"
    }
}

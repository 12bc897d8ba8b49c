import AdminClient
import AdminContract
import ArgumentParser

/// `muster invite`
struct Invite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print an invitation with which one machine can join.",
        discussion: """
            The invitation is a secret: whoever has it can join once, until it expires. It pins the cluster's certificate \
            authority, so the machine cannot be led to another manager. It alone goes to standard output.

              muster invite --group eu --expires 2h | ssh mx1 muster agent join - \\
                  --state-dir /var/lib/muster-agent
            """)

    @Option(help: ArgumentHelp("The group that the machine joins. (default: the cluster's first, or that of your role)", valueName: "name"))
    var group: String?

    @Option(help: ArgumentHelp("How long it is good for: 90s, 15m, 24h, 7d.", valueName: "time"))
    var expires = TimeSpan(seconds: 86_400)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager {
            try await $0.invite(InvitationRequest(group: group, expiresSeconds: expires.seconds))
        }
        if manager.isForPeople {
            Output.error("For one machine, into the group \(view.group), until \(view.expires).".printable())
        }
        try manager.renderer.show(view) { _ in view.invitation }
    }
}

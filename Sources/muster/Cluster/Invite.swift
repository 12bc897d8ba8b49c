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

            With --machine it is good for the machine of that name only, and refused to any other:

              muster invite --machine mx1 --expires 7d

            With --approval a machine that uses it waits until an administrator has compared its key's fingerprint:

              muster invite --approval
              muster machine requests
            """)

    @Option(help: ArgumentHelp("The group that the machine joins. (default: the cluster's first, or that of your role)", valueName: "name"))
    var group: String?

    @Option(help: ArgumentHelp("How long it is good for: 90s, 15m, 24h, 7d.", valueName: "time"))
    var expires = TimeSpan(seconds: 86_400)

    @Option(help: ArgumentHelp("The one machine that may use it. (default: any)", valueName: "name"))
    var machine: String?

    @Flag(help: "Let a machine wait until it is approved: muster machine approve")
    var approval = false

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager {
            try await $0.invite(
                InvitationRequest(group: group, expiresSeconds: expires.seconds, machine: machine, approval: approval ? true : nil))
        }
        if manager.isForPeople {
            Output.error(
                "For \(view.machine.map { "the machine \($0)" } ?? "one machine"), into the group \(view.group), until \(view.expires)."
                    .printable())
        }
        try manager.renderer.show(view) { _ in view.invitation }
    }
}

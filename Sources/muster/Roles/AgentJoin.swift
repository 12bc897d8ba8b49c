import ArgumentParser
import ClusterModel
import Glibc
import MemberAgent
import NIOPosix
import Replication
import ReplicationTransport

/// `muster agent join`
struct AgentJoin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Join a cluster with an invitation.",
        discussion: """
            On joining, the machine takes its settings from the cluster and loses its own, certificates and keys included; only
            its network settings come along. The loss is listed first: on a terminal you are asked, elsewhere --accept-loss
            says yes. Until the first configuration from the cluster is applied and proved, the old one goes on serving.

              muster invite | muster agent join - --state-dir DIR --name mx1 --hostname mx1.example.com --interface data1=192.0.2.1
              muster agent join INVITATION --state-dir DIR --preview
            """)

    @Argument(help: "The invitation, or - to read it from standard input.")
    var invitation: String?

    @Option(help: ArgumentHelp("Read the invitation from a file.", valueName: "file"))
    var invitationFile: String?

    @OptionGroup var place: AgentPlace
    @OptionGroup var machine: NewMachineOptions
    @OptionGroup var rendering: RenderingOptions

    @Flag(help: "Show what would happen; change nothing.")
    var preview = false

    @Flag(help: "Go on although settings are lost.")
    var acceptLoss = false

    func validate() throws {
        guard (invitation == nil) != (invitationFile == nil) else {
            throw ValidationError("Give the invitation, - for standard input, or --invitation-file FILE.")
        }
    }

    func run() async throws {
        try await exiting {
            let token = try InvitationToken(parsing: try text())
            let directory = place.directory
            if machine.isGiven, !preview { try machine.initialize(directory) }
            let connector = Failpoints.connector(TLSManagerConnector(group: MultiThreadedEventLoopGroup.singleton, now: systemClock))
            let joining = Joining(directory: directory, connector: connector, now: systemClock, knowledge: Failpoints.knowledge)
            let loss = try joining.loss()
            if preview {
                let answer = try await joining.preview(token)
                let group = answer.group
                try rendering.renderer.show(loss) { style in
                    "Would join the group \(group) of the cluster \(answer.cluster).\n" + loss.text(style)
                }
                return
            }
            let answer = try await joining.join(token, acceptingLoss: try mayLose(loss))
            try rendering.renderer.show(loss) { style in
                "Joined the group \(answer.group) of the cluster \(answer.cluster).\n" + loss.text(style)
                    + "\nThe old settings serve until the cluster's are applied and proved. Next: muster agent run --state-dir \(place.stateDir)"
            }
        }
    }

    private func text() throws -> String {
        if let invitation, invitation != "-" { return invitation }
        return String(decoding: try LocalFile.read(invitationFile ?? "-", limit: 64 << 10), as: UTF8.self)
    }

    /// Asks on a terminal; elsewhere the option decides.
    private func mayLose(_ loss: LossReport) throws -> Bool {
        if acceptLoss || loss.isEmpty { return acceptLoss }
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return false }
        Output.line(loss.text(Style.standardOutput()))
        Output.progress("Join and lose this? Type yes to go on: ")
        return readLine() == "yes"
    }
}

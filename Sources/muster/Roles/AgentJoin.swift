import AdminClient
import AdminContract
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
        commandName: "join", abstract: "Join a cluster, with an invitation or an administrator's credentials.",
        discussion: """
            On joining, the machine takes its settings from the cluster and loses its own, certificates and keys included; only
            its network settings come along. The loss is listed first: on a terminal you are asked, elsewhere --accept-loss
            says yes. Until the first configuration from the cluster is applied and proved, the old one goes on serving.

              muster invite | muster agent join - --state-dir DIR --name mx1 --hostname mx1.example.com --interface data1=192.0.2.1
              muster agent join INVITATION --state-dir DIR --preview

            An administrator who is on the machine needs no invitation: with a profile, the machine asks for one itself, for
            its own name and for a few minutes. The profile's token is not kept on the machine.

              muster agent join --profile admin.profile.json --group eu --state-dir DIR

            An invitation made with --approval lets the machine in once an administrator has approved its key. It shows the
            key's fingerprint and keeps the key: run the same command again, or have it wait.

              muster agent join INVITATION --state-dir DIR --wait
            """)

    @Argument(help: "The invitation, or - to read it from standard input.")
    var invitation: String?

    @Option(help: ArgumentHelp("Read the invitation from a file.", valueName: "file"))
    var invitationFile: String?

    @Option(
        help: ArgumentHelp(
            "Join with an administrator's profile in place of an invitation. (default: $MUSTER_PROFILE)", valueName: "file"))
    var profile: String?

    @Option(help: ArgumentHelp("With a profile: the group that the machine joins. (default: the cluster's first)", valueName: "name"))
    var group: String?

    @OptionGroup var place: AgentPlace
    @OptionGroup var machine: NewMachineOptions
    @OptionGroup var rendering: RenderingOptions

    @Flag(help: "Show what would happen; change nothing.")
    var preview = false

    @Flag(help: "Go on although settings are lost.")
    var acceptLoss = false

    @Flag(help: "If an administrator has to approve the join, wait for that.")
    var wait = false

    func validate() throws {
        guard invitation == nil || invitationFile == nil else {
            throw ValidationError("Give the invitation, - for standard input, or --invitation-file FILE; one of them.")
        }
        if hasInvitation {
            guard profile == nil, group == nil else {
                throw ValidationError(
                    "An invitation says which cluster and group. Give it alone, or --profile FILE and --group NAME without it.")
            }
        } else {
            guard ManagerOptions.namedProfile(profile) != nil else {
                throw ValidationError(
                    "Give the invitation, - for standard input, or --invitation-file FILE; or --profile FILE to join as an administrator.")
            }
            guard !preview else {
                throw ValidationError(
                    "A preview changes nothing, and without an invitation one would have to be made. Give one with --preview.")
            }
        }
    }

    private var hasInvitation: Bool { invitation != nil || invitationFile != nil }

    func run() async throws {
        try await exiting {
            let token = hasInvitation ? try InvitationToken(parsing: try text()) : nil
            let directory = place.directory
            if machine.isGiven, !preview { try machine.initialize(directory) }
            let connector = Failpoints.connector(TLSManagerConnector(group: MultiThreadedEventLoopGroup.singleton, now: systemClock))
            let joining = Joining(directory: directory, connector: connector, now: systemClock, knowledge: Failpoints.knowledge)
            let loss = try joining.loss()
            if preview, let token {
                let answer = try await joining.preview(token)
                let group = answer.group
                try rendering.renderer.show(loss) { style in
                    "Would join the group \(group) of the cluster \(answer.cluster).\n" + loss.text(style)
                }
                return
            }
            let isAccepted = try mayLose(loss)
            let answer: JoinAnswer
            if let token {
                answer = try await joined { () async throws(Refusal) in try await joining.join(token, acceptingLoss: isAccepted) }
            } else {
                let credentials = try JoinCredentials(
                    profile: ManagerOptions.namedProfile(profile) ?? "", group: group, machine: directory.machine().name)
                answer = try await joining.join(acceptingLoss: isAccepted, from: credentials.source, inviting: credentials.invite)
            }
            try rendering.renderer.show(loss) { style in
                "Joined the group \(answer.group) of the cluster \(answer.cluster).\n" + loss.text(style)
                    + "\nThe old settings serve until the cluster's are applied and proved. Next: muster agent run --state-dir \(place.stateDir)"
            }
        }
    }

    /// Asks again while nobody has decided on the machine, if that is wanted. A manager that is away meanwhile ends nothing.
    private func joined(_ join: () async throws(Refusal) -> JoinAnswer) async throws -> JoinAnswer {
        var isWaiting = false
        while true {
            do throws(Refusal) {
                return try await join()
            } catch {
                guard wait, error.code == .awaitingApproval || isWaiting && error.code == .unavailable else { throw error }
                if !isWaiting { Output.error(error.reason.printable()) }
                isWaiting = true
            }
            try await Task.sleep(for: AgentJoin.pause)
        }
    }

    /// Between two questions to a manager that has none of the answer yet: a person compares a fingerprint meanwhile.
    private static let pause = Duration.seconds(2)

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

import ArgumentParser
import ClusterModel

/// `muster`: every command, in the order in which people meet them.
@main
struct Muster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster",
        abstract: "Central management for fleets of mail gateways: their settings, certificates and TLS.",
        discussion: """
            Settings are set at three levels (cluster, group, machine), and the nearest level wins. Edits wait in your \
            uncommitted changes until you commit them; then every machine applies them and proves what it serves.

              muster cert create mail --common-name mail.example.com
              muster listener set public --interface data1 --certificate mail
              muster changes
              muster commit --wait -m "A certificate for mail"

            Exit status: 0 done; 1 refused or failed; 64 wrong usage; 69 the manager cannot be reached.
            """,
        version: musterVersion,
        groupedSubcommands: [
            CommandGroup(name: "Roles", subcommands: [DemoCommand.self, ManagerCommand.self, AgentCommand.self]),
            CommandGroup(
                name: "The cluster",
                subcommands: [
                    Status.self, Check.self, MachineCommand.self, GroupCommand.self, Invite.self, AlertCommand.self, UserCommand.self,
                    TokenCommand.self,
                    CACommand.self, AuditCommand.self, WhoAmI.self,
                ]),
            CommandGroup(
                name: "Settings",
                subcommands: [
                    CertCommand.self, AuthorityCommand.self, ListenerCommand.self, PolicyCommand.self, DestinationCommand.self,
                    InterfaceCommand.self, SystemCommand.self, SetHostName.self, DeliveryCommand.self, TLSProfileCommand.self,
                    LDAPCommand.self, WebSecurityCommand.self, ServiceCommand.self, Show.self, Effective.self, Override.self,
                    Hide.self, Isolate.self, Copy.self,
                    Move.self,
                ]),
            CommandGroup(
                name: "Changes",
                subcommands: [
                    Changes.self, Discard.self, Commit.self, Save.self, Apply.self, History.self, Diff.self, RollbackCommand.self,
                ]),
        ])
}

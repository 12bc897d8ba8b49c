import ArgumentParser

/// `muster machine`
struct MachineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine", abstract: "List and look after the cluster's machines.",
        discussion: """
              muster machine list
              muster machine move mx1 --group us --preview
              muster machine remove mx1 --preview
              muster machine disconnect mx1
            """,
        subcommands: [
            MachineList.self, MachineShow.self, MachineMove.self, MachineRename.self, MachineRemove.self, MachineArchives.self,
            MachineRestore.self, MachineForget.self, MachineRetry.self, MachineRequests.self, MachineApprove.self, MachineDeny.self,
            MachineDisconnect.self, MachineReconnect.self, MachineConflicts.self, MachineTake.self, MachineDrop.self,
            MachineReadmit.self,
        ], aliases: ["clusterconfig"])
}

import ArgumentParser

/// `muster machine`
struct MachineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine", abstract: "List and look after the cluster's machines.",
        discussion: """
              muster machine list
              muster machine remove mx1 --preview
            """,
        subcommands: [MachineList.self, MachineShow.self, MachineRemove.self, MachineRetry.self, MachineReadmit.self],
        aliases: ["clusterconfig"])
}

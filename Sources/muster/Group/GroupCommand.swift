import ArgumentParser

/// `muster group`
struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "List and look after groups of machines.",
        discussion: """
            A machine is in exactly one group. What is set for a group holds for its machines, over the cluster's settings.

              muster group add eu
              muster destination set bank.example --tls required-verify --group eu
            """,
        subcommands: [GroupList.self, GroupAdd.self, GroupRename.self, GroupDelete.self])
}

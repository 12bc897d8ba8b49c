import ArgumentParser

/// `muster user`
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "List, add and remove those who may use the cluster.",
        discussion: """
            Roles: read-only sees everything but secrets; operator also edits and commits; administrator also looks after users, \
            invitations, removals and key exports. Everybody has uncommitted changes of their own.

              muster user add bob --role operator
              muster token create --user bob --expires 7d > bob.profile.json
            """,
        subcommands: [UserList.self, UserAdd.self, UserRemove.self])
}

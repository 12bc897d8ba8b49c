import ArgumentParser

/// `muster alert`
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "What people must hear of, and who is told by mail.",
        discussion: """
            An alert is raised once, when what it tells of begins or grows worse, and is cleared by itself when that is over. A \
            certificate raises one for each machine whose services use it, 90, 60, 30, 15, 5, 4, 3, 2 and 1 days before it \
            expires, on the day, and after. A machine raises one each when it is no longer as it applied its configuration (drift), \
            when it puts that right by itself (for a day), when it has been away for five minutes without having been disconnected, and \
            when it refuses a revision.

            Who is told is a setting: an alert about a machine goes by what that machine gets, one about the cluster by what is \
            set at cluster level.

              muster alert list
              muster alert acknowledge 3f2a90c41b7d
              muster alert set --recipient ops@example.com --severity warning
              muster alert show
            """,
        subcommands: [
            AlertList.self, AlertAcknowledge.self, NounShow<AlertNoun>.self, AlertSet.self, NounUnset<AlertNoun>.self,
        ], aliases: ["alertconfig"])
}

import ArgumentParser

/// `muster alert`
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "What people must hear of: certificates that come near their end.",
        discussion: """
            An alert is raised once, when what it tells of begins or grows worse, and is cleared by itself when that is over. A \
            certificate raises one for each machine whose services use it, 90, 60, 30, 15, 5, 4, 3, 2 and 1 days before it \
            expires, on the day, and after.

              muster alert list
              muster alert acknowledge 3f2a90c41b7d
            """,
        subcommands: [AlertList.self, AlertAcknowledge.self], aliases: ["alertconfig"])
}

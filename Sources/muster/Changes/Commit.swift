import AdminClient
import AdminContract
import ArgumentParser

/// `muster commit`
struct Commit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Commit your uncommitted changes: all or nothing, checked against every machine first.",
        discussion: """
            Refused when somebody changed the same entries meanwhile, or when a machine's configuration would not hold \
            together; nothing is lost then. Machines that are offline get the change when they come back.

              muster commit -m "Renew the mail certificate"
              muster commit --wait --timeout 2m
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Why, for the history.", valueName: "text"))
    var message = ""

    @OptionGroup var waiting: WaitOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let commit = try await manager.withManager { client in
            // What is committed is what was looked at: another session's edits in between are refused.
            let changeSet = try await client.changes().first?.changeSet
            return try await client.commit(CommitRequest(comment: message, changeSet: changeSet))
        }
        try await manager.finish(commit, waiting)
    }
}

import ArgumentParser

/// `muster audit`
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Read the log of everything that changed the cluster, and verify it.",
        discussion: """
              muster audit list
              muster audit verify
            """,
        subcommands: [AuditList.self, AuditVerify.self])
}

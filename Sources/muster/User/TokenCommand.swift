import ArgumentParser

/// `muster token`
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens, with which users show who they are.",
        discussion: """
              muster token create --user bob --expires 7d > bob.profile.json
            """,
        subcommands: [TokenCreate.self])
}

import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster token create`
struct TokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token, and print a profile with it.",
        discussion: """
            The profile is a secret: whoever has it is that user until it expires. It alone goes to standard output, as a file \
            that --profile and MUSTER_PROFILE take.

              muster token create --user bob --expires 7d > bob.profile.json
              muster status --profile bob.profile.json
            """)

    @Option(help: ArgumentHelp("Whose token it is. (default: yourself)", valueName: "name"))
    var user: String?

    @Option(help: ArgumentHelp("How long it is good for: 15m, 24h, 7d.", valueName: "time"))
    var expires = TimeSpan(seconds: 86_400)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let (profile, token) = try await manager.withManager {
            try await $0.createToken(TokenRequest(user: user, expiresSeconds: expires.seconds))
        }
        if manager.isForPeople {
            Output.error("A profile of \(token.user), who is \(token.role.rawValue), until \(token.expires). Keep it secret.".printable())
            Output.text(try profile.fileContent)
        } else {
            try manager.renderer.show(profile) { _ in "" }
        }
    }
}

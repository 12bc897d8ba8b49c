import AdminClient
import AdminContract
import ArgumentParser

/// `muster audit verify`
struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that the log is what was written: every hash and every seal.",
        discussion: """
            Exit status 1 when it is not.

              muster audit verify
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let answer = try await manager.withManager { try await $0.verifyAudit() }
        try manager.renderer.show(answer) { style in
            guard let problem = answer.problem else {
                return style.paint("The log is intact", .good) + " up to position \(answer.position), hash \(answer.hash)."
            }
            return style.paint("The log is not what was written: ", .bad) + problem.printable()
        }
        if !answer.intact { throw ExitCode.failure }
    }
}

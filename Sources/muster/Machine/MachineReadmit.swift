import AdminClient
import AdminContract
import ArgumentParser

/// `muster machine readmit`
struct MachineReadmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "readmit", abstract: "Let a machine return whose certificate expired while it was away.",
        discussion: """
            The grant is for this machine alone, once, until it expires. The machine proves the key that it joined with by itself; \
            nothing is typed in there.

              muster machine readmit mx1
              muster machine readmit mx1 --expires 4h
            """)

    @Argument(help: "The machine's name.")
    var name: String

    @Option(help: ArgumentHelp("How long it may take to return: 15m, 24h, 7d.", valueName: "time"))
    var expires = TimeSpan(seconds: 86_400)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let grant = try await manager.withManager {
            try await $0.readmitMachine(name, ReadmissionRequest(expiresSeconds: expires.seconds))
        }
        try manager.renderer.show(grant) { _ in
            "\(grant.machine) may return once, until \(grant.expires). It comes by itself within a minute of being able to: muster machine show \(grant.machine)"
        }
    }
}

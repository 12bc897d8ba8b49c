import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert where-used`
struct CertWhereUsed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "where-used", abstract: "List the services that use a certificate, on which machines, and where that is set.",
        discussion: """
            A machine that has a certificate of that name at its own or its group's level uses that one.

              muster cert where-used mail
              muster cert where-used mail --machine mx1
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let uses = try await manager.withManager { try await $0.certificateUses(name, at: place.level) }
        try manager.renderer.show(list: uses, whenEmpty: "Nothing uses the certificate \"\(name)\" at \(place.level).") { style in
            Table(
                ["SERVICE", "MACHINE", "SET AT"], uses.map { [$0.service, $0.machine ?? "no machine yet", $0.level.description] }
            ).text(style)
        }
    }
}

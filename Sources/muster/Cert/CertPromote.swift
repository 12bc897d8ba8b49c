import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert promote`
struct CertPromote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Set a machine's or group's certificate at a wider level, with its key.",
        discussion: """
            A machine-level certificate ends with the machine's membership. Promote it before removing the machine to keep it:

              muster cert promote mail --from machine/mx1 --to cluster
              muster commit
              muster machine remove mx1
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @Option(help: ArgumentHelp("Where it is: machine/NAME or group/NAME.", valueName: "level"))
    var from: Level

    @Option(help: ArgumentHelp("Where it shall be: cluster or group/NAME.", valueName: "level"))
    var to: Level

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let certificate = try await manager.withManager {
            try await $0.promoteCertificate(CertificatePromotion(name: name, from: from, to: to))
        }
        try manager.renderer.show(certificate) { _ in certificate.sentence("Promoted") }
    }
}

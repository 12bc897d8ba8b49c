import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert delete`
struct CertDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Take a certificate away from a level.",
        discussion: """
            A certificate in use is not deleted: the answer names the services, their machines, and where they are set. A machine's
            own certificate may go where a wider level has one of the same name, with which the services go on.

              muster cert where-used old
              muster cert delete old
              muster cert delete mail --machine mx1
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let summary = try await manager.withManager { try await $0.deleteCertificate(name, at: place.level) }
        try manager.show(summary)
    }
}

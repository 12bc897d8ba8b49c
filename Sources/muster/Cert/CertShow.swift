import AdminClient
import AdminContract
import ArgumentParser

/// `muster cert show`
struct CertShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one certificate: its names, dates, chain, findings, and what uses it.",
        discussion: """
              muster cert show mail
              muster cert show mail --machine mx1
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let certificate = try await manager.withManager { try await $0.certificate(name, at: place.level) }
        try manager.renderer.show(certificate) { certificate.text($0) }
    }
}

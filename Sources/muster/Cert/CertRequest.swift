import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert csr`
struct CertRequest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "csr", abstract: "Print a certificate request (PKCS#10) for a certificate's key, to be signed by an authority.",
        discussion: """
            For a committed certificate, however it was made: the key stays, and what comes back is uploaded into the same entry.

              muster cert create mail --common-name mail.example.com
              muster commit
              muster cert csr mail > mail.csr
              muster cert upload mail mail.crt --intermediate ca.crt
            """)

    @Argument(help: "The certificate's name.")
    var name: String

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let request = try await manager.withManager { try await $0.certificateRequest(name, at: place.level) }
        // The request alone on standard output, so that it can be redirected.
        if manager.isForPeople {
            Output.error(
                "A request for \(request.subject.printable()), key \(request.key.short), names \(request.names.joined(separator: ", ").printable())."
            )
        }
        try manager.renderer.show(request) { _ in request.pem.hasSuffix("\n") ? String(request.pem.dropLast()) : request.pem }
    }
}

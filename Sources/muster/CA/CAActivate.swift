import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster ca activate`
struct CAActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Have the next CA issue: machines get new certificates, and so does the admin port.",
        discussion: """
            Refused while a machine has not confirmed that it trusts the next CA. A machine that is away for long can be left out: \
            it catches up when it returns, and the CA from before is not retired until then.

              muster ca activate
              muster ca activate --without mx3
            """)

    @Option(help: ArgumentHelp("A machine that is not waited for. May be repeated.", valueName: "machine"))
    var without: [String] = []

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let view = try await manager.withManager { try await $0.rotateCA(CARequest(move: .activate, without: without)) }
        try manager.renderer.show(view) { view.text($0) }
    }
}

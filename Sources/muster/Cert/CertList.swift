import AdminClient
import AdminContract
import ArgumentParser

/// `muster cert list`
struct CertList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the certificates of a level, or of all.",
        discussion: """
              muster cert list
              muster cert list --machine mx1
              muster cert list --all
            """)

    @Flag(help: "At every level.")
    var all = false

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard !all || place.named == nil else { throw ValidationError("Choose --all or one level.") }
    }

    func run() async throws {
        let certificates = try await manager.withManager { try await $0.certificates(at: all ? nil : place.level) }
        let remark = all ? "No certificates at any level." : "No certificates at \(place.level). All there are: muster cert list --all"
        try manager.renderer.show(list: certificates, whenEmpty: remark) { certificateTable(certificates, $0) }
    }
}

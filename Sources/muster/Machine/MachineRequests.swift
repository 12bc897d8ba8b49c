import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster machine requests`
struct MachineRequests: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests", abstract: "List the machines that wait to be let in.",
        discussion: """
            A machine that joins with an invitation made by muster invite --approval waits until an administrator has compared the
            fingerprint of its key with what the machine shows, and decided.

              muster machine requests
              muster machine approve mx1 --fingerprint 3f9a0c51d2e7
            """)

    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let requests = try await manager.withManager { try await $0.joinRequests() }
        try manager.renderer.show(list: requests, whenEmpty: "No machine waits to be let in.") { style in
            Table(
                ["MACHINE", "GROUP", "FINGERPRINT OF ITS KEY", "SINCE", "GIVES UP"],
                requests.map { request in
                    [
                        request.machine, request.group, request.fingerprint.hex, request.time.description,
                        "\(request.certificates) \(request.certificates == 1 ? "certificate" : "certificates"), "
                            + "\(request.settings) \(request.settings == 1 ? "setting" : "settings")",
                    ]
                }
            ).text(style)
        }
    }
}

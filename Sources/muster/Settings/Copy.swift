import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster copy`
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy an entry from one level to another.",
        discussion: """
              muster copy destinations/bank.example --from machine/mx1 --to group/eu
            """)

    @OptionGroup var transfer: TransferOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let request = try transfer.request(move: false)
        try manager.show(try await manager.withManager { try await $0.copy(request) })
    }
}

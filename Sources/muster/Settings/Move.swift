import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster move`
struct Move: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move an entry from one level to another.",
        discussion: """
              muster move destinations/bank.example --from machine/mx1 --to cluster
            """)

    @OptionGroup var transfer: TransferOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let request = try transfer.request(move: true)
        try manager.show(try await manager.withManager { try await $0.copy(request) })
    }
}

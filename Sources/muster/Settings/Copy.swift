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

/// What is taken from where to where.
struct TransferOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The entry.", valueName: "section/entry"))
    var path: EntryPath

    @Option(help: ArgumentHelp("Where it is: cluster, group/NAME or machine/NAME.", valueName: "level"))
    var from: Level

    @Option(help: ArgumentHelp("Where it shall be.", valueName: "level"))
    var to: Level

    func validate() throws { _ = try path.requiredEntry() }

    func request(move: Bool) throws -> CopyRequest {
        CopyRequest(section: path.section, entry: try path.requiredEntry(), from: from, to: to, move: move)
    }
}

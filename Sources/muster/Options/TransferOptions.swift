import AdminContract
import ArgumentParser
import ClusterModel

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

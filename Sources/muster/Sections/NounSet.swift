import AdminContract
import ArgumentParser
import ClusterModel

/// `muster NOUN set`: a command says which fields it was given, and the rest follows.
protocol NounSet: AsyncParsableCommand {
    associatedtype Noun: SectionNoun
    var target: Noun.Target { get }
    var clearing: ClearOptions { get }
    var place: LevelOptions { get }
    var manager: ManagerOptions { get }
    /// The fields that are to change, those to clear aside.
    var fields: FieldPatch { get }
}

extension NounSet {
    func validate() throws { _ = try patch() }

    func run() async throws {
        let patch = try patch()
        try await manager.submit { try patch.edit(at: place.level(for: Noun.section), Noun.section, target.entry) }
    }

    private func patch() throws -> FieldPatch {
        var patch = fields
        try patch.clear(clearing.clear, of: Noun.section)
        return patch
    }
}

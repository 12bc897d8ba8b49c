import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster NOUN list`
struct NounList<Noun: SectionNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list", abstract: "List what is set at a level, your uncommitted edits included.",
            discussion: "  muster \(Noun.noun) list\(Noun.exampleLevel)")
    }

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let entries = try await manager.withManager { client in
            try await client.show(SettingsQuery(level: try place.level(for: Noun.section), section: Noun.section))
        }
        let remark = "Nothing is set at \(place.level). What a machine gets: muster effective MACHINE \(Noun.section)"
        try manager.renderer.show(list: entries, whenEmpty: remark) { Noun.table(entries, $0) }
    }
}

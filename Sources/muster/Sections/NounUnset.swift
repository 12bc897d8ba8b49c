import AdminContract
import ArgumentParser
import ClusterModel

/// `muster NOUN unset NAME`
struct NounUnset<Noun: SectionNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "unset", abstract: "Let a level say nothing about an entry any more; what wider levels say shows through.",
            discussion: Noun.example("unset"))
    }

    @OptionGroup var target: Noun.Target
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        try await manager.submit {
            try EntryEdit(level: place.level(for: Noun.section), section: Noun.section, entry: target.entry, operation: .remove)
        }
    }
}

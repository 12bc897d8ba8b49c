import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster NOUN show NAME`
struct NounShow<Noun: SectionNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show one entry as it is set at a level.",
            discussion: Noun.example("show"))
    }

    @OptionGroup var target: Noun.Target
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func run() async throws {
        let entry = try await manager.withManager { client in
            let query = SettingsQuery(level: try place.level(for: Noun.section), section: Noun.section, entry: target.entry)
            guard let entry = try await client.show(query).first else {
                throw Refusal(
                    .notFound,
                    "\(query.level) says nothing about \(Noun.section)/\(target.entry). "
                        + "What a machine gets: muster effective MACHINE \(Noun.section)/\(target.entry)"
                )
            }
            return entry
        }
        try manager.renderer.show(entry) { entry.text($0) }
    }
}

extension SetEntry {
    /// One entry for people, a line for each field.
    func text(_ style: Style) -> String {
        let head: [(String, Table.Cell)] = [
            ("entry", .init("\(section)/\(name)")), ("level", .init(level.description)),
            ("revision", uncommitted ? .init("not committed", .waiting) : .init(String(revision))),
        ]
        guard !hidden, !isolated, let members = value.members else {
            return Facts(head + [("value", .init(valueText))]).text(style)
        }
        let fields = members.sorted { $0.key < $1.key }.map { ($0.key, Table.Cell($0.value.summary)) }
        return Facts(head + fields).text(style)
    }
}

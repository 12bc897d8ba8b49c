import AdminContract
import ArgumentParser
import ClusterModel

/// A section as a noun of the command line: what its verbs have in common.
protocol SectionNoun {
    /// The command's name: `listener`.
    static var noun: String { get }
    static var section: SectionName { get }
    /// How an entry is named on the command line.
    associatedtype Target: EntryTarget
    /// An entry's name for examples; empty for a section that has one entry.
    static var example: String { get }
    /// The level of an example, where only one kind makes sense.
    static var exampleLevel: String { get }
    /// The columns after name and level of a list.
    static var columns: [(heading: String, text: (JSONValue) -> String)] { get }
}

extension SectionNoun {
    static var exampleLevel: String { "" }

    /// `muster listener show public --machine mx1`, as an example.
    static func example(_ verb: String) -> String {
        "  muster \(noun) \(verb)" + (example.isEmpty ? "" : " \(example)") + exampleLevel
    }

    /// Entries of the section as a table.
    static func table(_ entries: [SetEntry], _ style: Style) -> String {
        Table(
            ["NAME", "LEVEL"] + columns.map(\.heading),
            cells: entries.map { entry in
                let name = Table.Cell(
                    entry.name + (entry.uncommitted ? " (uncommitted)" : ""), entry.uncommitted ? .waiting : .plain)
                let values =
                    entry.hidden || entry.isolated
                    ? [Table.Cell(entry.valueText, .faint)] : columns.map { Table.Cell($0.text(entry.value)) }
                return [name, .init(entry.level.description)] + values
            }
        ).text(style)
    }
}

/// Names an entry of a noun's section.
protocol EntryTarget: ParsableArguments {
    var entry: String { get }
}

/// The name of an entry, as an argument.
struct NamedEntry: EntryTarget {
    @Argument(help: "The entry's name.")
    var name: String

    var entry: String { name }
}

/// The one entry of its section, which needs no name.
struct OnlyEntry: EntryTarget {
    var entry: String { EntryNaming.onlyEntry }
}

extension JSONValue {
    /// A field for a table: its value, or nothing.
    func field(_ name: String, standard: String = "") -> String {
        self[name].map(\.summary) ?? standard
    }

    /// A list of texts for a table.
    func words(_ name: String) -> String { (self[name]?.items ?? []).compactMap(\.text).joined(separator: ", ") }
}

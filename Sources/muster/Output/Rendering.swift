import AdminContract
import ArgumentParser
import ClusterDocuments
import ClusterModel
import FoundationEssentials

/// How a command shows its answer.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// For people.
    case table
    /// For programs: the API's keys, sorted.
    case json
    case yaml
}

/// Shows answers in the chosen format.
struct Renderer: Sendable {
    var format: OutputFormat
    var style: Style

    /// Shows a value; `table` is asked only when people read it. An empty table shows nothing.
    func show<Value: Encodable>(_ value: Value, table: (Style) -> String) throws {
        switch format {
        case .table:
            let text = table(style)
            if !text.isEmpty { Output.line(text) }
        case .json: Output.line(try Renderer.json(value))
        case .yaml: Output.text(YAMLText.write(try JSONValue(encoding: value)))
        }
    }

    /// Shows a list; an empty one as a remark on standard error, so that standard output stays a list.
    func show<Value: Encodable>(list: [Value], whenEmpty remark: String, table: (Style) -> String) throws {
        if list.isEmpty, format == .table {
            Output.error(remark)
        } else {
            try show(list, table: table)
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// A table for people: columns as wide as their widest cell, two spaces apart, a heading in capitals.
struct Table: Sendable {
    /// One cell: its text, and what it means.
    struct Cell: Sendable, ExpressibleByStringInterpolation {
        var text: String
        var tone = Style.Tone.plain

        init(_ text: String, _ tone: Style.Tone = .plain) {
            self.text = text.printable()
            self.tone = tone
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    private let headings: [String]
    private let rows: [[Cell]]

    init(_ headings: [String], _ rows: [[String]]) {
        self.init(headings, cells: rows.map { $0.map { Cell($0) } })
    }

    init(_ headings: [String], cells: [[Cell]]) {
        self.headings = headings
        rows = cells
    }

    /// Without colours, as a file gets it.
    var text: String { text(.plain) }

    /// The lines, without the last line's end.
    func text(_ style: Style) -> String {
        let widths = headings.indices.map { column in
            ([headings[column].count] + rows.map { column < $0.count ? $0[column].text.count : 0 }).max() ?? 0
        }
        let heading = Table.line(headings.map { Cell($0, .heading) }, widths, style)
        return ([heading] + rows.map { Table.line($0, widths, style) }).joined(separator: "\n")
    }

    private static func line(_ cells: [Cell], _ widths: [Int], _ style: Style) -> String {
        // The last cell that has text ends the line, so that no line ends with spaces.
        let shown = cells.prefix((cells.lastIndex { !$0.text.isEmpty } ?? -1) + 1)
        return shown.enumerated().map { column, cell in
            let isLast = column == shown.count - 1
            let padding = isLast ? 0 : max(0, widths[column] - cell.text.count)
            return style.paint(cell.text, cell.tone) + String(repeating: " ", count: padding)
        }.joined(separator: "  ")
    }
}

/// Facts about one thing, a line each: `state      synced`.
struct Facts: Sendable {
    private let pairs: [(label: String, cell: Table.Cell)]

    /// Facts without text are left out.
    init(_ pairs: [(String, Table.Cell)]) {
        self.pairs = pairs.filter { !$0.1.text.isEmpty }.map { ($0.0, $0.1) }
    }

    func text(_ style: Style) -> String {
        let width = pairs.map(\.label.count).max() ?? 0
        return pairs.map { label, cell in
            label + String(repeating: " ", count: width - label.count + 2) + style.paint(cell.text, cell.tone)
        }.joined(separator: "\n")
    }
}

extension String {
    /// Each line two spaces further in.
    var indented: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "  " + $0 }.joined(separator: "\n")
    }
}

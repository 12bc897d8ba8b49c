import Foundation

/// One line of the report: something measured several times.
struct Figure: Codable {
    var name: String
    var members: Int
    var unit: String
    var median: Double
    var low: Double
    var high: Double
    var runs: Int
    /// The median of the same work without Muster, where there is such a thing.
    var floor: Double?
    /// The most that it may be: an amount in the figure's unit, or so many times the floor.
    var budget: Budget?

    enum Budget: Codable {
        case amount(Double)
        case ratio(Double)
    }

    init(_ name: String, members: Int = 0, unit: String, _ values: [Double], floor: [Double]? = nil, budget: Budget? = nil) {
        let sorted = values.sorted()
        self.name = name
        self.members = members
        self.unit = unit
        median = Figure.median(values)
        low = sorted.first ?? 0
        high = sorted.last ?? 0
        runs = values.count
        self.floor = floor.map(Figure.median)
        self.budget = budget
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    var ratio: Double? { floor.map { median / $0 } }

    /// Whether the budget is kept; nil when there is none.
    var isWithin: Bool? {
        switch budget {
        case .amount(let most): median <= most
        case .ratio(let most): ratio.map { $0 <= most }
        case nil: nil
        }
    }
}

/// Everything that one run measured.
struct Report: Codable {
    var machine: String
    var date: String
    var arguments: [String]
    var figures: [Figure] = []

    /// A Markdown table.
    var table: String {
        let rows = figures.map { figure in
            [
                figure.name, figure.members > 0 ? "\(figure.members)" : "", "\(Report.text(figure.median)) \(figure.unit)",
                "\(Report.text(figure.low))–\(Report.text(figure.high)) (\(figure.runs))", figure.floor.map(Report.text) ?? "",
                figure.ratio.map { Report.text($0) } ?? "", Report.text(figure.budget),
                figure.isWithin.map { $0 ? "yes" : "**no**" } ?? "",
            ]
        }
        let header = ["what", "members", "median", "spread (runs)", "floor", "ratio", "budget", "kept"]
        return ([header, header.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }

    private static func text(_ number: Double) -> String {
        String(format: abs(number) >= 100 ? "%.0f" : abs(number) >= 10 ? "%.1f" : "%.2f", number)
    }

    private static func text(_ budget: Figure.Budget?) -> String {
        switch budget {
        case .amount(let most): "≤ \(text(most))"
        case .ratio(let most): "≤ \(text(most))x"
        case nil: ""
        }
    }
}

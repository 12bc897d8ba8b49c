import ArgumentParser

/// A revision as people name it: its number, or `head` for what holds now.
struct RevisionName: ExpressibleByArgument, Sendable {
    /// Nil for the head.
    var number: Int?

    static let head = RevisionName(number: nil)

    private init(number: Int?) { self.number = number }

    init?(argument: String) {
        if argument == "head" {
            number = nil
        } else {
            guard let number = Int(argument), number >= 0 else { return nil }
            self.number = number
        }
    }

    var defaultValueDescription: String { number.map { String($0) } ?? "head" }
}

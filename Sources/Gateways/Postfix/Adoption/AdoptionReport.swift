/// What came of reading an existing installation: what became settings, what stays hand-made, and what will be otherwise.
///
/// Has names of files and parameters, and values of those that speak of TLS; never a key, and no value of what is only kept.
package struct AdoptionReport: Hashable, Sendable, Codable {
    /// Where in the installation something was read.
    package struct Place: Hashable, Sendable, Codable {
        package var file: String
        /// A parameter, an entry of `master.cf` or the key of a line in a table; nil for the whole file.
        package var parameter: String?

        package init(_ file: String, _ parameter: String? = nil) {
            self.file = file
            self.parameter = parameter
        }
    }

    /// What became a setting.
    package struct Understood: Hashable, Sendable, Codable {
        /// `section/entry`
        package var setting: String
        package var value: String
        package var place: Place
    }

    /// What stays as somebody made it.
    package struct LeftAlone: Hashable, Sendable, Codable {
        package var place: Place
        package var reason: String
    }

    /// What the driver takes over and cannot keep as it is.
    package struct Change: Hashable, Sendable, Codable {
        package var place: Place
        package var now: String
        package var becomes: String
    }

    /// Why the installation cannot be adopted as it is, and what to do.
    package struct Problem: Hashable, Sendable, Codable {
        package var place: Place
        package var problem: String
        package var cure: String
    }

    package var understood: [Understood] = []
    package var leftAlone: [LeftAlone] = []
    package var wouldChange: [Change] = []
    package var problems: [Problem] = []

    package init() {}

    mutating func understand(_ setting: String, _ value: String, at place: Place) {
        understood.append(Understood(setting: setting, value: value, place: place))
    }

    mutating func leave(_ place: Place, _ reason: String) { leftAlone.append(LeftAlone(place: place, reason: reason)) }

    mutating func change(_ place: Place, from now: String, to becomes: String) {
        let change = Change(place: place, now: now, becomes: becomes)
        // Two services may say the same.
        if !wouldChange.contains(change) { wouldChange.append(change) }
    }

    mutating func object(_ place: Place, _ problem: String, cure: String) {
        let problem = Problem(place: place, problem: problem, cure: cure)
        if !problems.contains(problem) { problems.append(problem) }
    }
}

extension AdoptionReport.Place: CustomStringConvertible {
    package var description: String { parameter.map { "\(file): \($0)" } ?? file }
}

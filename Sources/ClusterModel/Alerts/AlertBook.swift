/// Every alert that is kept: what holds, and as much of what is over as there is room for. Decides what is raised and what is cleared.
package struct AlertBook: Hashable, Sendable, Codable {
    /// An identity is there once.
    package private(set) var alerts: [Alert] = []
    /// By kind, how many conditions hold beside those that found a place.
    package private(set) var unlisted: [String: Int] = [:]

    package init() {}

    /// What a look at the conditions changed.
    package struct News: Hashable, Sendable {
        package var raised: [Alert] = []
        package var cleared: [Alert] = []

        package init() {}

        package var isEmpty: Bool { raised.isEmpty && cleared.isEmpty }
    }

    /// The alerts that hold, the gravest and then the furthest first.
    package var active: [Alert] { alerts.filter(\.isActive).sorted(by: AlertBook.precedes) }

    /// The alerts that are over, the newest first.
    package var cleared: [Alert] {
        alerts.filter { !$0.isActive }.sorted { one, two in
            (two.cleared ?? two.raised, one.condition.subject) < (one.cleared ?? one.raised, two.condition.subject)
        }
    }

    /// Takes in all that holds now of one kind: raises what is new or further than before, keeps what is as it was, clears the rest.
    ///
    /// A subject has one alert. A further stage takes its place, unacknowledged; so does an earlier one, unless that follows within a
    /// day: then a clock was set back a little, and nobody is told twice.
    @discardableResult
    package mutating func take(_ conditions: [AlertCondition], of kind: Alert.Kind, at now: Timestamp) -> News {
        var news = News()
        let others = alerts.filter { $0.condition.kind != kind }
        let before = alerts.filter { $0.condition.kind == kind }
        let known = Dictionary(before.filter(\.isActive).map { ($0.condition.subject, $0) }) { first, _ in first }
        var holding: [Alert] = []
        for condition in AlertBook.unique(conditions) {
            guard let alert = known[condition.subject] else {
                holding.append(Alert(condition, raised: now))
                continue
            }
            let isSame = alert.condition.stage == condition.stage
            let isClockStep = alert.condition.stage > condition.stage && abs(now.seconds - alert.raised.seconds) < 86_400
            if isSame {
                var kept = alert
                kept.condition = condition
                holding.append(kept)
            } else {
                holding.append(isClockStep ? alert : Alert(condition, raised: now))
            }
        }
        let room = max(0, Limits.alerts - others.count(where: \.isActive))
        holding.sort(by: AlertBook.precedes)
        unlisted[kind.rawValue] = holding.count > room ? holding.count - room : nil
        let listed = Array(holding.prefix(room))

        let active = Set(before.filter(\.isActive).map(\.id))
        news.raised = listed.filter { !active.contains($0.id) }
        let subjects = Set(holding.map(\.condition.subject))
        var over = before.filter { !$0.isActive }
        for alert in before where alert.isActive && !subjects.contains(alert.condition.subject) {
            var ended = alert
            ended.cleared = now
            over.append(ended)
            news.cleared.append(ended)
        }
        let present = Set(listed.map(\.id))
        alerts = others + listed + over.filter { !present.contains($0.id) }
        forgetOldest()
        return news
    }

    /// Notes who has seen alerts; the first to say so stays. Refused, and nothing noted, when one of them is not there or is over.
    package mutating func acknowledge(_ ids: [String], by user: String, at now: Timestamp) throws(Refusal) -> [Alert] {
        let places = Dictionary(alerts.indices.filter { alerts[$0].isActive }.map { (alerts[$0].id, $0) }) { first, _ in first }
        var meant: [Int] = []
        for id in ids {
            guard let place = places[id] else {
                throw Refusal(.notFound, "There is no alert \"\(id.prefix(64))\" that holds. List them with: muster alert list")
            }
            if !meant.contains(place) { meant.append(place) }
        }
        for place in meant where alerts[place].acknowledged == nil {
            alerts[place].acknowledged = Alert.Acknowledgement(by: user, time: now)
        }
        return meant.map { alerts[$0] }
    }

    /// What is over makes room, the oldest first.
    private mutating func forgetOldest() {
        let room = Limits.alerts - alerts.count(where: \.isActive)
        alerts = active + cleared.prefix(max(0, room))
    }

    /// One condition for each subject: the furthest.
    private static func unique(_ conditions: [AlertCondition]) -> [AlertCondition] {
        Array(Dictionary(conditions.map { ($0.subject, $0) }) { $0.stage >= $1.stage ? $0 : $1 }.values)
    }

    private static func precedes(_ left: Alert, _ right: Alert) -> Bool {
        let (one, two) = (left.condition, right.condition)
        if one.severity != two.severity { return one.severity < two.severity }
        if one.stage != two.stage { return one.stage > two.stage }
        return (one.kind, one.machine ?? "", one.subject) < (two.kind, two.machine ?? "", two.subject)
    }
}

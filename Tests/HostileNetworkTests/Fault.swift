import ClusterModel
import SeededRandomness

/// Something that goes wrong with one machine for a while.
enum Fault: Sendable, CustomStringConvertible {
    case weather(Weather)
    /// Nothing comes from it, nothing gets to it, or both; nobody is told.
    case cut(from: Bool, to: Bool)
    /// Its network card is down: connections stay half open.
    case linkDown
    /// It stops: it neither reads nor says anything, and its kernel keeps its connections.
    case pause
    /// Its clock is off by so many seconds, then right again; nothing that runs is restarted.
    case clock(Int64)
    /// It is killed, and started again afterwards.
    case kill

    var description: String {
        switch self {
        case .weather(let weather):
            "foul weather (loss \(weather.loss), swaps \(weather.swaps), delay \(weather.delay)±\(weather.jitter) ms, \(weather.kilobitsPerSecond.map { "\($0) kbit/s" } ?? "full speed"))"
        case .cut(true, false): "nothing gets out"
        case .cut(false, true): "nothing gets in"
        case .cut: "cut off"
        case .linkDown: "network card down"
        case .pause: "stopped"
        case .clock(let seconds): "clock off by \(seconds) s"
        case .kill: "killed"
        }
    }

    /// What it is counted as.
    var kind: String {
        switch self {
        case .weather: "foul weather"
        case .clock(let seconds): seconds < 0 ? "clock back" : "clock forward"
        default: description
        }
    }

    /// Seconds after which a manager must have noticed that it does not hear the machine; nil when it does hear it.
    ///
    /// A machine that hears nothing goes on speaking until it gives up itself.
    var silenceSeconds: Int? {
        switch self {
        case .cut(from: true, to: _), .linkDown, .pause: Limits.silenceSeconds
        case .cut: 2 * Limits.silenceSeconds
        case .weather, .clock, .kill: nil
        }
    }
}

/// A fault, how long it is kept waiting for, and how long it lasts.
struct Episode: Sendable {
    var after: Duration
    var fault: Fault
    var lasting: Duration

    /// Any fault. A long one outlasts the silence that is allowed; clocks stay within the hour that certificates begin early.
    static func random(_ dice: inout SplitMix64, isLongAllowed: Bool) -> Episode {
        let fault: Fault =
            switch dice.between(0, 9) {
            case 0, 1: .weather(.foul(&dice))
            case 2: .cut(from: true, to: true)
            case 3: .cut(from: true, to: false)
            case 4: .cut(from: false, to: true)
            case 5: .linkDown
            case 6: .pause
            case 7: .clock(Int64(dice.between(130, 3000)))
            case 8: .clock(Int64(-dice.between(130, 3000)))
            default: .kill
            }
        let isLong = isLongAllowed && dice.chance(150)
        let seconds = isLong ? dice.between(65, 100) : dice.between(1, 10)
        return Episode(after: .milliseconds(dice.between(300, 4000)), fault: fault, lasting: .seconds(seconds))
    }
}

import ArgumentParser

/// A span of time as people write it: `90s`, `15m`, `24h`, `7d`.
struct TimeSpan: ExpressibleByArgument, Sendable, CustomStringConvertible {
    var seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(argument: String) {
        let factors: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = argument.last, let factor = factors[unit], let count = Int(argument.dropLast()), count > 0 else { return nil }
        let (seconds, isTooMuch) = count.multipliedReportingOverflow(by: factor)
        guard !isTooMuch else { return nil }
        self.seconds = seconds
    }

    var description: String {
        for (unit, factor) in [("h", 3600), ("m", 60)] where seconds % factor == 0 { return "\(seconds / factor)\(unit)" }
        return "\(seconds)s"
    }

    var defaultValueDescription: String { description }
}

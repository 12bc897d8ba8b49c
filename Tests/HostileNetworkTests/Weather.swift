import SeededRandomness

/// What happens to the frames of a cable in one direction, chances in thousandths.
struct Weather: Sendable, Hashable {
    var loss = 0
    var duplication = 0
    /// A frame that is passed on at once, past those that wait.
    var reordering = 0
    /// One bit of a frame is turned: its checksum is wrong then, and its receiver drops it.
    var flips = 0
    /// Two words of a TCP segment change places: its checksum stays right, and only TLS can notice.
    var swaps = 0
    /// Milliseconds on the way, and how much they vary.
    var delay = 0
    var jitter = 0
    /// Nil: as fast as it goes. What would wait longer than ``queue`` is lost.
    var kilobitsPerSecond: Int?
    /// Nothing gets through, and nobody is told.
    var isCut = false

    /// What a frame meets that passes through both.
    func and(_ other: Weather) -> Weather {
        Weather(
            loss: max(loss, other.loss), duplication: max(duplication, other.duplication), reordering: max(reordering, other.reordering),
            flips: max(flips, other.flips), swaps: max(swaps, other.swaps), delay: max(delay, other.delay),
            jitter: max(jitter, other.jitter),
            kilobitsPerSecond: [kilobitsPerSecond, other.kilobitsPerSecond].compactMap(\.self).min(), isCut: isCut || other.isCut)
    }

    static let fair = Weather()
    static let cut = Weather(isCut: true)
    /// Milliseconds that a slow cable may be behind.
    static let queue = 800.0

    /// Bad, and bad enough that a connection survives it with patience only.
    static func bad(_ dice: inout SplitMix64) -> Weather {
        var weather = Weather()
        weather.loss = dice.between(0, 40)
        weather.duplication = dice.between(0, 30)
        weather.reordering = dice.between(0, 50)
        weather.flips = dice.between(0, 15)
        weather.delay = dice.between(0, 60)
        weather.jitter = dice.between(0, 40)
        return weather
    }

    /// What ends connections.
    static func foul(_ dice: inout SplitMix64) -> Weather {
        var weather = Weather.bad(&dice)
        switch dice.between(0, 3) {
        case 0: weather.loss = dice.between(100, 300)
        case 1: weather.swaps = dice.between(20, 200)
        case 2: weather.kilobitsPerSecond = dice.between(8, 128)
        default: (weather.delay, weather.jitter) = (dice.between(200, 1500), dice.between(0, 700))
        }
        return weather
    }
}

/// What became of frames.
struct Tally: Sendable {
    var counts: [String: Int] = [:]

    mutating func count(_ event: String) { counts[event, default: 0] += 1 }

    var text: String { counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}

/// One direction of a cable between two machines, as a value: it is told the time, in milliseconds.
struct Lane: Sendable {
    var weather = Weather.fair
    /// When the last byte that was let in will have left.
    private var busyUntil = 0.0

    /// When a frame arrives, and with which bytes: never, once, or more than once.
    mutating func carry(_ frame: [UInt8], at now: Double, _ dice: inout SplitMix64, _ tally: inout Tally) -> [(due: Double, frame: [UInt8])]
    {
        guard !weather.isCut else {
            tally.count("cut")
            return []
        }
        guard !dice.chance(weather.loss) else {
            tally.count("lost")
            return []
        }
        var start = now
        if let rate = weather.kilobitsPerSecond {
            start = max(now, busyUntil)
            guard start - now < Weather.queue else {
                tally.count("dropped as too much")
                return []
            }
            start += Double(frame.count * 8) / Double(rate)
            busyUntil = start
        }
        var due = start + Double(weather.delay + (weather.jitter > 0 ? dice.between(-weather.jitter, weather.jitter) : 0))
        if dice.chance(weather.reordering) {
            tally.count("reordered")
            due = now
        }
        var arrivals = [(due: max(due, now), frame: damaged(frame, &dice, &tally))]
        if dice.chance(weather.duplication) {
            tally.count("duplicated")
            arrivals.append((max(due, now) + Double(dice.between(0, 20)), frame))
        }
        if weather.delay > 0 { tally.count("delayed") }
        tally.count("carried")
        return arrivals
    }

    private func damaged(_ frame: [UInt8], _ dice: inout SplitMix64, _ tally: inout Tally) -> [UInt8] {
        var frame = frame
        if dice.chance(weather.flips) {
            tally.count("damaged")
            // Behind the Ethernet header, which has a checksum of its own on real cables.
            frame[dice.between(min(14, frame.count - 1), frame.count - 1)] ^= 1 << UInt8(dice.between(0, 7))
        }
        if dice.chance(weather.swaps), let payload = Self.payload(of: frame), payload.count >= 8 {
            tally.count("damaged with a right checksum")
            let words = payload.count / 2
            let (first, second) = (payload.lowerBound + 2 * dice.between(0, words - 1), payload.lowerBound + 2 * dice.between(0, words - 1))
            frame.swapAt(first, second)
            frame.swapAt(first + 1, second + 1)
        }
        return frame
    }

    /// The payload of a TCP segment over IPv4, at an even distance from its header.
    static func payload(of frame: [UInt8]) -> Range<Int>? {
        guard frame.count > 54, frame[12] == 8, frame[13] == 0, frame[23] == 6 else { return nil }
        let header = 14 + Int(frame[14] & 15) * 4
        let end = min(frame.count, 14 + Int(frame[16]) << 8 + Int(frame[17]))
        guard frame.count > header + 13 else { return nil }
        let start = header + Int(frame[header + 12] >> 4) * 4
        return start < end ? start..<end : nil
    }
}

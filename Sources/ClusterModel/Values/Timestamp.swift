#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// A moment in UTC, in whole seconds since 1970. Written as RFC 3339, `2026-11-24T09:30:00Z`.
///
/// Values never read a clock: whoever needs the time is handed one of these.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var seconds: Int64

    package init(seconds: Int64) {
        self.seconds = seconds
    }

    package init(_ date: Date) {
        self.init(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    }

    /// The written form; nil for anything but `YYYY-MM-DDThh:mm:ssZ`.
    package init?(_ text: String) {
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }  // the reason says no more than nil
        self.init(date)
    }

    package var date: Date { Date(timeIntervalSince1970: TimeInterval(seconds)) }

    package func adding(seconds more: Int64) -> Timestamp { Timestamp(seconds: seconds + more) }

    /// A moment this many whole days of 86,400 seconds later.
    package func adding(days: Int) -> Timestamp { adding(seconds: Int64(days) * 86_400) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }
}

extension Timestamp: CustomStringConvertible {
    package var description: String { date.formatted(.iso8601) }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let moment = Timestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time such as 2026-11-24T09:30:00Z")
        }
        self = moment
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Where services get the time from; a test hands in a clock of its own.
package typealias WallClock = @Sendable () -> Timestamp

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
        var numbers = (0, 0, 0, 0, 0, 0)
        guard text.utf8.count == Timestamp.form.utf8.count else { return nil }
        for (byte, part) in zip(text.utf8, Timestamp.form.utf8) {
            let digit = Int(byte) - 0x30
            guard part.isLetter else {
                guard byte == part else { return nil }
                continue
            }
            guard (0...9).contains(digit) else { return nil }
            switch part {
            case UInt8(ascii: "y"): numbers.0 = numbers.0 * 10 + digit
            case UInt8(ascii: "m"): numbers.1 = numbers.1 * 10 + digit
            case UInt8(ascii: "d"): numbers.2 = numbers.2 * 10 + digit
            case UInt8(ascii: "h"): numbers.3 = numbers.3 * 10 + digit
            case UInt8(ascii: "i"): numbers.4 = numbers.4 * 10 + digit
            default: numbers.5 = numbers.5 * 10 + digit
            }
        }
        let (year, month, day, hour, minute, second) = numbers
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let days = Timestamp.days(year, month, day)
        self.init(seconds: Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second))
        // A thirteenth month, or a thirtieth of February, is written otherwise.
        guard description == text else { return nil }
    }

    package var date: Date { Date(timeIntervalSince1970: TimeInterval(seconds)) }

    package func adding(seconds more: Int64) -> Timestamp { Timestamp(seconds: seconds + more) }

    /// A moment this many whole days of 86,400 seconds later.
    package func adding(days: Int) -> Timestamp { adding(seconds: Int64(days) * 86_400) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }
}

extension Timestamp: CustomStringConvertible {
    package var description: String {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        guard (Timestamp.days(0, 1, 1)...Timestamp.days(9999, 12, 31)).contains(days) else { return date.formatted(.iso8601) }
        let (year, month, day) = Timestamp.calendar(days)
        let rest = Int(seconds) - days * 86_400
        var text: [UInt8] = []
        text.reserveCapacity(Timestamp.form.utf8.count)
        func append(_ number: Int, _ digits: Int, _ end: Unicode.Scalar) {
            var power = digits == 4 ? 1000 : 10
            while power > 0 {
                text.append(UInt8(0x30 + number / power % 10))
                power /= 10
            }
            text.append(UInt8(ascii: end))
        }
        append(year, 4, "-")
        append(month, 2, "-")
        append(day, 2, "T")
        append(rest / 3600, 2, ":")
        append(rest / 60 % 60, 2, ":")
        append(rest % 60, 2, "Z")
        return String(decoding: text, as: UTF8.self)
    }
}

/// The calendar, by arithmetic: each entry of a log has a time, and the library's parsers take longer than all the rest of it.
extension Timestamp {
    /// Small letters stand for digits.
    fileprivate static let form = "yyyy-mm-ddThh:ii:ssZ"

    /// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is the last.
    fileprivate static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    fileprivate static func calendar(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
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

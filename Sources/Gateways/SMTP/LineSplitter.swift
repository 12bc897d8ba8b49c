import ClusterModel

/// Cuts what a peer sends into lines, and never holds more than one line's worth of an unfinished one.
///
/// A line ends with LF; a CR before it is dropped.
package struct LineSplitter: Sendable {
    package enum Item: Hashable, Sendable {
        /// A line without its end.
        case line([UInt8])
        /// A line beyond the limit. It is told once, and the rest of the line is thrown away.
        case tooLong
    }

    private let limit: Int
    private var bytes: [UInt8] = []
    private var start = 0
    private var isSkipping = false

    package init(limit: Int = Limits.smtpLineBytes) {
        self.limit = limit
    }

    /// Whether nothing lies behind the lines that were taken.
    package var isEmpty: Bool { start == bytes.count && !isSkipping }

    package mutating func add(_ more: some Sequence<UInt8>) {
        bytes.removeFirst(start)
        start = 0
        bytes.append(contentsOf: more)
    }

    /// The next finished line; nil when there is none yet.
    package mutating func next() -> Item? {
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return unfinished() }
        var line = bytes[start..<end]
        start = end + 1
        if isSkipping {
            isSkipping = false
            return next()
        }
        guard line.count < limit else { return .tooLong }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return .line(Array(line))
    }

    private mutating func unfinished() -> Item? {
        if isSkipping {
            start = bytes.count
            return nil
        }
        guard bytes.count - start >= limit else { return nil }
        start = bytes.count
        isSkipping = true
        return .tooLong
    }
}

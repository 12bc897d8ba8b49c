/// An IPv4 or IPv6 address, as its 4 or 16 bytes.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// For bytes that are 4 or 16.
    private init(known bytes: [UInt8]) { self.bytes = bytes }

    /// Nil unless there are 4 or 16.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads `192.0.2.1` or `2001:db8::1`; nil for anything else, zone identifiers included.
    package init?(_ text: some StringProtocol) {
        guard let bytes = text.contains(":") ? IPAddress.six(String(text)) : IPAddress.four(String(text)) else { return nil }
        self.bytes = bytes
    }

    package var isIPv6: Bool { bytes.count == 16 }

    /// The form of RFC 5952 for IPv6, dotted for IPv4.
    package var description: String {
        guard isIPv6 else { return bytes.map(String.init).joined(separator: ".") }
        let words = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, words[end] == 0 { end += 1 }
            if end - start > 1, end - start > best.count { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !best.isEmpty else { return text(words[...]) }
        return text(words[..<best.lowerBound]) + "::" + text(words[best.upperBound...])
    }

    private static func four(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0"), let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func six(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        var halves: [[UInt8]] = [[]]
        var rest = text[...]
        if rest.hasPrefix("::") {
            halves.append([])
            rest = rest.dropFirst(2)
        } else if rest.hasPrefix(":") {
            return nil
        }
        while !rest.isEmpty {
            let group = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(group.count)
            if group.contains(".") {
                guard rest.isEmpty, let tail = four(String(group)) else { return nil }
                halves[halves.count - 1] += tail
                break
            }
            guard (1...4).contains(group.utf8.count), let word = UInt16(group, radix: 16), !group.hasPrefix("+") else { return nil }
            halves[halves.count - 1] += [UInt8(word >> 8), UInt8(word & 0xFF)]
            if rest.hasPrefix("::") {
                guard halves.count == 1 else { return nil }
                halves.append([])
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix(":") {
                rest = rest.dropFirst()
                guard !rest.isEmpty else { return nil }
            }
        }
        let count = halves.reduce(0) { $0 + $1.count }
        guard halves.count == 2 else { return count == 16 ? halves[0] : nil }
        guard count <= 14 else { return nil }
        return halves[0] + [UInt8](repeating: 0, count: 16 - count) + halves[1]
    }
}

extension IPAddress {
    /// The address with everything behind the first `length` bits cleared: the network of that length around it.
    package func masked(to length: Int) -> IPAddress {
        IPAddress(
            known: bytes.enumerated().map { index, byte in
                let kept = min(8, max(0, length - index * 8))
                return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
            })
    }
}

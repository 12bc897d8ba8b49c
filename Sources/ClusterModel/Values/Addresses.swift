/// An IPv4 or IPv6 address, as its 4 or 16 bytes.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

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

/// Who a sender group means: an address, a network, a host, everything below a domain, or everyone.
package enum SenderPattern: Hashable, Sendable, CustomStringConvertible {
    case everyone
    case network(IPAddress, prefixLength: Int)
    case host(String)
    case below(String)

    /// Reads `ALL`, `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `mail.example` or `.example`; nil for anything else.
    package init?(_ text: String) {
        if text == "ALL" {
            self = .everyone
        } else if let slash = text.firstIndex(of: "/") {
            let digits = text[text.index(after: slash)...]
            guard let address = IPAddress(text[..<slash]), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let length = Int(digits), length <= address.bytes.count * 8,
                address.bytes == address.masked(to: length)
            else { return nil }
            self = .network(address, prefixLength: length)
        } else if let address = IPAddress(text) {
            self = .network(address, prefixLength: address.bytes.count * 8)
        } else if text.hasPrefix("."), HostName.accepts(text.dropFirst()), !text.utf8.dropFirst().allSatisfy(isAddressByte) {
            self = .below(text.dropFirst().lowercased())
        } else if HostName.accepts(text), !text.utf8.allSatisfy(isAddressByte) {
            self = .host(text.lowercased())
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .everyone: "ALL"
        case .network(let address, let length) where length == address.bytes.count * 8: address.description
        case .network(let address, let length): "\(address)/\(length)"
        case .host(let name): name
        case .below(let domain): ".\(domain)"
        }
    }

    /// Whether a peer at this address, whose verified host name is this (nil when it has none), is meant.
    package func matches(address: IPAddress, hostName: String?) -> Bool {
        switch self {
        case .everyone: true
        case .network(let network, let length):
            network.bytes.count == address.bytes.count && address.masked(to: length) == network.bytes
        case .host(let name): hostName?.lowercased() == name
        case .below(let domain): hostName?.lowercased().hasSuffix("." + domain) ?? false
        }
    }
}

/// A digit or a dot: a text of nothing else was meant as an address, never as a host name.
private func isAddressByte(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") }

extension IPAddress {
    /// The bytes with everything behind the first `length` bits cleared.
    fileprivate func masked(to length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, length - index * 8))
            return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
        }
    }
}

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
        } else if text.contains("/") {
            guard let (address, length) = SenderPattern.prefix(text), address == address.masked(to: length) else { return nil }
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

    /// An address and a prefix length, whatever the bits behind it.
    private static func prefix(_ text: String) -> (IPAddress, Int)? {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        let digits = text[text.index(after: slash)...]
        guard let address = IPAddress(text[..<slash]), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(digits), length <= address.bytes.count * 8
        else { return nil }
        return (address, length)
    }

    /// The network that was probably meant by an address with a prefix length whose bits behind the prefix are set.
    package static func network(around text: String) -> SenderPattern? {
        guard let (address, length) = prefix(text), address != address.masked(to: length) else { return nil }
        return .network(address.masked(to: length), prefixLength: length)
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
            network.bytes.count == address.bytes.count && address.masked(to: length) == network
        case .host(let name): hostName?.lowercased() == name
        case .below(let domain): hostName?.lowercased().hasSuffix("." + domain) ?? false
        }
    }
}

/// A digit or a dot: a text of nothing else was meant as an address, never as a host name.
private func isAddressByte(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") }

/// Sender patterns in order, to find those that an earlier one leaves nothing for.
package struct SenderCover: Sendable {
    private var owners: [SenderPattern: String] = [:]
    /// The prefix lengths that occur, by the bytes of an address: only those need be looked up.
    private var lengths: [Int: Set<Int>] = [:]

    package init() {}

    /// Takes in a pattern under the name of its group; the first group of a pattern stays.
    package mutating func add(_ pattern: SenderPattern, of group: String) {
        if owners[pattern] == nil { owners[pattern] = group }
        if case .network(let address, let length) = pattern { lengths[address.bytes.count, default: []].insert(length) }
    }

    /// A pattern taken in that matches everyone whom this one does, and its group.
    package func cover(of pattern: SenderPattern) -> (pattern: SenderPattern, group: String)? {
        for candidate in [.everyone, pattern] + wider(than: pattern) {
            if let group = owners[candidate] { return (candidate, group) }
        }
        return nil
    }

    private func wider(than pattern: SenderPattern) -> [SenderPattern] {
        switch pattern {
        case .everyone: return []
        case .network(let address, let length):
            let shorter = (lengths[address.bytes.count] ?? []).filter { $0 < length }.sorted(by: >)
            return shorter.map { .network(address.masked(to: $0), prefixLength: $0) }
        case .host(let name), .below(let name):
            let labels = name.split(separator: ".")
            return labels.indices.dropFirst().map { .below(labels[$0...].joined(separator: ".")) }
        }
    }
}

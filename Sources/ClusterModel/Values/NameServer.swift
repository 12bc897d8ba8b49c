/// A DNS server that questions are put to, in place of the system's own: `192.0.2.53`, `127.0.0.1:5353`, `[::1]:5353`.
///
/// The manager asks it on somebody's behalf, from where the manager stands. So that nobody can make it talk to whatever listens
/// in its network, the port is that of DNS, except on the manager's own machine.
package struct NameServer: Hashable, Sendable, CustomStringConvertible {
    /// The port of DNS (RFC 1035, section 4.2).
    package static let standardPort = 53

    package let address: IPAddress
    package let port: Int

    package init(address: IPAddress, port: Int = NameServer.standardPort) throws(Refusal) {
        guard port == NameServer.standardPort || (address.isLoopback && (1...65535).contains(port)) else {
            throw Refusal(
                .invalid,
                "A resolver is asked on port \(NameServer.standardPort); another port is taken on a loopback address only (127.0.0.1:5353)."
            )
        }
        self.address = address
        self.port = port
    }

    package init(parsing text: String) throws(Refusal) {
        if let address = IPAddress(text) {
            try self.init(address: address)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            let address = NameServer.address(text[..<colon])
        else {
            throw Refusal(
                .invalid,
                "\"\(text.prefix(80))\" is not a resolver. Write its address, as 192.0.2.53, 2001:db8::53, 127.0.0.1:5353 or [::1]:5353.")
        }
        try self.init(address: address, port: Int(port))
    }

    /// The address before a port: IPv6 in brackets.
    private static func address(_ text: Substring) -> IPAddress? {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return text.contains(":") ? nil : IPAddress(text) }
        return IPAddress(text.dropFirst().dropLast()).flatMap { $0.isIPv6 ? $0 : nil }
    }

    package var description: String {
        guard port != NameServer.standardPort else { return address.description }
        return address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}

extension IPAddress {
    /// Whether it only ever means the machine itself: 127.0.0.0/8, ::1, and the former written as IPv6.
    package var isLoopback: Bool {
        if !isIPv6 { return bytes[0] == 127 }
        if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 1 }
        return bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF && bytes[12] == 127
    }
}

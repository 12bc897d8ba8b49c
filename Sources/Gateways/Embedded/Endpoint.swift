package import ClusterModel
import NIOCore

/// An address and port that a service is reached at.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    package var port: Int

    package init(address: IPAddress, port: Int) {
        self.address = address
        self.port = port
    }

    package var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }

    var socketAddress: SocketAddress {
        get throws { try SocketAddress(ipAddress: address.description, port: port) }
    }
}

extension IPAddress {
    /// The address of a peer; an IPv4 address that came in through IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address.
    init?(_ peer: SocketAddress?) {
        guard let text = peer?.ipAddress else { return nil }
        let mapped = "::ffff:"
        if text.hasPrefix(mapped), let four = IPAddress(text.dropFirst(mapped.count)) {
            self = four
        } else {
            self.init(text)
        }
    }
}

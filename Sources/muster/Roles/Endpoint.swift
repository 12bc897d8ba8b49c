import ClusterModel

/// A place to listen on or connect to: `HOST:PORT`, `[2001:db8::1]:8461`.
struct Endpoint: Hashable, CustomStringConvertible {
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init(parsing text: String) throws(Refusal) {
        let bad = Refusal(.invalid, "\"\(text.prefix(80))\" is not a place to connect to. Write HOST:PORT, or [ADDRESS]:PORT for IPv6.")
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { throw bad }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard IPAddress(host)?.isIPv6 == true else { throw bad }
        } else {
            guard HostName.accepts(host) else { throw bad }
        }
        self.init(host: host, port: Int(port))
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

import ClusterModel

/// An address as people write it: `manager.example.com:8443`, `192.0.2.1:8443`, `[2001:db8::1]:8443`.
struct HostPort: Hashable {
    var host: String
    var port: Int

    init(parsing text: String) throws(Refusal) {
        let complaint = Refusal(.invalid, "\"\(text.prefix(Limits.textLength))\" is not an address such as manager.example.com:8443.")
        guard text.utf8.count <= Limits.textLength + 8, let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw complaint }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard let address = IPAddress(String(host)), address.isIPv6 else { throw complaint }
        } else {
            guard IPAddress(String(host)) != nil || HostName.accepts(host), !host.contains(":") else { throw complaint }
        }
        self.host = String(host)
        self.port = Int(port)
    }
}

/// Where a Postfix instance sends mail other than straight to the domains, as its own tables and parameters say.
///
/// Postfix looks for the TLS policy of the next hop, word for word, so a destination has to be known by every hop that its mail may take.
package struct PostfixRoutes: Hashable, Sendable {
    package struct Route: Hashable, Sendable {
        /// Whose mail: a domain, `.domain` for all below it, an address, or `*` for all of whom nothing else is said.
        package var pattern: String
        /// The name of the process that sends it.
        package var transport: String
        /// The next hops, as Postfix looks for them; empty when the domain itself is the hop.
        package var hops: [String]
        /// The parameter that says so.
        package var source: String

        package init(_ pattern: String, _ hops: [String], transport: String = "smtp", source: String = "transport_maps") {
            self.pattern = pattern
            self.transport = transport
            self.hops = hops.map { $0.lowercased() }
            self.source = source
        }
    }

    /// A next hop that mail for any destination may take, and the parameter that says so.
    package struct CommonHop: Hashable, Sendable {
        package var hop: String
        package var source: String

        package init(_ hop: String, source: String) {
            self.hop = hop.lowercased()
            self.source = source
        }
    }

    package var routes: [Route] = []
    package var common: [CommonHop] = []
    /// Hops on this machine that look at mail and give it back.
    package var filters: Set<String> = []
    /// Tables of routes that answer what they are asked, and do not say whom else they have.
    package var unlisted: [String] = []
    /// Tables by sender of which it cannot be said where they lead.
    package var unlistedSenders: [String] = []

    package init() {}

    /// The hops of a route or a relay: several may be named, and the next is tried when one is not there.
    static func hops(_ text: String) -> [String] { text.split { $0 == "," || $0.isWhitespace }.map(String.init) }

    /// What a transport and its destination are in one word.
    static func parts(of word: String) -> (transport: String, hop: String) {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
    }

    /// Tables or names in a parameter: words, with those in braces kept whole.
    static func words(_ text: String) -> [String] {
        var words = [""]
        var depth = 0
        for character in text {
            if character.isWhitespace || character == ",", depth == 0 {
                words.append("")
                continue
            }
            depth += character == "{" ? 1 : character == "}" ? -1 : 0
            words[words.count - 1].append(character)
        }
        return words.filter { !$0.isEmpty }
    }

    /// Whether a hop is this machine.
    static func isHere(_ hop: String) -> Bool {
        let host = PostfixRoutes.host(of: hop)
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// The host of a hop, without brackets and port.
    static func host(of hop: String) -> String {
        if hop.hasPrefix("["), let end = hop.lastIndex(of: "]") {
            let inside = hop[hop.index(after: hop.startIndex)..<end]
            return String(inside.hasPrefix("ipv6:") ? inside.dropFirst(5) : inside)
        }
        return String(hop.prefix { $0 != ":" })
    }

    /// Whether a hop is a domain, whose mail servers are asked for: the only kind that a line for all below a domain holds for.
    static func isDomain(_ hop: String) -> Bool { !hop.hasPrefix("[") && !hop.contains(":") }
}

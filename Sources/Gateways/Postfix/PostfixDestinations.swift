import ClusterModel

/// Destinations as Postfix's table of TLS policies has them: by the next hop, which is the domain where no route says otherwise.
struct PostfixDestinations: Sendable {
    /// Its table, below the generation.
    static let file = "destinations.texthash"

    /// What holds for mail that no line is about.
    private(set) var level = DestinationSetting(tls: .none)
    private(set) var lines: [(key: String, value: String)] = []
    /// Why destinations and routes do not go together.
    private(set) var reasons: [String] = []
    private(set) var remarks: [String] = []
    /// The destinations that each line of a hop is for.
    private(set) var named: [String: [String]] = [:]

    private var settings: [String: DestinationSetting] = [:]
    private let routes: PostfixRoutes
    /// The program of each process that sends mail, by the process's name.
    private let commands: [String: String]

    /// Mail that takes a hop: that of a destination, or of those for whom the default holds.
    private struct Claim: Hashable {
        /// Nil for the default.
        var destination: String?
        /// Whose mail it is: a domain, or `.domain` for all below it.
        var domain: String
        var source: String
    }

    init(_ configuration: EffectiveConfiguration, _ base: PostfixBase, _ routes: PostfixRoutes) throws(SettingError) {
        self.routes = routes
        commands = Dictionary(base.processes.filter { $0.type == "unix" }.map { ($0.name, $0.command) }) { _, last in last }
        for (name, destination) in try configuration.values(DestinationSetting.self, in: .destinations) {
            if name == "default" {
                level = destination
                continue
            }
            settings[name] = destination
            lines.append((name, "\(destination.postfixLevel)\(destination.isSecure ? " match=\(destination.postfixNames)" : "")"))
        }
        leave()
        let claims = claims()
        for hop in claims.keys.sorted() { add(hop, claims[hop, default: []]) }
        for hop in routes.filters.sorted() where claims[hop] == nil && level.strictness > DestinationSetting(tls: .preferred).strictness {
            lines.append((hop, "none"))
        }
        guard settings.values.contains(where: { $0.strictness > level.strictness }) else { return }
        reasons += routes.unlistedSenders.map {
            "destinations: \($0) says by sender where mail goes, and cannot be listed, so mail to a destination could lose its TLS level"
        }
        remarks += routes.unlisted.map {
            "\($0) cannot be listed: an address in it with a route of its own, other than that of its domain, gets the default's TLS level"
        }
    }

    // MARK: - Whose mail takes which hop

    private func claims() -> [String: Set<Claim>] {
        var claims = Dictionary(routes.common.map { ($0.hop, Set<Claim>()) }) { first, _ in first }
        // What other programs are given is no hop: the reason of an error, the host of a mailbox.
        for route in routes.routes where commands[route.transport, default: "smtp"] == "smtp" {
            let domain = PostfixDestinations.domain(of: route.pattern)
            let claim = Claim(destination: destination(of: domain), domain: domain, source: route.source)
            for hop in route.hops where hop != domain { claims[hop, default: []].insert(claim) }
        }
        // A domain that is a hop has mail of its own.
        for hop in claims.keys where PostfixRoutes.isDomain(hop) {
            claims[hop]?.insert(Claim(destination: destination(of: hop), domain: hop, source: PostfixDestinations.itself))
        }
        return claims
    }

    private static let itself = "its own mail"

    private static func domain(of pattern: String) -> String {
        (pattern.split(separator: "@").last.map(String.init) ?? pattern).lowercased()
    }

    /// The entry that is about a domain, or all below a domain: the nearest.
    private func destination(of domain: String) -> String? {
        if settings[domain] != nil { return domain }
        var rest = domain[...]
        while let dot = rest.dropFirst().firstIndex(of: ".") {
            rest = rest[dot...]
            if settings[String(rest)] != nil { return String(rest) }
        }
        return nil
    }

    /// Mail that leaves otherwise than by Postfix's SMTP client, where no TLS level holds.
    private mutating func leave() {
        let local: Set = ["smtp", "local", "virtual", "error", "discard"]
        for route in routes.routes {
            guard let command = commands[route.transport], !local.contains(command),
                let name = destination(of: PostfixDestinations.domain(of: route.pattern)), let setting = settings[name],
                setting.strictness > DestinationSetting(tls: .preferred).strictness
            else { continue }
            reasons.append(
                "destinations/\(name): \(route.source) sends mail for \(route.pattern) by the process \(route.transport) (\(command)), which knows nothing of TLS levels: route it by smtp, or ask no more than preferred"
            )
        }
    }

    // MARK: - The line of a hop

    private mutating func add(_ hop: String, _ claims: Set<Claim>) {
        let hop = Hop(hop, claims, common: routes.common.filter { $0.hop == hop }.map(\.source))
        let strictest = hop.common.isEmpty ? nil : (settings.values.map(\.strictness) + [level.strictness]).max()
        if let objection = objection(to: hop, strictest: strictest) { return reasons.append(objection) }
        guard let own = hop.destinations.first.flatMap({ settings[$0]?.strictness }) ?? strictest,
            !hop.destinations.isEmpty || own > level.strictness
        else { return }
        if own > level.strictness, hop.isShared || !hop.common.isEmpty {
            remarks.append(
                "all mail to \(hop.place) gets the TLS level that a destination asks for whose mail may go there, not the default's")
        }
        named[hop.name] = hop.destinations
        guard own >= DestinationSetting.verified else {
            return set(hop.name, settings.values.first { $0.strictness == own }?.postfixLevel ?? "")
        }
        var domains = Set(hop.claims.filter { $0.destination != nil || own == level.strictness }.map(\.domain))
        if !hop.common.isEmpty {
            domains.formUnion(settings.keys.filter { settings[$0]?.strictness == own } + (own == level.strictness ? ["*"] : []))
        }
        // Its own mail only, as if there were no route.
        guard domains != [hop.name] else { return }
        verify(hop, domains.sorted(), byHost: own == DestinationSetting.verified)
    }

    /// Why a hop cannot be given one TLS level that is right for all mail that goes there; nil where it can.
    private func objection(to hop: Hop, strictest: Int?) -> String? {
        let levels = Set(hop.destinations.compactMap { settings[$0]?.strictness })
        guard let own = levels.first, let first = hop.destinations.first else { return nil }
        guard levels.count == 1 else {
            let said = hop.destinations.prefix(PostfixDestinations.shown).map { "\($0) (\(settings[$0]?.text ?? ""))" }
            return
                "destinations: mail for \(said.joined(separator: ", ")) goes to one server, \(hop.place), for which Postfix has one TLS level: give them the same, or routes to different servers"
        }
        if let strictest, own < strictest {
            return
                "destinations/\(first): its mail goes to \(hop.name), where by \(hop.common[0]) mail of stricter destinations may go: give it their TLS level, or another route"
        }
        guard own < level.strictness, hop.isShared || !routes.unlisted.isEmpty else { return nil }
        let others = hop.isShared ? "that of others" : "possibly that of others (\(routes.unlisted[0]) cannot be listed)"
        return
            "destinations/\(first): its mail goes to \(hop.place), and so does \(others), who would lose what the default says (\(level.text)): give it the default's TLS level, or a server of its own"
    }

    /// A next hop, and whose mail takes it.
    private struct Hop {
        var name: String
        var claims: Set<Claim>
        /// The parameters by which any mail may go there.
        var common: [String]
        var destinations: [String]

        init(_ name: String, _ claims: Set<Claim>, common: [String]) {
            self.name = name
            self.claims = claims
            self.common = common
            destinations = Set(claims.compactMap(\.destination)).sorted()
        }

        /// Whether mail goes there for whom the default holds.
        var isShared: Bool { claims.contains { $0.destination == nil } }

        /// For people.
        var place: String {
            let sources = claims.map(\.source).filter { $0 != PostfixDestinations.itself }.sorted() + common
            return sources.first.map { "\(name) (by \($0))" } ?? name
        }
    }

    /// The names in a message.
    private static let shown = 5

    /// A line that verifies. Where several domains share a server, only a name that is good enough for each of them is.
    private mutating func verify(_ hop: Hop, _ domains: [String], byHost: Bool) {
        // An address as one of the names would have to be in the certificate besides another.
        let hasName = byHost && IPAddress(PostfixRoutes.host(of: hop.name)) == nil
        if domains.count == 1, !domains[0].hasPrefix("."), domains[0] != "*" {
            return set(hop.name, "secure match=\(domains[0])\(hasName ? ":hostname" : "")")
        }
        if hasName { return set(hop.name, "secure match=hostname") }
        let names = domains.prefix(PostfixDestinations.shown).joined(separator: ", ")
        let why = byHost ? "the route names no host" : "nameCheck domain takes the name of no host"
        reasons.append(
            "destinations: mail for several domains (\(names)) goes to one server, \(hop.place), and \(why) that its certificate could be asked for: route to it by its name with nameCheck host, or give them routes to different servers"
        )
    }

    private mutating func set(_ hop: String, _ policy: String) {
        lines.removeAll { $0.key == hop }
        lines.append((hop, policy))
    }
}

extension PostfixDestinations {
    /// As the table is written.
    var text: String { lines.map { "\($0.key) \($0.value)\n" }.joined() }

    /// What the routes ask for, held against the table that is in force.
    func observation(over table: String) -> GatewayObservation {
        let there = Set(table.split(separator: "\n").map(String.init))
        let new = reasons.isEmpty ? lines.filter { !there.contains("\($0.key) \($0.value)") }.flatMap { named[$0.key] ?? [] } : []
        let who = Set(new).sorted().prefix(PostfixDestinations.shown)
        return GatewayObservation(
            subject: "the TLS level by the ways that mail takes\(who.isEmpty ? "" : " to \(who.joined(separator: ", "))")",
            entries: who.map { EntryName(.destinations, $0) }, meant: Digest(hashing: Array(table.utf8)),
            found: Digest(hashing: Array((reasons.isEmpty ? text : reasons.joined()).utf8)))
    }
}

extension EffectiveConfiguration {
    /// The destinations that have a TLS level of their own.
    var namedDestinations: [String] { (self[.destinations]?.entries ?? []).map(\.name).filter { $0 != "default" } }
}

extension DestinationSetting {
    /// Which names of a certificate count: that of the destination, and that of the host its mail goes to.
    var postfixNames: String {
        switch nameCheck {
        case .host: "nexthop:hostname"
        case .domain: "nexthop"
        }
    }

    fileprivate var isSecure: Bool { tls == .requiredVerify }

    /// Postfix's TLS level.
    ///
    /// There is none that tries to verify and delivers anyway: what comes of preferred-verify is what comes of `may` with authorities, and
    /// the log says whether the chain was verified.
    var postfixLevel: String {
        switch tls {
        case .none: "none"
        case .preferred, .preferredVerify: "may"
        case .required: "encrypt"
        case .requiredVerify: "secure"
        }
    }

    /// The strictness from which certificates are verified.
    fileprivate static let verified = 3

    /// How much it asks of a server; what Postfix does alike is the same.
    fileprivate var strictness: Int {
        switch tls {
        case .none: 0
        case .preferred, .preferredVerify: 1
        case .required: 2
        case .requiredVerify: DestinationSetting.verified + (nameCheck == .host ? 0 : 1)
        }
    }

    /// As people set it.
    fileprivate var text: String { isSecure && nameCheck == .domain ? "\(tls.rawValue), nameCheck domain" : tls.rawValue }
}

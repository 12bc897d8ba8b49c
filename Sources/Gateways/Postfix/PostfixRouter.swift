import ClusterModel

/// Asks Postfix's own tables where mail goes (transport(5)).
struct PostfixRouter: Sendable {
    let tools: PostfixTools

    /// The parameters that lead mail somewhere.
    private static let leading = [
        "transport_maps", "relayhost", "default_transport", "relay_transport", "smtp_fallback_relay", "best_mx_transport",
        "sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps", "content_filter",
    ]
    private static let parameters = leading + ["relay_domains", "parent_domain_matches_subdomains"]

    /// Whether anything there leads mail elsewhere than to its domain.
    private static func says(_ base: PostfixBase) -> Bool {
        leading.contains { name in
            !(base.parameters[name] ?? "").isEmpty || base.processes.contains { !($0[name] ?? "").isEmpty }
        }
    }

    /// Where mail for destinations may go, by the configuration in a directory. Nothing is asked where nothing is
    /// set.
    ///
    /// Throws a refusal for a table that does not answer: then nobody knows where the mail goes.
    func routes(of destinations: [String], by base: PostfixBase, in directory: String) async throws(Refusal) -> PostfixRoutes {
        guard !destinations.isEmpty, PostfixRouter.says(base) else { return PostfixRoutes() }
        let values = try await expanded(in: directory, by: base)
        var routes = PostfixRoutes()
        addCommon(to: &routes, values, base)
        try await addSenders(to: &routes, values, in: directory)
        let tables = PostfixRoutes.words(values["transport_maps"] ?? "").map(PostfixRouter.direct)
        let keys = Dictionary(destinations.map { ($0, PostfixRouter.keys(of: $0, values)) }) { first, _ in first }
        var answers: [[String: String]] = []
        for table in tables {
            answers.append(try await ask(table, for: Set(keys.values.flatMap(\.self)).union(["*"]), in: directory))
            if let listed = try await list(table, in: directory) {
                for (key, value) in listed.sorted(by: { $0.key < $1.key }) where key != "*" {
                    routes.routes.append(route(of: key, value, values))
                    if PostfixRouter.hasParents(values), !key.contains("@") { routes.routes.append(route(of: "." + key, value, values)) }
                }
            } else if !PostfixRouter.isForAll(table) {
                routes.unlisted.append(table)
            }
        }
        for destination in destinations {
            let asked = zip(tables, answers).map { table, answers in (isPattern: PostfixRouter.isPattern(table), answers: answers) }
            let found = (keys[destination, default: []] + ["*"]).lazy.compactMap { key in
                asked.lazy.compactMap { !$0.isPattern || key.contains("@") || key == "*" ? $0.answers[key] : nil }.first
            }.first
            routes.routes.append(route(of: destination, found ?? "", values))
        }
        routes.routes.append(route(of: "*", answers.lazy.compactMap { $0["*"] }.first ?? "", values))
        return routes
    }

    // MARK: - What is asked

    /// The keys by which transport(5) looks for a destination, in order; one for all below a domain is looked for by a host there.
    private static func keys(of destination: String, _ values: [String: String]) -> [String] {
        let isBelow = destination.hasPrefix(".")
        let parents = hasParents(values)
        var keys = ["\(somebody)@\(isBelow ? somebody + destination : destination)"]
        if !isBelow { keys.append(destination) }
        var rest = destination[...]
        if isBelow { keys.append(parents ? String(rest.dropFirst()) : String(rest)) }
        while let dot = rest.dropFirst().firstIndex(of: ".") {
            rest = rest[dot...]
            keys.append(parents ? String(rest.dropFirst()) : String(rest))
        }
        return keys
    }

    /// Whether the key of a domain is one for all below it, too.
    private static func hasParents(_ values: [String: String]) -> Bool {
        PostfixRoutes.words(values["parent_domain_matches_subdomains"] ?? "").contains("transport_maps")
    }

    /// A part of an address that no table has for itself.
    private static let somebody = "muster-asks"

    /// Tables behind Postfix's own process for them are asked without it: it need not run.
    private static func direct(_ table: String) -> String { table.hasPrefix("proxy:") ? String(table.dropFirst("proxy:".count)) : table }

    /// Whether a table has patterns for whole addresses.
    private static func isPattern(_ table: String) -> Bool { table.hasPrefix("regexp:") || table.hasPrefix("pcre:") }

    /// Whether a table says the same of everybody.
    private static func isForAll(_ table: String) -> Bool { table.hasPrefix("static:") || table.hasPrefix("fail:") }

    private func expanded(in directory: String, by base: PostfixBase) async throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        let answer = try await tools.ask("postconf", ["-c", directory, "-x"] + PostfixRouter.parameters)
        guard answer.isFine else {
            throw Refusal(.invalid, "Postfix cannot say where mail goes.", details: answer.errorLines)
        }
        for line in answer.output.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.drop(while: \.isWhitespace) }
            guard parts.count == 2 else { continue }
            values[String(parts[0].prefix { !$0.isWhitespace })] = String(parts[1])
        }
        // What finds the way of mail may have options of its own.
        for process in base.processes where process.command == "trivial-rewrite" {
            for name in PostfixRouter.parameters { if let own = process[name] { values[name] = own } }
        }
        return values
    }

    /// What a table answers for each key that it has.
    private func ask(_ table: String, for keys: Set<String>, in directory: String) async throws(Refusal) -> [String: String] {
        let answer = try await tools.ask(
            "postmap", ["-c", directory, "-q", "-", table], input: keys.sorted().map { $0 + "\n" }.joined())
        let reason = answer.errorLines.first { $0.contains("fatal:") }
        // 1 is that it has none of the keys. Some die of a server that does not answer, without a word.
        guard reason == nil, answer.status == 0 || answer.status == 1 else {
            throw Refusal(
                .unavailable, "Nobody can say where mail goes, so no destination can be given its TLS level: \(table) does not answer.",
                details: [String((reason ?? "postmap ended without an answer").prefix(Limits.reasonLength))])
        }
        return PostfixRouter.pairs(answer.output)
    }

    /// All that a table has; nil for one that does not say.
    private func list(_ table: String, in directory: String) async throws(Refusal) -> [String: String]? {
        guard !PostfixRouter.isPattern(table) else { return nil }
        let answer = try await tools.ask("postmap", ["-c", directory, "-s", table])
        return answer.isFine ? PostfixRouter.pairs(answer.output) : nil
    }

    private static func pairs(_ output: String) -> [String: String] {
        var pairs: [String: String] = [:]
        for line in output.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            if parts.count == 2 { pairs[parts[0]] = parts[1] }
        }
        return pairs
    }

    // MARK: - What the answers mean

    /// The way of mail for a key of a table. An empty answer is none: what the parameters say holds.
    private func route(of pattern: String, _ answer: String, _ values: [String: String]) -> PostfixRoutes.Route {
        let isRelayed = PostfixRouter.isRelayed(pattern, values)
        var (transport, hop) = PostfixRoutes.parts(of: values[isRelayed ? "relay_transport" : "default_transport"] ?? "smtp")
        var source = isRelayed ? "relay_transport" : "default_transport"
        if hop.isEmpty, let relay = values["relayhost"], !relay.isEmpty { (hop, source) = (relay, "relayhost") }
        let (given, to) = PostfixRoutes.parts(of: answer)
        if !given.isEmpty {
            transport = given
            if to.isEmpty { (hop, source) = ("", "transport_maps") }
        }
        if !to.isEmpty { (hop, source) = (to, "transport_maps") }
        return PostfixRoutes.Route(pattern, PostfixRoutes.hops(hop), transport: transport, source: source)
    }

    /// Whether a domain is one that this instance relays for, as far as names in the parameter say.
    private static func isRelayed(_ pattern: String, _ values: [String: String]) -> Bool {
        let domain = pattern.split(separator: "@").last.map(String.init) ?? pattern
        return PostfixRoutes.words(values["relay_domains"] ?? "").contains { domain == $0 || domain.hasSuffix("." + $0) }
    }

    /// Where any mail may go: filters, and what is tried when a destination cannot be reached.
    private func addCommon(to routes: inout PostfixRoutes, _ values: [String: String], _ base: PostfixBase) {
        func isSender(_ transport: String) -> Bool { base.processes.contains { $0.name == transport && $0.command == "smtp" } }
        let senders = base.processes.filter { $0.type == "unix" && $0.command == "smtp" }
        for relay in Set(senders.map { $0["smtp_fallback_relay"] ?? values["smtp_fallback_relay"] ?? "" }) {
            routes.common += PostfixRoutes.hops(relay).map { .init($0, source: "smtp_fallback_relay") }
        }
        let (best, bestHop) = PostfixRoutes.parts(of: values["best_mx_transport"] ?? "")
        if isSender(best) { routes.common += PostfixRoutes.hops(bestHop).map { .init($0, source: "best_mx_transport") } }
        for filter in Set(([values["content_filter"]] + base.processes.map { $0["content_filter"] }).compactMap(\.self)) {
            let (transport, hop) = PostfixRoutes.parts(of: filter)
            guard isSender(transport) else { continue }
            for hop in PostfixRoutes.hops(hop) {
                if PostfixRoutes.isHere(hop) {
                    routes.filters.insert(hop.lowercased())
                } else {
                    routes.common.append(.init(hop, source: "content_filter"))
                }
            }
        }
        // Which domains are in a table of them is not asked: all may be.
        let (relay, relayHop) = PostfixRoutes.parts(of: values["relay_transport"] ?? "")
        if isSender(relay), PostfixRoutes.words(values["relay_domains"] ?? "").contains(where: { $0.contains(":") || $0.hasPrefix("/") }) {
            routes.common += PostfixRoutes.hops(relayHop).map { .init($0, source: "relay_transport") }
        }
        routes.common.sort { ($0.hop, $0.source) < ($1.hop, $1.source) }
    }

    /// Where mail goes by who sends it.
    private func addSenders(to routes: inout PostfixRoutes, _ values: [String: String], in directory: String) async throws(Refusal) {
        for source in ["sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"] {
            for table in PostfixRoutes.words(values[source] ?? "").map(PostfixRouter.direct) {
                guard let listed = try await list(table, in: directory) else {
                    routes.unlistedSenders.append("\(source): \(table)")
                    continue
                }
                for word in listed.values.sorted() where word.uppercased() != "DUNNO" {
                    let hop = source.hasSuffix("transport_maps") ? PostfixRoutes.parts(of: word).hop : word
                    routes.common += PostfixRoutes.hops(hop).map { .init($0, source: source) }
                }
            }
        }
    }
}

package import ClusterModel

extension MailExchangers {
    /// Asks DNS who takes a domain's mail, and where those hosts are.
    ///
    /// It does not block the caller's executor, goes on for at most ``Limits/lookupSeconds`` whatever the servers do, and cannot be
    /// cancelled before. Hosts whose addresses were not learned in that time have none named (nil).
    ///
    /// The domain is in ASCII, with or without a final dot. Without a resolver, the servers of the system's settings are asked. Refused
    /// with `invalid` is what is no domain, with `not-found` a domain that does not exist, with `lookup` a question that no server
    /// answers, each cause with its own sentence.
    package static func lookup(_ domain: String, resolver: NameServer? = nil) async throws(Refusal) -> MailExchangers {
        let domain = try check(domain: domain)
        return try await onOwnThread { () throws(Refusal) in
            let resolving = try Resolving(resolver: resolver, deadline: .now + .seconds(Limits.lookupSeconds))
            let answer = try resolving.answer(to: NameQuestion(name: domain, kind: .exchanger))
            var found = try MailExchangers(domain: domain, answer: answer)
            for place in found.hosts.indices { resolving.locate(&found.hosts[place]) }
            return found
        }
    }

    init(domain: String, answer: NameAnswer) throws(Refusal) {
        guard answer.outcome != .noSuchName else {
            throw Refusal(
                .notFound,
                "The domain \(domain) does not exist (NXDOMAIN). Check its spelling; for a domain that only your own servers know, name one with --resolver."
            )
        }
        if answer.exchangers.isEmpty {
            self.init(domain: domain, source: .implicit, hosts: [Host(domain)])
            return
        }
        if answer.exchangers.map(\.host) == ["."] {
            self.init(domain: domain, source: .none, hosts: [])
            return
        }
        let usable = answer.exchangers.filter { MailExchangers.isHost($0.host) }
        var seen: Set<String> = []
        let hosts = usable.sorted { ($0.preference, $0.host) < ($1.preference, $1.host) }.filter { seen.insert($0.host).inserted }
        self.init(
            domain: domain, hosts: hosts.prefix(Limits.mailExchangers).map { Host($0.host, preference: $0.preference) },
            unusable: answer.exchangers.count - usable.count, leftOut: max(0, hosts.count - Limits.mailExchangers))
    }
}

extension Resolving {
    /// Finds a host's addresses. Where no server answers they stay unknown: the records themselves have been learned.
    fileprivate func locate(_ host: inout MailExchangers.Host) {
        var addresses: [IPAddress] = []
        for kind in [NameQuestion.Kind.address4, .address6] {
            do throws(Refusal) {
                let answer = try answer(to: NameQuestion(name: host.name, kind: kind))
                addresses += answer.addresses
                host.isAlias = host.isAlias || answer.isAlias
            } catch {
                return
            }
        }
        host.addresses = Array(addresses.prefix(Limits.hostAddresses))
    }
}

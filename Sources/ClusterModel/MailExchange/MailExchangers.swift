/// Who takes the mail of a domain, as DNS says (RFC 5321, section 5.1).
package struct MailExchangers: Hashable, Sendable {
    /// What DNS says of a domain's mail.
    package enum Source: String, Hashable, Sendable, Codable, CaseIterable {
        /// MX records name the hosts.
        case records
        /// There is no MX record: the domain itself is its one host.
        case implicit
        /// A null MX: the domain takes no mail (RFC 7505).
        case none
    }

    /// One host that takes mail.
    package struct Host: Hashable, Sendable {
        /// In lower case, without a final dot.
        package var name: String
        /// The lower, the sooner it is tried; nil where no record says so.
        package var preference: Int?
        /// Its addresses; nil where they could not be learned.
        package var addresses: [IPAddress]?
        /// Whether the name is an alias (CNAME), which an MX record may not name (RFC 2181, section 10.3).
        package var isAlias: Bool

        package init(_ name: String, preference: Int? = nil, addresses: [IPAddress]? = nil, isAlias: Bool = false) {
            self.name = name
            self.preference = preference
            self.addresses = addresses
            self.isAlias = isAlias
        }
    }

    package var domain: String
    package var source: Source
    /// In the order in which senders try them; those of one preference by name. At most ``Limits/mailExchangers``.
    package var hosts: [Host]
    /// How many records name no host: an address, or what is no host name.
    package var unusable: Int
    /// How many hosts were left out because there are too many.
    package var leftOut: Int

    package init(domain: String, source: Source = .records, hosts: [Host], unusable: Int = 0, leftOut: Int = 0) {
        self.domain = domain
        self.source = source
        self.hosts = hosts
        self.unusable = unusable
        self.leftOut = leftOut
    }
}

extension MailExchangers {
    /// The domain as it is asked for: lower case, without a final dot. Refuses what is no domain name.
    package static func check(domain text: String) throws(Refusal) -> String {
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard isHost(name) else {
            throw Refusal(
                .invalid,
                "\"\(text.prefix(80))\" is not a domain. Write one such as example.com; one with other letters in its ASCII form (xn--…).")
        }
        return name.lowercased()
    }

    /// Whether a name may be that of a host: an address in its place is none.
    package static func isHost(_ name: some StringProtocol) -> Bool {
        HostName.accepts(name) && IPAddress(name) == nil
    }
}

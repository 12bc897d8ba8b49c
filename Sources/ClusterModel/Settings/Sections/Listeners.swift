/// Where mail is taken: an SMTP service on an interface, with the policies for those who connect.
package struct ListenerSetting: Setting {
    /// Whether strangers send to it (public) or the organization's own systems do (private).
    package enum Kind: String, CaseIterable, Sendable {
        case `public`
        case `private`
    }

    package var type = Kind.public
    package var interface = ""
    package var port = 25
    /// The certificate it shows after STARTTLS; without one, no policy can offer TLS.
    package var certificate: String?
    /// Certificates for clients that ask for the server by another name (RFC 6066, section 3).
    package var serverNames: [ServerName] = []
    /// The TLS profile of its connections; without one, `inbound` if there is such.
    package var tlsProfile: String?
    /// The policy for a sender that no group matches; without one, such a sender gets TLS off.
    package var defaultPolicy: String?
    /// The first group that matches a sender decides.
    package var senderGroups: [SenderGroup] = []

    package init() {}

    package static let shape = Shape<ListenerSetting>(
        "An SMTP service on an interface.",
        [
            .standard("type", \.type, .choice(Kind.self), .public, "Who sends to it: public or private."),
            .required("interface", \.interface, .name, "The interface it listens on. A machine without it disables the listener."),
            .standard("port", \.port, .port, 25, "The TCP port."),
            .optional("certificate", \.certificate, .name, "The certificate shown after STARTTLS."),
            .standard(
                "serverNames", \.serverNames, .list(of: .setting(ServerName.self), limit: Limits.serverNames), [],
                "Certificates for clients that ask for it by another name (SNI); all others get that of the listener.", since: 2),
            .optional("tlsProfile", \.tlsProfile, .name, "The TLS profile of its connections; without one, that called inbound."),
            .optional("defaultPolicy", \.defaultPolicy, .name, "The mail flow policy for senders in no group; without it, TLS is off."),
            .standard(
                "senderGroups", \.senderGroups, .list(of: .setting(SenderGroup.self)), [],
                "Sender groups in order: the first that matches decides."),
        ],
        initial: ListenerSetting.init)
}

/// A name by which clients may ask for a listener, and the certificate that they then get.
package struct ServerName: Setting {
    package var name = ""
    package var certificate = ""

    package init() {}

    package init(name: String, certificate: String) {
        self.name = name
        self.certificate = certificate
    }

    package static let shape = Shape<ServerName>(
        "A name by which clients ask for a server, and the certificate that they get.",
        [
            .required("name", \.name, .hostName, "The host name that a client asks for in its handshake."),
            .required("certificate", \.certificate, .name, "The certificate shown to it."),
        ],
        initial: ServerName.init)
}

/// A group of senders and the policy that they get (ESA: a row of the host access table).
package struct SenderGroup: Setting {
    package var name = ""
    package var senders: [String] = []
    package var policy = ""

    package init() {}

    package init(name: String, senders: [String], policy: String) {
        self.name = name
        self.senders = senders
        self.policy = policy
    }

    package static let shape = Shape<SenderGroup>(
        "A group of senders and the mail flow policy they get.",
        [
            .required("name", \.name, .name, "The group's name, for logs and reports."),
            .required("senders", \.senders, .list(of: .sender), "Addresses, networks, hosts, domains (.example.com) or ALL."),
            .required("policy", \.policy, .name, "The name of the mail flow policy they get."),
        ],
        initial: SenderGroup.init)
}

extension ListenerSetting {
    /// The name of the policy for a sender: that of the first group which matches, else the default; nil means TLS off.
    package func policyName(address: IPAddress, hostName: String?) -> String? {
        senderGroups.first { group in
            group.senders.contains { SenderPattern($0)?.matches(address: address, hostName: hostName) ?? false }
        }?.policy ?? defaultPolicy
    }
}

extension ListenerSetting {
    /// Groups and senders that never match, because what stands before them takes everyone whom they mean.
    var idleSenders: [String] {
        var cover = SenderCover()
        var remarks: [String] = []
        for (index, group) in senderGroups.enumerated() {
            if group.senders.isEmpty { remarks.append("the sender group \(group.name) has no senders, so it never matches") }
            var own: Set<SenderPattern> = []
            for (place, text) in group.senders.enumerated() {
                guard let pattern = SenderPattern(text) else { continue }
                let field = "senderGroups[\(index)].senders[\(place)]"
                if let earlier = cover.cover(of: pattern) {
                    let has = earlier.pattern == pattern ? "has it" : "has \(earlier.pattern)"
                    remarks.append(
                        "\(field): \(pattern) in the group \(group.name) never matches: the group \(earlier.group) before it \(has)")
                } else if !own.insert(pattern).inserted {
                    remarks.append("\(field): \(pattern) is in the group \(group.name) twice")
                }
            }
            for pattern in own { cover.add(pattern, of: group.name) }
        }
        return remarks
    }
}

extension SectionName {
    package static let listeners = SectionName(rawValue: "listeners")
}

extension Section {
    package static let listeners = Section(
        .listeners, of: ListenerSetting.self, naming: .named(.plain),
        rule: { listener, path throws(SettingError) in
            var seen: Set<String> = []
            for (index, group) in listener.senderGroups.enumerated() where !seen.insert(group.name).inserted {
                throw SettingError(
                    path.appending("senderGroups").appending(index), "the sender group \"\(group.name)\" is there twice",
                    expected: "each group once")
            }
            guard listener.serverNames.isEmpty || listener.certificate != nil else {
                throw SettingError(
                    path.appending("serverNames"), "there is no certificate for clients that ask for none of these names",
                    expected: "certificate, too")
            }
            var names: Set<String> = []
            for (index, server) in listener.serverNames.enumerated() where !names.insert(server.name).inserted {
                throw SettingError(
                    path.appending("serverNames").appending(index), "the name \"\(server.name)\" is there twice", expected: "each name once"
                )
            }
        },
        remarks: \.idleSenders,
        references: { listener in
            var references = [Reference("interface", .interfaces, listener.interface, whenMissing: .disabled)]
            if let certificate = listener.certificate {
                references.append(Reference("certificate", .certificates, certificate))
            }
            for (index, server) in listener.serverNames.enumerated() {
                references.append(Reference("serverNames[\(index)].certificate", .certificates, server.certificate))
            }
            if let profile = listener.tlsProfile {
                references.append(Reference("tlsProfile", .tlsProfiles, profile))
            }
            if let policy = listener.defaultPolicy {
                references.append(Reference("defaultPolicy", .mailFlowPolicies, policy))
            }
            for (index, group) in listener.senderGroups.enumerated() {
                references.append(Reference("senderGroups[\(index)].policy", .mailFlowPolicies, group.policy))
            }
            return references
        })
}

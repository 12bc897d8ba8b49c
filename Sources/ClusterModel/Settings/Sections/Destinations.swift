/// How mail to one destination domain uses TLS (mission E2). The entry `default` stands for all others.
package struct DestinationSetting: Setting {
    /// The outbound mode; `Docs/architecture.md` and the mission's table give the outcome of each.
    package enum TLS: String, CaseIterable, Sendable {
        case none
        case preferred
        case required
        case preferredVerify = "preferred-verify"
        case requiredVerify = "required-verify"
    }

    /// Which name the destination's certificate must have when it is verified.
    package enum NameCheck: String, CaseIterable, Sendable {
        /// The destination domain or its MX host.
        case host
        /// The destination domain only.
        case domain
    }

    package var tls = TLS.none
    package var nameCheck = NameCheck.host

    package init() {}

    package init(tls: TLS) {
        self.tls = tls
    }

    package static let shape = Shape<DestinationSetting>(
        "How mail to a destination uses TLS.",
        [
            .required("tls", \.tls, .choice(TLS.self), "none, preferred, required, preferred-verify or required-verify."),
            .standard(
                "nameCheck", \.nameCheck, .choice(NameCheck.self), .host,
                "Whether the MX host's name is good enough (host) or not (domain)."),
        ],
        initial: DestinationSetting.init)
}

extension SectionName {
    package static let destinations = SectionName(rawValue: "destinations")
}

extension Section {
    package static let destinations = Section(.destinations, of: DestinationSetting.self, naming: .named(.domain))
}

/// By which names a machine that shows a certificate when it delivers mail may be known to those it delivers to (mission D9).
package struct DeliveryPlace: Hashable, Sendable, Comparable {
    /// An interface and its host name.
    package struct Interface: Hashable, Sendable, Comparable {
        package var name: String
        package var hostname: String

        package init(name: String, hostname: String) {
            self.name = name
            self.hostname = hostname
        }

        package static func < (left: Interface, right: Interface) -> Bool { (left.name, left.hostname) < (right.name, right.hostname) }
    }

    package var machine: String
    /// Whether the interface was chosen, and not left to the machine.
    package var isChosen: Bool
    /// The chosen interface, or all that mail may leave by.
    package var interfaces: [Interface]

    package init(machine: String, isChosen: Bool, interfaces: [Interface]) {
        self.machine = machine
        self.isChosen = isChosen
        self.interfaces = interfaces
    }

    package static func < (left: DeliveryPlace, right: DeliveryPlace) -> Bool { left.machine < right.machine }
}

extension EffectiveConfiguration {
    /// Where a machine's mail leaves; nil where it has no interface for it, or no certificate to show.
    package func deliveryPlace(of machine: String) throws(SettingError) -> DeliveryPlace? {
        guard let delivery = try value(DeliverySetting.self, .delivery, EntryNaming.onlyEntry), delivery.certificate != nil else {
            return nil
        }
        let interfaces = try values(InterfaceSetting.self, in: .interfaces)
            .filter { delivery.interface == nil || $0.name == delivery.interface }
            .map { DeliveryPlace.Interface(name: $0.name, hostname: $0.value.hostname) }
        return interfaces.isEmpty ? nil : DeliveryPlace(machine: machine, isChosen: delivery.interface != nil, interfaces: interfaces)
    }
}

extension CertificateFinding.Code {
    /// The outbound certificate does not speak for the interface that mail leaves by.
    package static let deliveryMismatch = Self(rawValue: "delivery-name-mismatch")
}

extension CertificateSetting {
    /// What there is to say of the certificate where it is shown to other servers: it should speak for the chosen delivery interface,
    /// or, where the choice is the machine's, for one of its interfaces. Few servers look at the names of those who come to them, so
    /// this is never an error.
    package func findings(leavingBy places: [DeliveryPlace]) -> [CertificateFinding] {
        guard let leaf, origin != .demo, leaf.isDetailed || !leaf.names.isEmpty else { return [] }
        let uncovered = places.filter { place in
            !place.interfaces.contains { leaf.covers($0.hostname) || leaf.coversByCommonName($0.hostname) }
        }
        let names = leaf.names.isEmpty ? "no name" : leaf.names.shortList
        return [true, false].compactMap { isChosen in
            let places = uncovered.filter { $0.isChosen == isChosen }
            guard !places.isEmpty else { return nil }
            let words = places.map(\.words).shortList
            return isChosen
                ? .init(
                    .deliveryMismatch, .warning,
                    "It is shown when mail leaves by \(words), and does not speak for it: it speaks for \(names).",
                    cure: "Request a certificate with that name, or choose another interface or certificate: muster delivery set.")
                : .init(
                    .deliveryMismatch, .notice,
                    "It is shown when mail leaves by any interface of \(words), and speaks for none of them: it speaks for \(names).",
                    cure: "Request a certificate with the name of an interface, and choose that one: muster delivery set --interface NAME.")
        }
    }
}

extension DeliveryPlace {
    /// `mx1 data1 (mx1.example.com)`.
    fileprivate var words: String {
        "\(machine) " + interfaces.map { "\($0.name) (\($0.hostname))" }.shortList
    }
}

/// The content of an archive: what a machine's layer said when the machine was removed.
package struct ArchivedLayer: Hashable, Sendable {
    package var membership: MembershipID
    package var machine: String
    package var layer: Layer

    package init(of membership: Membership) {
        self.membership = membership.id
        machine = membership.machine
        layer = membership.layer
    }

    /// What a restore puts back: everything but network settings, and the sections that inherit nothing.
    package var restorable: Int {
        layer.sections.filter { Section.named($0.key)?.isNetwork != true }.values.reduce(0) {
            $0 + $1.entries.count + ($1.isIsolated ? 1 : 0)
        }
    }

    // MARK: - The stored form

    private struct Stored: Codable {
        struct Content: Codable {
            var isolated: Bool
            var set: [String: JSONValue]
            var hidden: [String]
        }

        static let format = 1

        var format = Stored.format
        var membership: MembershipID
        var machine: String
        var sections: [String: Content]
    }

    /// Canonical JSON: the same layer of the same membership has the same bytes.
    package func bytes() throws(Refusal) -> [UInt8] {
        let sections = layer.sections.map { name, content in
            (
                name.rawValue,
                Stored.Content(
                    isolated: content.isIsolated, set: content.entries.compactMapValues(\.state.value),
                    hidden: content.entries.filter { $0.value.state == .hidden }.keys.sorted())
            )
        }
        do {
            return try JSONValue(
                encoding: Stored(membership: membership, machine: machine, sections: Dictionary(uniqueKeysWithValues: sections))
            ).canonicalBytes
        } catch {
            throw Refusal(.invalid, "The settings of \(machine) cannot be written down: \(error)")
        }
    }

    package init(bytes: [UInt8]) throws(Refusal) {
        let stored: Stored
        do { stored = try JSONValue(parsing: bytes).decode(Stored.self) } catch {
            throw Refusal(.unreadable, "The archive cannot be read: \(error)")
        }
        guard stored.format == Stored.format else {
            throw Refusal(.version, "The archive has format \(stored.format); this Muster reads format \(Stored.format).")
        }
        membership = stored.membership
        machine = stored.machine
        layer = Layer()
        for (name, content) in stored.sections {
            var section = SectionLayer()
            section.isIsolated = content.isolated
            for (entry, value) in content.set { section.entries[entry] = LayerEntry(.set(value), revision: 0) }
            for entry in content.hidden { section.entries[entry] = LayerEntry(.hidden, revision: 0) }
            layer[SectionName(rawValue: name)] = section
        }
    }
}

/// What a restore did with one entry of an archive.
package struct RestoredEntry: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable {
        /// The machine's level said nothing of it, and says this now.
        case added
        /// The machine's level says something else of it today, and would not any more.
        case replaced
        /// It is so already.
        case equal
        /// A network setting: the machine brought its own along.
        case network
    }

    package var section: SectionName
    /// Left out for a section that inherits nothing.
    package var entry: String?
    package var outcome: Outcome

    package init(section: SectionName, entry: String?, outcome: Outcome) {
        self.section = section
        self.entry = entry
        self.outcome = outcome
    }

    /// `section/entry`, or the section alone.
    package var path: String { entry.map { "\(section)/\($0)" } ?? section.rawValue }
}

/// What puts an archived layer back at a machine that is in the cluster again, entry by entry.
///
/// Network settings stay as the machine brought them along: they describe where it is now, and not where it was.
package struct Restoration: Sendable {
    package private(set) var edits: [Edit] = []
    /// Every entry of the archive, by section and name.
    package private(set) var entries: [RestoredEntry] = []
    /// What people should know of what is not put back.
    package private(set) var notices: [String] = []

    /// `view` is the state with the edits of whoever restores; `committed` is what the new edits build on.
    package init(of archived: ArchivedLayer, at machine: Membership, view: ClusterState, committed: ClusterState) {
        let today = view.layer(.machine(machine.id)) ?? Layer()
        for (name, content) in archived.layer.sections.sorted(by: { $0.key < $1.key }) {
            let isNetwork = Section.named(name)?.isNetwork == true
            if content.isIsolated {
                put(name, nil, .isolate, today[name].isIsolated ? .equal : .added, at: machine, in: committed)
            }
            for (entry, word) in content.entries.sorted(by: { $0.key < $1.key }) {
                let present = today[name, entry]?.state
                let change: EntryChange = word.state.value.map { .set($0) } ?? .hide
                let outcome: RestoredEntry.Outcome =
                    isNetwork ? .network : present == nil ? .added : present == word.state ? .equal : .replaced
                put(name, entry, change, outcome, at: machine, in: committed)
                if name == .interfaces { note(https: word.state.value, of: entry, today: present?.value, on: machine) }
            }
        }
    }

    private mutating func put(
        _ section: SectionName, _ entry: String?, _ change: EntryChange, _ outcome: RestoredEntry.Outcome, at machine: Membership,
        in committed: ClusterState
    ) {
        entries.append(RestoredEntry(section: section, entry: entry, outcome: outcome))
        guard outcome == .added || outcome == .replaced else { return }
        edits.append(Edit(layer: .machine(machine.id), section: section, entry: entry, change: change, in: committed))
    }

    /// The certificate of an interface's HTTPS belongs to a network setting, and would be missed.
    private mutating func note(https archived: JSONValue?, of interface: String, today: JSONValue?, on machine: Membership) {
        // Values that do not read were refused before they were stored.
        guard let then = archived.flatMap({ try? InterfaceSetting($0) })?.https,
            let now = today.flatMap({ try? InterfaceSetting($0) }), now.https != then
        else { return }
        notices.append(
            "The interface \(interface) had HTTPS with the certificate \(then.certificate), and network settings are not put back. To have it again: "
                + "muster interface set \(interface) --https-certificate \(then.certificate) --machine \(machine.machine)")
    }
}

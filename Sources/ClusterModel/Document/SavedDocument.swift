/// Which entry of a document a certificate is, or a list of authorities.
package struct CertificatePlace: Hashable, Sendable {
    package var level: Level
    package var name: String

    package init(_ level: Level, _ name: String) {
        self.level = level
        self.name = name
    }

    /// Where it stands in the document.
    package var path: SettingPath { SettingPath("settings", level.description, SectionName.certificates.rawValue, name) }
}

extension ClusterState {
    /// Everything that is committed, as a document. Certificates are masked.
    ///
    /// The ready-made certificate is each cluster's own and is left out, unless the document is to become another cluster that is the same.
    package func document(withReadyMade: Bool = false) -> ClusterDocument {
        var document = ClusterDocument(cluster: cluster, groups: groups.values.map(\.name).sorted())
        document.add(layer, at: .cluster, withReadyMade: withReadyMade)
        for group in groups.values { document.add(group.layer, at: .group(group.name), withReadyMade: withReadyMade) }
        for membership in memberships.values {
            document.add(membership.layer, at: .machine(membership.machine), withReadyMade: withReadyMade)
        }
        return document
    }

    /// The edits that bring this state, as an administrator sees it, to what a document says: the (level, section) pairs that it names
    /// become exactly that, and the rest stays.
    ///
    /// `certificates` and `authorities` are what the document's certificates and lists of authorities have become, by place; one that is
    /// not there stays as it is. The edits build on `committed`.
    package func edits(
        toward document: ClusterDocument, certificates: [CertificatePlace: JSONValue],
        authorities: [CertificatePlace: JSONValue] = [:], committed: ClusterState
    ) throws(Refusal) -> [Edit] {
        var edits: [Edit] = []
        for (level, sections) in document.settings.sorted(by: { $0.key < $1.key }) {
            let id = try layerID(of: level)
            for (name, entries) in sections.sorted(by: { $0.key < $1.key }) {
                var states: [String: EntryState] = [:]
                for (entry, content) in entries {
                    let taken = (name == .authorities ? authorities : certificates)[CertificatePlace(level, entry)]
                    switch content {
                    case .value(let value): states[entry] = .set(name == .authorities ? taken ?? value : value)
                    case .hidden: states[entry] = .hidden
                    case .certificate, .authorities: states[entry] = taken.map(EntryState.set) ?? layer(id)?[name, entry]?.state
                    }
                }
                let present = layer(id)?[name] ?? SectionLayer()
                for change in present.changes(to: states, in: name) {
                    edits.append(Edit(layer: id, section: name, entry: change.entry, change: change.change, in: committed))
                }
                let isIsolated = document.isolated[level]?.contains(name) ?? false
                if present.isIsolated != isIsolated {
                    edits.append(Edit(layer: id, section: name, entry: nil, change: isIsolated ? .isolate : .inherit, in: committed))
                }
            }
        }
        return edits
    }
}

extension SectionLayer {
    /// What makes these entries of those that are there: first what goes, then what comes or changes, each by name.
    fileprivate func changes(to states: [String: EntryState], in section: SectionName) -> [(entry: String, change: EntryChange)] {
        let gone = entries.keys.filter { name in
            // The ready-made certificate is not taken away.
            states[name] == nil && !(section == .certificates && name == CertificateSetting.demoName)
        }
        let changed = states.filter { entries[$0.key]?.state != $0.value }.sorted { $0.key < $1.key }
        return gone.sorted().map { ($0, .remove) } + changed.map { ($0.key, $0.value.value.map(EntryChange.set) ?? .hide) }
    }
}

extension ClusterDocument {
    fileprivate mutating func add(_ layer: Layer, at level: Level, withReadyMade: Bool) {
        for (name, content) in layer.sections {
            var entries: [String: DocumentEntry] = [:]
            for (entry, stored) in content.entries {
                if !withReadyMade, name == .certificates, entry == CertificateSetting.demoName { continue }
                switch stored.state {
                case .hidden: entries[entry] = .hidden
                case .set(let value): entries[entry] = name == .certificates ? .certificate(.masked(value)) : .value(value)
                }
            }
            guard content.isIsolated || !entries.isEmpty else { continue }
            settings[level, default: [:]][name] = entries
            if content.isIsolated { isolated[level, default: []].insert(name) }
        }
    }
}

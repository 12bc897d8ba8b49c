/// A layer, and of what its entries speak: read once for every machine below it.
struct LayerWords: Sendable {
    private(set) var layer = Layer()
    /// What each entry refers to; those that refer to nothing are left out.
    private(set) var references: [SectionName: [String: [Reference]]] = [:]
    /// The entries that refer to one, whether that is there or not.
    private(set) var speakers: [EntryKey: Set<EntryKey>] = [:]

    mutating func update(to new: Layer) -> LayerChange {
        let change = LayerChange(from: layer, to: new)
        layer = new
        for key in change.keys {
            for reference in references[key.section]?[key.name] ?? [] {
                speakers[EntryKey(reference.section, reference.name)]?.remove(key)
            }
            let value = new[key.section, key.name]?.state.value
            let now = value.map { Section.named(key.section)?.references($0) ?? [] } ?? []
            if now.isEmpty {
                references[key.section]?[key.name] = nil
            } else {
                references[key.section, default: [:]][key.name] = now
            }
            for reference in now { speakers[EntryKey(reference.section, reference.name), default: []].insert(key) }
        }
        return change
    }
}

/// What the levels above a machine, and its own, say and speak of.
struct MachineWords {
    let cluster: LayerWords
    let group: LayerWords
    let own: LayerWords

    var layers: LayerStack { LayerStack(own: own.layer, group: group.layer, cluster: cluster.layer) }

    func references(of key: EntryKey) -> [Reference] {
        let words: LayerWords? =
            switch layers.kind(of: key) {
            case .machine?: own
            case .group?: group
            case .cluster?: cluster
            case nil: nil
            }
        return words?.references[key.section]?[key.name] ?? []
    }

    func dangling(_ references: [Reference], in key: EntryKey) -> [ConfigurationFinding] {
        references.filter { layers.kind(of: EntryKey($0.section, $0.name)) == nil }.map { .dangling($0, in: "\(key.section)/\(key.name)") }
    }

    /// What to say of a section that this version does not know; nil when the machine has nothing in it.
    func unknown(_ section: SectionName) -> [ConfigurationFinding]? {
        layers.names(in: section).contains { layers.kind(of: EntryKey(section, $0)) != nil } ? [.unknown(section)] : nil
    }
}

/// What one level says about one entry.
package enum EntryState: Hashable, Sendable {
    /// It has this value here.
    case set(JSONValue)
    /// It does not exist from here down, whatever wider levels say.
    case hidden

    /// The value, unless the entry is hidden.
    package var value: JSONValue? {
        guard case .set(let value) = self else { return nil }
        return value
    }
}

/// An entry as a layer holds it: its state, and the revision that put it there.
package struct LayerEntry: Hashable, Sendable {
    package var state: EntryState
    /// The revision that set it; 0 for what a machine brought along when it joined.
    package var revision: Int

    package init(_ state: EntryState, revision: Int) {
        self.state = state
        self.revision = revision
    }
}

/// What one level says about one section.
package struct SectionLayer: Hashable, Sendable {
    /// Whether nothing is inherited from wider levels (ESA's whole-table override, as an explicit choice).
    package var isIsolated = false
    package var entries: [String: LayerEntry] = [:]

    package init() {}

    package var isEmpty: Bool { !isIsolated && entries.isEmpty }
}

/// The settings held at one level.
package struct Layer: Hashable, Sendable {
    package private(set) var sections: [SectionName: SectionLayer] = [:]

    package init() {}

    package var isEmpty: Bool { sections.isEmpty }

    package subscript(_ section: SectionName) -> SectionLayer {
        get { sections[section] ?? SectionLayer() }
        set { sections[section] = newValue.isEmpty ? nil : newValue }
    }

    /// What this level says about one entry; nil when it says nothing.
    package subscript(_ section: SectionName, _ entry: String) -> LayerEntry? {
        get { sections[section]?.entries[entry] }
        set {
            // In place: a section may hold thousands of entries, and a log thousands of such steps.
            sections[section, default: SectionLayer()].entries[entry] = newValue
            if sections[section]?.isEmpty == true { sections[section] = nil }
        }
    }
}

extension Layer {
    /// What this level says of some sections.
    func only(_ names: Set<SectionName>) -> Layer {
        var layer = Layer()
        for name in names { layer.sections[name] = sections[name] }
        return layer
    }

    /// Every entry that is set or hidden here, in a fixed order.
    package var allEntries: [(section: SectionName, name: String, entry: LayerEntry)] {
        sections.sorted { $0.key < $1.key }.flatMap { section, content in
            content.entries.sorted { $0.key < $1.key }.map { (section, $0.key, $0.value) }
        }
    }
}

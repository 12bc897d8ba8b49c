/// What somebody at a disconnected machine made of one entry.
package struct LocalEdit: Hashable, Sendable, Codable {
    /// Made at random with the edit; what is decided about it is said of this.
    package var id: String
    package var section: SectionName
    package var name: String
    /// The entry's value by this edit; nil when it takes the entry away.
    package var value: JSONValue?
    /// The digest of the entry when the edit began, as the cluster had given it; nil when there was none.
    package var base: Digest?
    package var time: Timestamp

    package init(id: String, section: SectionName, name: String, value: JSONValue?, base: Digest?, time: Timestamp) {
        self.id = id
        self.section = section
        self.name = name
        self.value = value
        self.base = base
        self.time = time
    }

    /// `listeners/public`.
    package var path: String { "\(section)/\(name)" }

    /// The digest of the entry by this edit; nil when there is none.
    package var digest: Digest? {
        value.map { EffectiveEntry.digest(section: section, name: name, bytes: $0.canonicalBytes) }
    }

    /// The edit with its value as this version writes it, so that what is taken and committed is the same. One that does not read stays.
    package var inNormalForm: LocalEdit {
        var edit = self
        guard let value, let kind = Section.named(section) else { return edit }
        do throws(SettingError) { edit.value = try kind.normalize(value, SettingPath(section.rawValue, name)) } catch { return self }
        return edit
    }

    /// Whether a configuration has the entry as the edit made it.
    package func holds(in configuration: EffectiveConfiguration) -> Bool { configuration[section, name]?.digest == digest }
}

/// What a manager knows of the edits of one machine that was disconnected.
package struct LocalEdits: Hashable, Sendable {
    /// As the machine last said, the earliest first.
    package var edits: [LocalEdit]
    /// Those that were given up, by their ids.
    package var dropped: Set<String>

    package init(edits: [LocalEdit] = [], dropped: Set<String> = []) {
        self.edits = edits
        self.dropped = dropped
    }

    /// The edits about which nothing is decided yet: neither given up, nor what the machine is to have anyway.
    package func undecided(for configuration: EffectiveConfiguration) -> [LocalEdit] {
        edits.filter { !dropped.contains($0.id) && !$0.holds(in: configuration) }
    }

    /// The ids of the others.
    package func settled(for configuration: EffectiveConfiguration) -> [String] {
        edits.filter { dropped.contains($0.id) || $0.holds(in: configuration) }.map(\.id)
    }
}

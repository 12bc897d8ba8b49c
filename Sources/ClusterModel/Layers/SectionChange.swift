/// What makes one section of an earlier one of the same name: a change of one entry of many is far smaller than the section.
package final class SectionChange: Sendable, Hashable {
    package let name: SectionName
    /// The digest of the section that the change makes.
    package let digest: Digest
    /// Entries that are new, have another value or come from elsewhere, sorted by name.
    package let entries: [EffectiveEntry]
    /// Names of entries that are gone, sorted.
    package let removed: [String]
    /// Whether other machines get the same.
    package let isShared: Bool

    package init(name: SectionName, digest: Digest, entries: [EffectiveEntry], removed: [String], isShared: Bool = true) {
        self.name = name
        self.digest = digest
        self.entries = entries.sorted { SectionChange.precedes($0.name, $1.name) }
        self.removed = removed.sorted(by: SectionChange.precedes)
        self.isShared = isShared
    }

    /// The change from one section to another; nil when the whole of the other is no larger.
    init?(from base: EffectiveSection, to section: EffectiveSection) {
        var changed: [EffectiveEntry] = []
        var removed: [String] = []
        var old = base.entries[...]
        for entry in section.entries {
            while let first = old.first, SectionChange.precedes(first.name, entry.name) {
                removed.append(first.name)
                old.removeFirst()
            }
            if let first = old.first, first.name == entry.name {
                old.removeFirst()
                if first.digest == entry.digest, first.origin == entry.origin { continue }
            }
            changed.append(entry)
        }
        removed += old.map(\.name)
        let size = changed.reduce(0) { $0 + $1.size } + removed.reduce(0) { $0 + $1.utf8.count }
        guard size < section.entries.reduce(0, { $0 + $1.size }) else { return nil }
        name = section.name
        digest = section.digest
        entries = changed
        self.removed = removed
        isShared = section.isShared
    }

    /// The section that the change makes of `base`; nil stands for a section that is not there.
    ///
    /// Refuses with `conflict` a change that names an entry twice, removes one that is not there, or makes another section than it says.
    package func applied(to base: EffectiveSection?) throws(Refusal) -> EffectiveSection {
        guard let base else { throw conflict("builds on a section that this machine does not have") }
        let section = EffectiveSection(name: name, sorted: try entries(from: base.entries))
        guard section.digest == digest else { throw conflict("makes \(section.digest.short) of it and not \(digest.short)") }
        return section
    }

    /// What the change makes of entries that are sorted by name, sorted too. What lies between changed entries is copied in one go.
    private func entries(from base: [EffectiveEntry]) throws(Refusal) -> [EffectiveEntry] {
        guard namesOnce else { throw conflict("names an entry twice") }
        var result: [EffectiveEntry] = []
        result.reserveCapacity(base.count + entries.count)
        var (rest, new, gone) = (base[...], entries[...], removed[...])
        while let name = [new.first?.name, gone.first].compactMap({ $0 }).min(by: SectionChange.precedes) {
            let index = SectionChange.index(of: name, in: rest)
            result += rest[..<index]
            rest = rest[index...]
            let isThere = rest.first?.name == name
            if isThere { rest.removeFirst() }
            if gone.first == name {
                guard isThere else { throw conflict("removes \(name), which is not there") }
                gone.removeFirst()
            } else {
                result.append(new.removeFirst())
            }
        }
        result += rest
        return result
    }

    /// Where the entry of this name is, or would be, among entries that are sorted by name.
    private static func index(of name: String, in entries: ArraySlice<EffectiveEntry>) -> Int {
        var (low, high) = (entries.startIndex, entries.endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if precedes(entries[middle].name, name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether no entry is named twice.
    package var namesOnce: Bool {
        Set(entries.map(\.name)).union(removed).count == entries.count + removed.count
    }

    package static func == (left: SectionChange, right: SectionChange) -> Bool {
        left === right
            || (left.name == right.name && left.digest == right.digest && left.removed == right.removed
                && left.entries.map(\.digest) == right.entries.map(\.digest))
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(digest)
    }

    private func conflict(_ problem: String) -> Refusal {
        Refusal(.conflict, "The update's change of the section \(name) \(problem).")
    }

    private static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}

extension EffectiveEntry {
    /// About what it takes to send.
    fileprivate var size: Int { name.utf8.count + bytes.count }
}

import ClusterModel
import FoundationEssentials
package import Replication

/// The sections that came over a connection whole, the newest of each name.
///
/// When one travels whole again, mostly not all of its entries are new: the others are taken as they were read before, if their
/// bytes are the same. The section's digest is computed anew in any case. Changes of a section are not followed here: that would
/// take longer than to read a few entries anew.
package struct KnownSections: Sendable {
    private var sections: [SectionName: EffectiveSection] = [:]

    package init() {}

    /// Takes in what an update brought.
    package mutating func remember(_ update: Update) {
        for name in update.removed { sections[name] = nil }
        for section in update.sections { sections[section.name] = section }
    }

    func reader(of section: SectionName) -> Reader { Reader(entries: sections[section]?.entries ?? []) }

    /// Walks along the entries that are known while those that arrive are read: both come sorted by name. What comes out of
    /// order is not found, and read like anything new.
    struct Reader {
        let entries: [EffectiveEntry]
        private var next = 0

        init(entries: [EffectiveEntry]) { self.entries = entries }

        mutating func entry(_ name: String, _ value: Data, _ origin: EffectiveEntry.Origin) -> EffectiveEntry? {
            while next < entries.count, entries[next].name.utf8.lexicographicallyPrecedes(name.utf8) { next += 1 }
            guard next < entries.count, entries[next].name == name, value.elementsEqual(entries[next].bytes) else { return nil }
            var entry = entries[next]
            entry.origin = origin
            entry.shadows = []
            return entry
        }
    }
}

/// One entry by its section and name: `listeners/public`.
package struct EntryName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var section: SectionName
    package var entry: String

    package init(_ section: SectionName, _ entry: String) {
        self.section = section
        self.entry = entry
    }

    package var description: String { "\(section)/\(entry)" }

    package static func < (left: EntryName, right: EntryName) -> Bool {
        if left.section != right.section { return left.section < right.section }
        return left.entry.utf8.lexicographicallyPrecedes(right.entry.utf8)
    }
}

/// One thing that a gateway has in force, held against what a configuration makes of it: a file, a service, what it keeps in memory.
package struct GatewayObservation: Hashable, Sendable {
    /// What was looked at, for people: a file's path, a service's name.
    package var subject: String
    /// The entries that it is made of, as far as they can be told apart; the one that people look at first comes first.
    package var entries: [EntryName]
    /// The digest of what it should be. What is digested is the gateway's to say: a file's bytes, a certificate.
    package var meant: Digest
    /// The same of what is there; nil for nothing.
    package var found: Digest?
    /// What is wrong where it is not as it should be, if the usual sentence would not do: `Postfix does not run`.
    package var remark: String?

    package init(subject: String, entries: [EntryName], meant: Digest, found: Digest?, remark: String? = nil) {
        self.subject = subject
        self.entries = entries
        self.meant = meant
        self.found = found
        self.remark = remark
    }

    /// What is wrong with it; nil when it is as it should be.
    package var objection: String? {
        guard found != meant else { return nil }
        if let remark { return remark }
        guard let found else { return "\(subject) is gone from the gateway" }
        return "\(subject) is another at the gateway (\(found.short)) than was put in force (\(meant.short))"
    }
}

extension IntendedService {
    /// The entries that make the service what it is.
    package var entries: [EntryName] {
        let name = host.split(separator: "/", maxSplits: 1).last.map(String.init) ?? ""
        let own: [EntryName] =
            if service.hasPrefix("listener/") {
                [EntryName(.listeners, name)]
            } else if service.hasPrefix("https/") {
                [EntryName(.interfaces, name)]
            } else {
                []
            }
        return own + [EntryName(.certificates, certificate)]
    }
}

extension EffectiveConfiguration {
    /// Every entry that one of two configurations has otherwise than the other, or alone.
    package func differences(from other: EffectiveConfiguration?) -> [EntryName] {
        func digests(_ configuration: EffectiveConfiguration?) -> [EntryName: Digest] {
            var digests: [EntryName: Digest] = [:]
            for section in configuration?.sections ?? [] {
                for entry in section.entries { digests[EntryName(section.name, entry.name)] = entry.digest }
            }
            return digests
        }
        guard digest != other?.digest else { return [] }
        let (ours, theirs) = (digests(self), digests(other))
        return Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }.sorted()
    }
}

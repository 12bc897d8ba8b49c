/// What a removal kept of a machine's layer, as the log has it: the content itself is sealed, beside the log (mission C6).
package struct ArchiveNote: Hashable, Sendable, Codable {
    /// SHA-256 of the content. It names the sealed blob and binds its seal.
    package var digest: Digest
    /// The machine's name at its removal.
    package var machine: String
    /// How many entries a restore puts back.
    package var entries: Int

    package init(digest: Digest, machine: String, entries: Int) {
        self.digest = digest
        self.machine = machine
        self.entries = entries
    }
}

/// An archive was given up.
package struct ArchiveForgotten: Hashable, Sendable, Codable {
    package var digest: Digest
    package var machine: String

    package init(digest: Digest, machine: String) {
        self.digest = digest
        self.machine = machine
    }
}

/// The layer of a machine that was removed, kept until somebody forgets it.
package struct Archive: Hashable, Sendable {
    package var note: ArchiveNote
    /// The group that the machine was in.
    package var group: GroupID
    package var time: Timestamp
    package var author: String

    /// What people call it by.
    package var id: String { note.digest.short }
}

extension ClusterState {
    /// Keeps what a removal archived.
    mutating func fold(_ note: ArchiveNote, group: GroupID, time: Timestamp, author: String) throws(Refusal) {
        guard archives.count < Limits.archives else {
            throw Refusal(
                .limit,
                "There are already \(Limits.archives) archives. Look at them with muster machine archives, and give some up: muster machine forget ARCHIVE"
            )
        }
        archives[note.digest] = Archive(note: note, group: group, time: time, author: author)
    }

    mutating func fold(_ event: ArchiveForgotten) throws(Refusal) {
        guard archives.removeValue(forKey: event.digest) != nil else {
            throw Refusal(.notFound, "The archive \(event.digest.short) was forgotten already.")
        }
    }

    /// Every archive, the newest first.
    package var allArchives: [Archive] {
        archives.values.sorted { ($1.time, $1.note.digest) < ($0.time, $0.note.digest) }
    }

    /// The archive of an id, or of enough of its first digits.
    package func archive(_ id: String) throws(Refusal) -> Archive {
        let found = id.isEmpty ? [] : allArchives.filter { $0.note.digest.hex.hasPrefix(id.lowercased()) }
        guard let archive = found.first else {
            throw Refusal(.notFound, "There is no archive \"\(id.prefix(Limits.nameLength))\". List them with: muster machine archives")
        }
        guard found.count == 1 else {
            throw Refusal(.invalid, "\"\(id)\" begins the names of \(found.count) archives. Give more digits: muster machine archives")
        }
        return archive
    }

    /// The newest archive of a machine that had this name when it was removed.
    package func archive(ofMachine name: String) throws(Refusal) -> Archive {
        if let newest = allArchives.first(where: { $0.note.machine == name }) { return newest }
        throw Refusal(
            .notFound,
            "There is no archive of a machine \"\(name.prefix(Limits.nameLength))\". List what there is with muster machine archives; "
                + "if it had another name then, restore with --from OLDNAME.")
    }
}

package import ClusterModel

/// What a removed machine's level said, kept until somebody restores or forgets it.
package struct ArchiveView: Hashable, Sendable, Codable {
    /// The first digits of the digest of what is kept.
    package var id: String
    /// The machine's name when it was removed.
    package var machine: String
    package var time: Timestamp
    package var by: String
    /// How many entries a restore puts back.
    package var entries: Int

    package init(id: String, machine: String, time: Timestamp, by: String, entries: Int) {
        self.id = id
        self.machine = machine
        self.time = time
        self.by = by
        self.entries = entries
    }
}

/// What a removal took away, and what it kept. Written as the loss, with `archive` beside its fields.
package struct MachineRemoval: Hashable, Sendable, Codable {
    package var loss: LossReport
    /// Null without an archive: none was asked for, or there was nothing to keep.
    package var archive: ArchiveView?

    package init(loss: LossReport, archive: ArchiveView? = nil) {
        self.loss = loss
        self.archive = archive
    }

    private enum Key: String, CodingKey { case archive }

    package init(from decoder: any Decoder) throws {
        loss = try LossReport(from: decoder)
        archive = try decoder.container(keyedBy: Key.self).decodeIfPresent(ArchiveView.self, forKey: .archive)
    }

    package func encode(to encoder: any Encoder) throws {
        try loss.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(archive, forKey: .archive)
    }
}

/// Asks to put an archived level back at a machine, as edits.
package struct RestoreRequest: Hashable, Sendable, Codable {
    /// The archive's id, or enough of its first digits; without it, the newest of the machine.
    package var archive: String?
    /// The name that the machine had when it was removed, if it has another one today.
    package var from: String?

    package init(archive: String? = nil, from: String? = nil) {
        self.archive = archive
        self.from = from
    }
}

/// What a restore did: every entry of the archive, and what became of it.
package struct RestoreView: Hashable, Sendable, Codable {
    package var machine: String
    package var archive: ArchiveView
    package var entries: [RestoredEntry]
    /// How many uncommitted edits the caller has now.
    package var uncommitted: Int
    /// What people should know of what was not put back.
    package var notices: [String]

    package init(machine: String, archive: ArchiveView, entries: [RestoredEntry], uncommitted: Int, notices: [String] = []) {
        self.machine = machine
        self.archive = archive
        self.entries = entries
        self.uncommitted = uncommitted
        self.notices = notices
    }
}

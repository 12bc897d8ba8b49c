/// The newest place of a cluster's log that a manager told a member of. The member keeps it, and shows it at its next hello.
///
/// By it a manager that was put back to an older backup is recognized: it lacks the entry, and the seal says that a manager of this
/// cluster had it.
package struct Sighting: Hashable, Sendable, Codable {
    /// How often the cluster went on from an older backup. Whatever is of a greater epoch is newer.
    package var epoch: Int
    package var head: LogHead
    /// Made by the manager with a key that no member has, so that none can make up an entry and have the manager taken for an old one.
    package var seal: Digest

    package init(epoch: Int, head: LogHead, seal: Digest) {
        self.epoch = epoch
        self.head = head
        self.seal = seal
    }

    /// What a member has seen before it heard of any.
    package static let none = Sighting(epoch: 0, head: .empty, seal: Digest(hashing: []))

    /// Whether it may come after what was seen: newer, or the same.
    package func mayFollow(_ seen: Sighting) -> Bool {
        guard epoch == seen.epoch else { return epoch > seen.epoch }
        return head.position > seen.head.position || head == seen.head
    }

    /// What the seal is made over.
    package func sealedBytes(clusterID: String) -> [UInt8] {
        var builder = DigestBuilder(tag: "muster sighting 1")
        builder.add(clusterID)
        builder.add("\(epoch)")
        builder.add("\(head.position)")
        builder.add(head.hash.bytes)
        return builder.finish().bytes
    }
}

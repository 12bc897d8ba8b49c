package import ClusterModel

/// Takes a log's entries in order and lets none pass that is not as it was written.
///
/// Each error is `corrupt`, names the position, tells what is wrong there as far as that can be told, and how to repair it. What no
/// verifier sees is a log whose newest entries are missing: members do, who state the newest entry they know.
package struct LogVerifier: Sendable {
    /// The newest entry that was verified.
    package private(set) var head: LogHead
    private let key: LogKey

    /// Bits by which a seal may be off to be called damaged: another key's is off by 128 or so.
    private static let damagedBits = 16

    /// Begins behind `head`: the empty log, or a place that was verified before.
    package init(key: LogKey, after head: LogHead = .empty) {
        self.key = key
        self.head = head
    }

    /// Verifies the next entry; after an error the verifier stays where it was.
    package mutating func verify(_ stored: StoredEntry) throws(LogError) -> LogEntry {
        let next = head.position + 1
        if stored.position > next {
            let missing = stored.position == next + 1 ? "is missing" : "and those up to \(stored.position - 1) are missing"
            throw corrupt("\(missing): the next one stored is \(stored.position)")
        }
        guard stored.position == next else {
            throw corrupt("was to come next, but entry \(stored.position) comes again: entries were put in another order")
        }
        guard stored.bytes.count <= Limits.eventBytes else {
            throw corrupt("has \(stored.bytes.count) bytes, and no manager writes more than \(Limits.eventBytes)")
        }
        let sealed = key.accepts(stored.seal, over: stored.bytes)
        let entry: LogEntry
        do throws(JSONError) {
            entry = try LogEntry(canonical: stored.bytes)
        } catch {
            throw corrupt(sealed ? "was sealed in a form that this version does not read (\(error))" : "is damaged (\(error))")
        }
        guard sealed else { throw corrupt(unsealed(stored)) }
        guard entry.position == next else {
            throw corrupt("holds what was written as entry \(entry.position): entries were removed, or put in another order")
        }
        guard entry.previous == head.hash else {
            throw corrupt("was written to follow another entry than the one before it: it comes from another history of this cluster")
        }
        head = stored.head
        return entry
    }

    /// What is wrong with a well-formed entry that its seal does not fit.
    private func unsealed(_ stored: StoredEntry) -> String {
        let off = zip(stored.seal.bytes, key.seal(stored.bytes).bytes).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        guard off > LogVerifier.damagedBits else { return "has a damaged seal: \(off) of its 256 bits are wrong" }
        let text = "was not sealed by this cluster: it was altered, or forged by someone who writes the database without its key"
        return stored.position == 1 ? text + ", or the master key in use is another cluster's" : text
    }

    private func corrupt(_ what: String) -> LogError {
        LogError(.corrupt, "Entry \(head.position + 1) of the log \(what). \(LogError.repair)")
    }
}

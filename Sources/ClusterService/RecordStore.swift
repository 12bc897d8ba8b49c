import ClusterLog
import ClusterModel
import FoundationEssentials
import Logging
import Synchronization

/// Keeps what members said across restarts: held in memory, written in batches.
final class RecordStore: Sendable {
    private let log: any ClusterLog
    private let waiting = Mutex<[MembershipID: MachineRecord]>([:])
    private static let prefix = "record/"

    init(log: any ClusterLog) {
        self.log = log
    }

    /// Takes a record to be written with the next batch.
    func keep(_ record: MachineRecord, of membership: MembershipID) {
        waiting.withLock { $0[membership] = record }
    }

    func load() async throws(Refusal) -> [MembershipID: MachineRecord] {
        do throws(LogError) {
            var records: [MembershipID: MachineRecord] = [:]
            for (key, bytes, _) in try await log.values(prefix: RecordStore.prefix) {
                // A record that does not read is one that was not kept: the member says it again.
                records[MembershipID(rawValue: String(key.dropFirst(RecordStore.prefix.count)))] =
                    try? JSONValue(parsing: bytes).decode(MachineRecord.self)
            }
            return records
        } catch {
            throw Refusal(error)
        }
    }

    func flush(_ logger: Logger) async {
        let batch = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
        for (membership, record) in batch {
            let key = RecordStore.prefix + membership.rawValue
            do {
                let version = try await log.value(key)?.version ?? 0
                _ = try await log.setValue(key, Array(try JSONEncoder().encode(record)), expecting: version)
            } catch {
                logger.error("a member's status was not written", metadata: ["membership": "\(membership)", "reason": "\(error)"])
            }
        }
    }
}

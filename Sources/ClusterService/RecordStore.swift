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

    /// Writes what waits, many records in one step: a thousand receipts of one commit are not a thousand syncs of the disk.
    func flush(_ logger: Logger) async {
        var batch = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
        while !batch.isEmpty {
            var values: [String: [UInt8]] = [:]
            let tried = Array(batch.prefix(LogRules.batch))
            for (membership, record) in tried {
                batch[membership] = nil
                do {
                    values[RecordStore.prefix + membership.rawValue] = Array(try JSONEncoder().encode(record))
                } catch {
                    logger.error("a member's status cannot be written down", metadata: ["membership": "\(membership)"])
                }
            }
            do {
                try await log.setValues(values)
            } catch {
                logger.error("what members said was not written", metadata: ["members": "\(values.count)", "reason": "\(error)"])
                // It goes with the next batch, unless the member has said something newer by then.
                waiting.withLock { waiting in
                    for (membership, record) in tried { waiting[membership] = waiting[membership] ?? record }
                }
            }
        }
    }
}

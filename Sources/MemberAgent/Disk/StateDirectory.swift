package import ClusterModel
import Replication

/// A machine's disk: what it is, its identity, its generations, what it has seen.
///
/// ```
/// machine.json           what the machine is by itself; never from the wire
/// identity/              key.pem, certificate.pem, trust.pem, membership.json; absent when standalone
/// joining.json           the key of a join that has not come to its end
/// generations/000007/    settings.json, keys/<fingerprint>.pem, chains/<digest>.pem
/// current                a link to the generation in force, switched in one step
/// apart.json             that it is disconnected from its cluster on purpose; absent when it never was
/// seen.json, status.json the newest log entry heard of; the agent's word on itself
/// lock                   held by the running agent
/// ```
/// Every change is written aside, flushed, and put in place by one rename, so that a crash leaves the old or the new,
/// whole. Names beginning with `.` are leftovers of a change that did not finish. Changes of several processes take turns.
package struct StateDirectory: Sendable {
    let disk: Disk

    package var path: String { disk.root }

    /// The directory at a path, whatever is in it.
    package init(path: String, faults: any DiskFaults = NoDiskFaults()) {
        disk = Disk(root: path, faults: faults)
    }

    /// Whether a machine lives here.
    package var hasMachine: Bool { disk.exists("machine.json") }

    // MARK: - One at a time

    /// The right to run the agent here, until the result is let go. Refuses a second agent.
    package func lockForRunning() throws(Refusal) -> RunningLock {
        guard let lock = try exclusively({ () throws(Refusal) in try DirectoryLock.attempt(disk.absolute("lock")) }) else {
            throw Refusal(
                .inUse, "Another agent runs with the state directory \(path). Stop it first, or give this one a directory of its own.")
        }
        return RunningLock(lock: lock)
    }

    /// Held by the running agent.
    package struct RunningLock: Sendable {
        fileprivate let lock: DirectoryLock
    }

    /// Whether no agent runs here. To be asked exclusively: it holds the lock for a moment, which a starting agent must not meet.
    var isIdle: Bool {
        get throws(Refusal) { try DirectoryLock.attempt(disk.absolute("lock")) != nil }
    }

    /// Whether an agent runs here now. Without one, the status is that of the last one.
    package func hasRunningAgent() throws(Refusal) -> Bool {
        try !exclusively { () throws(Refusal) in try isIdle }
    }

    /// Makes changes while nobody else does. Not to be nested.
    func exclusively<Result>(_ body: () throws(Refusal) -> Result) throws(Refusal) -> Result {
        let lock = try DirectoryLock.wait(path)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    /// Removes what changes that did not finish have left.
    package func clearLeftovers() throws(Refusal) {
        try exclusively { () throws(Refusal) in try removeLeftovers() }
    }

    func removeLeftovers() throws(Refusal) {
        if disk.exists("identity") { try disk.remove(StateDirectory.joining) }
        for folder in ["", "generations", "identity"] {
            for name in try disk.list(folder) where name.hasPrefix(".") {
                try disk.remove(folder.isEmpty ? name : "\(folder)/\(name)")
            }
        }
    }

    // MARK: - Small files

    /// What the machine is by itself.
    package func machine() throws(Refusal) -> Machine {
        guard let machine = try read("machine.json", as: Machine.self) else {
            throw Refusal(.notFound, "There is no machine in \(path). Make one: muster agent init --state-dir \(path)")
        }
        return machine
    }

    /// What this machine has heard from managers.
    func memory() throws(Refusal) -> Follower.Memory {
        try read("seen.json", as: Follower.Memory.self) ?? Follower.Memory()
    }

    func remember(_ memory: Follower.Memory) throws(Refusal) {
        try exclusively { () throws(Refusal) in try write(memory, to: "seen.json") }
    }

    /// The agent's last word on itself; nil before its first.
    package func status() throws(Refusal) -> AgentStatus? {
        try read("status.json", as: AgentStatus.self)
    }

    func write(_ status: AgentStatus) throws(Refusal) {
        try exclusively { () throws(Refusal) in try write(status, to: "status.json") }
    }

    func read<Value: Decodable>(_ name: String, as type: Value.Type) throws(Refusal) -> Value? {
        guard let bytes = try disk.read(name, limit: Limits.frameBytes) else { return nil }
        do {
            return try JSONValue(parsing: bytes).decode(type)
        } catch {
            throw Refusal(.unreadable, "\(disk.absolute(name)) cannot be read: \(error). Restore it from a backup.")
        }
    }

    func write(_ value: some Encodable, to name: String) throws(Refusal) {
        try disk.replace(name, with: try StateDirectory.json(value))
    }

    static func json(_ value: some Encodable) throws(Refusal) -> [UInt8] {
        do {
            return try JSONValue(encoding: value).canonicalBytes
        } catch {
            throw Refusal(.invalid, "A value cannot be written as JSON: \(error)")
        }
    }
}

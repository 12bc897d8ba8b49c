/// A manager and its members, each in a process of its own.
struct RunningCluster {
    let options: Options
    let name: String
    private(set) var manager: Child
    let members: Child
    /// KiB of the manager before anybody connected.
    let memoryBefore: Double

    init(_ options: Options, machines: Int) async throws {
        self.options = options
        name = try await options.fixture(machines)
        manager = try Child("manager", options.scratch, name, "0")
        members = try Child("members", options.scratch, name)
        try await options.settle()
        memoryBefore = try manager.ask("memory").number("kib")
    }

    /// Connects members and waits until all are synced.
    func connect(_ count: Int) async throws {
        try manager.ask("expect \(count)")
        try members.ask("start 0 \(count)")
        try manager.ask("synced")
        try await options.settle()
    }

    /// Every member that is connected must be synced by the manager's own judgement, or the figures mean nothing.
    @discardableResult
    func check(_ count: Int) throws -> Double {
        let views = try manager.ask("views")
        guard try views.number("synced") == Double(count) else { throw BenchmarkError("\(views) where \(count) should be synced") }
        return try views.number("seconds")
    }

    /// The manager crashes and starts again. Answers seconds of the shared clock: when it was killed, and when it was ready.
    mutating func restartManager(expecting count: Int) throws -> (killed: Double, ready: Double) {
        let killed = Machine.seconds()
        manager.kill()
        manager = try Child("manager", options.scratch, name, "\(count)")
        return (killed, Machine.seconds())
    }

    func end() {
        members.kill()
        manager.kill()
    }
}

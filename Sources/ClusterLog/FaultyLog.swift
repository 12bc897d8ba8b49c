package import ClusterModel
import Synchronization

/// A log that fails when it is told to, around one that works: what tests and the simulation put under a service.
///
/// Calls that are not to fail go through untouched. Following and closing never fail.
package final class FaultyLog: ClusterLog {
    /// What can fail.
    package enum Call: String, Hashable, Sendable, CaseIterable {
        case head, append, entries, putBlob, blob, blobNames, deleteBlob, value, setValue, setValues, values
    }

    /// One failure to come.
    package struct Fault: Sendable {
        package enum Moment: Hashable, Sendable, CaseIterable {
            /// Nothing happens.
            case before
            /// The log does it, and the caller does not hear so: a crash, or a lost answer.
            case after
        }

        /// Which calls are counted; nil counts them all.
        package var call: Call?
        /// Which one fails, counted from 1 since the fault was given.
        package var number: Int
        package var moment: Moment
        package var error: LogError
        /// Whether all behind it fail, too: a disk that stays full.
        package var lasting: Bool

        package init(
            _ call: Call? = nil, number: Int = 1, moment: Moment = .before,
            error: LogError = LogError(.unavailable, "The disk failed, as it was told to."), lasting: Bool = false
        ) {
            self.call = call
            self.number = number
            self.moment = moment
            self.error = error
            self.lasting = lasting
        }
    }

    private let log: any ClusterLog
    private let state: Mutex<State>
    private let onFault: @Sendable (Fault) -> Void

    private struct State {
        var faults: [Fault]
        var calls: [Call: Int] = [:]

        /// Counts a call and finds the fault that it meets, the first one given if there are several.
        mutating func meet(_ call: Call) -> Fault? {
            calls[call, default: 0] += 1
            var met: Fault?
            for index in faults.indices where faults[index].call == nil || faults[index].call == call {
                faults[index].number -= 1
                let due = faults[index].lasting ? faults[index].number <= 0 : faults[index].number == 0
                if due, met == nil { met = faults[index] }
            }
            return met
        }
    }

    /// `onFault` is called with each failure when it comes, before the caller hears of it: there a test ends the process instead.
    package init(wrapping log: any ClusterLog, failing faults: [Fault] = [], onFault: @escaping @Sendable (Fault) -> Void = { _ in }) {
        self.log = log
        self.onFault = onFault
        state = Mutex(State(faults: faults))
    }

    /// Adds a failure, counted from now on.
    package func fail(_ fault: Fault) {
        state.withLock { $0.faults.append(fault) }
    }

    /// Takes back all failures: the disk works again.
    package func heal() {
        state.withLock { $0.faults = [] }
    }

    /// How often something was called, failed calls included.
    package func count(of call: Call) -> Int {
        state.withLock { $0.calls[call] ?? 0 }
    }

    package func head() async throws(LogError) -> LogHead {
        try await run(.head) { () async throws(LogError) in try await log.head() }
    }

    package func append(_ entry: StoredEntry, after: LogHead) async throws(LogError) {
        try await run(.append) { () async throws(LogError) in try await log.append(entry, after: after) }
    }

    package func entries(after position: Int, limit: Int) async throws(LogError) -> [StoredEntry] {
        try await run(.entries) { () async throws(LogError) in try await log.entries(after: position, limit: limit) }
    }

    package func follow() async -> AsyncStream<LogHead> { await log.follow() }

    package func putBlob(_ name: String, _ bytes: [UInt8]) async throws(LogError) {
        try await run(.putBlob) { () async throws(LogError) in try await log.putBlob(name, bytes) }
    }

    package func blob(_ name: String) async throws(LogError) -> [UInt8]? {
        try await run(.blob) { () async throws(LogError) in try await log.blob(name) }
    }

    package func blobNames(prefix: String) async throws(LogError) -> [String] {
        try await run(.blobNames) { () async throws(LogError) in try await log.blobNames(prefix: prefix) }
    }

    package func deleteBlob(_ name: String) async throws(LogError) {
        try await run(.deleteBlob) { () async throws(LogError) in try await log.deleteBlob(name) }
    }

    package func value(_ key: String) async throws(LogError) -> (bytes: [UInt8], version: Int)? {
        try await run(.value) { () async throws(LogError) in try await log.value(key) }
    }

    @discardableResult
    package func setValue(_ key: String, _ bytes: [UInt8]?, expecting version: Int) async throws(LogError) -> Int {
        try await run(.setValue) { () async throws(LogError) in try await log.setValue(key, bytes, expecting: version) }
    }

    package func setValues(_ values: [String: [UInt8]]) async throws(LogError) {
        try await run(.setValues) { () async throws(LogError) in try await log.setValues(values) }
    }

    package func values(prefix: String) async throws(LogError) -> [(key: String, bytes: [UInt8], version: Int)] {
        try await run(.values) { () async throws(LogError) in try await log.values(prefix: prefix) }
    }

    package func close() async { await log.close() }

    private func run<Answer>(_ call: Call, _ body: () async throws(LogError) -> Answer) async throws(LogError) -> Answer {
        let fault = state.withLock { $0.meet(call) }
        if let fault, fault.moment == .before { throw failed(fault) }
        let answer = try await body()
        if let fault { throw failed(fault) }
        return answer
    }

    private func failed(_ fault: Fault) -> LogError {
        onFault(fault)
        return fault.error
    }
}

import Synchronization

/// What was last found against a state: all that come from one log share it, and the next is decided from there.
///
/// It changes how long an answer takes, and not the answer.
final class FindingsMemory: Sendable {
    private let last = Mutex(FleetFindings())

    func findings(of state: ClusterState) -> [(machine: String, finding: ConfigurationFinding)] {
        // Outside of the lock: two who ask at once do it twice, and nobody waits.
        var findings = last.withLock { $0 }
        findings.update(to: state)
        let done = findings
        last.withLock { $0 = done }
        return done.list
    }
}

import ClusterLog
import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Replication

/// What the wiring hands concrete types through, so that a test can kill the process at a named moment (`Failpoint`).
///
/// In a release build each answers what it was given.
enum Failpoints {
    #if DEBUG
        static func log(_ log: some ClusterLog) -> any ClusterLog {
            guard let failpoint = Failpoint.present, failpoint.subject.hasPrefix("log:"),
                let call = FaultyLog.Call(rawValue: String(failpoint.subject.dropFirst("log:".count)))
            else { return log }
            let moment: FaultyLog.Fault.Moment = failpoint.moment == .before ? .before : .after
            return FaultyLog(wrapping: log, failing: [.init(call, number: failpoint.number, moment: moment)]) { _ in Failpoint.die() }
        }

        static func members(_ port: some MemberPort) -> any MemberPort { Failpoint.present == nil ? port : WatchedPort(port: port) }

        static var disk: any DiskFaults { Failpoint.present == nil ? NoDiskFaults() : WatchedDisk() }

        static func gateway(_ gateway: some Gateway) -> any Gateway {
            if let file = ProcessInfo.processInfo.environment[TakenOverGateway.variable] {
                return TakenOverGateway(gateway: gateway, file: file)
            }
            return Failpoint.present == nil ? gateway : WatchedGateway(gateway: gateway)
        }

        /// How often an agent looks by itself at what it put in force: every `MUSTER_LOOK_SECONDS`, if that is set.
        static var looks: ClosedRange<Int> {
            guard let text = ProcessInfo.processInfo.environment["MUSTER_LOOK_SECONDS"], let seconds = Int(text), seconds > 0 else {
                return Limits.lookSeconds
            }
            return seconds...seconds
        }

        /// Tells that a command has taken a step.
        static func took(_ subject: String) { Failpoint.meet(subject, .after) }

        static func connector(_ connector: some ManagerConnector) -> any ManagerConnector {
            Failpoint.present == nil ? connector : WatchedConnector(connector: connector)
        }

        /// What an agent says that it understands: all, but for the sections that `MUSTER_PRETEND_UNKNOWN` names, with commas between.
        static var knowledge: AgentKnowledge {
            var knowledge = AgentKnowledge.ofThisAgent
            let names = ProcessInfo.processInfo.environment["MUSTER_PRETEND_UNKNOWN"] ?? ""
            for name in names.split(separator: ",") { knowledge.sections[SectionName(rawValue: String(name))] = nil }
            return knowledge
        }
    #else
        static func log<Log: ClusterLog>(_ log: Log) -> Log { log }
        static func members<Port: MemberPort>(_ port: Port) -> Port { port }
        static var disk: NoDiskFaults { NoDiskFaults() }
        static func gateway<Driven: Gateway>(_ gateway: Driven) -> Driven { gateway }
        static var looks: ClosedRange<Int> { Limits.lookSeconds }
        static func took(_ subject: String) {}
        static func connector<Connector: ManagerConnector>(_ connector: Connector) -> Connector { connector }
        static var knowledge: AgentKnowledge { .ofThisAgent }
    #endif
}

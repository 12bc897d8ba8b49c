#if DEBUG
    import ClusterLog
    import FoundationEssentials
    import Glibc
    import Synchronization

    /// The moment at which a test has this process killed, as by `kill -9`. In debug builds only; a release build has none of it.
    ///
    /// The environment variable `MUSTER_KILL_AT` names one moment; `N` counts from 1, from the start of the process:
    ///
    /// | name | the process dies |
    /// | --- | --- |
    /// | `disk:N` | just before the N-th step that changes the state directory (`DiskStep`) |
    /// | `apply:N:before`, `apply:N:after` | before the agent asks its gateway to apply, or when the gateway has |
    /// | `send:MESSAGE:N:before`, `…:after` | before a message is sent, or when it is on its way |
    /// | `renew:N:after` | when `cert renew` has done the N-th thing that changes something, or has seen the proof |
    /// | `log:CALL:N:before`, `…:after` | before the manager's log does something, or when it has and nobody heard |
    ///
    /// `MESSAGE` is `hello`, `receipt`, `inventory` or `join` of an agent, and `welcome`, `update`, `question`, `ended`, `refused` or
    /// `joined` of a manager;
    /// `CALL` is one of the log's calls: `append`, `putBlob`, `setValue`, `deleteBlob`, and those that read.
    struct Failpoint: Sendable {
        enum Moment: String, Sendable {
            case before
            case after
        }

        /// What is counted: the name without its number and moment.
        var subject: String
        var number: Int
        var moment: Moment

        static let variable = "MUSTER_KILL_AT"

        /// The one that this process was given. A name that is none ends it: a test that kills nothing proves nothing.
        static let present: Failpoint? = {
            guard let text = ProcessInfo.processInfo.environment[variable] else { return nil }
            guard let failpoint = Failpoint(parsing: text) else {
                Output.error("\(variable) is \"\(text)\", and that names no moment. Write disk:N or SUBJECT:N:before or SUBJECT:N:after.")
                exit(64)
            }
            return failpoint
        }()

        init?(parsing text: String) {
            var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            moment = parts.last.flatMap(Moment.init) ?? .before
            if Moment(rawValue: parts.last ?? "") != nil { parts.removeLast() }
            guard let number = parts.popLast().flatMap(Int.init), number > 0 else { return nil }
            self.number = number
            subject = parts.joined(separator: ":")
            guard Failpoint.subjects.contains(subject), subject != "disk" || moment == .before else { return nil }
        }

        private static let subjects = Set(
            ["disk", "apply", "renew"] + FaultyLog.Call.allCases.map { "log:\($0)" }
                + ["hello", "receipt", "inventory", "join", "welcome", "update", "question", "ended", "refused", "joined"].map {
                    "send:\($0)"
                })

        // MARK: - Dying

        private static let met = Mutex(0)

        /// Tells that a moment has come; kills the process if it is the one.
        static func meet(_ subject: String, _ moment: Moment) {
            if isMet(subject, moment) { die() }
        }

        /// Counts a moment. Whether it is the one.
        static func isMet(_ subject: String, _ moment: Moment) -> Bool {
            guard let present, present.subject == subject, present.moment == moment else { return false }
            return met.withLock { met in
                met += 1
                return met == present.number
            }
        }

        static func die() -> Never {
            kill(getpid(), SIGKILL)
            // The signal is on its way, and nothing may happen meanwhile.
            while true { pause() }
        }
    }
#endif

import AdminClient
import AdminContract
import ArgumentParser
import Glibc

/// `--wait` and `--timeout`, and the waiting itself.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Wait until every connected machine has proved the change. Exit status 1 if one rejects it or the time runs out.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait: 30s, 5m.", valueName: "time"))
    var timeout = TimeSpan(seconds: 120)

    /// The pause between two looks at the fleet, at first and at most.
    private static let pauses = (first: Duration.milliseconds(50), longest: Duration.seconds(1))

    /// Looks at the fleet until every machine has an outcome or the time is up; says what happens meanwhile.
    func waited(_ client: AdminClient, for roster: [String], showing: Bool, style: Style) async throws -> CommitWait {
        var wait = CommitWait(roster: roster)
        try await WaitOptions.poll(client, timeout: timeout, showing: showing) { machines, isLast in
            say(wait.observe(machines), showing, style)
            if wait.waiting.isEmpty { return nil }
            guard isLast else { return wait.progress }
            say(wait.giveUp(machines), showing, style)
            return nil
        }
        return wait
    }

    /// Looks at the fleet again and again, ever more slowly, until there is nothing left to wait for or the time is up.
    ///
    /// `look` is told the fleet and whether this is the last time; it answers what is waited for, to be shown on a terminal, or nil to end.
    static func poll(
        _ client: AdminClient, timeout: TimeSpan, showing: Bool, _ look: (_ machines: [MachineView], _ isLast: Bool) throws -> String?
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(timeout.seconds)
        var pause = WaitOptions.pauses.first
        let isLive = showing && isatty(STDERR_FILENO) == 1
        while true {
            let machines = try await client.status().machines
            if isLive { Output.progress("\r\u{1B}[K") }
            guard let text = try look(machines, clock.now >= deadline) else { return }
            if isLive { Output.progress(text) }
            try await clock.sleep(for: min(pause, max(.zero, deadline - clock.now)))
            pause = min(pause * 2, WaitOptions.pauses.longest)
        }
    }

    private func say(_ news: [(machine: String, outcome: CommitWait.Outcome)], _ showing: Bool, _ style: Style) {
        guard showing else { return }
        for (machine, outcome) in news { Output.line(outcome.text(machine, style)) }
    }
}

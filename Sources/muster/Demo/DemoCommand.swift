import ArgumentParser
import ClusterModel
import Glibc
import UnixSignals

/// `muster demo`: a whole cluster on this machine, so that one can see what Muster does before believing it.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Bring up a whole cluster on this machine and watch it work.",
        discussion: """
            Starts a manager and some gateways as separate processes in a temporary directory, joins them by invitation,
            commits settings, changes a certificate, overrides it on one machine, removes that machine and lets it return.
            After each step it connects to every gateway and shows the certificate that was seen. It needs no root, touches
            nothing outside the temporary directory and the loopback network, and cleans up, also when it is interrupted.

              muster demo
              muster demo --machines 5 --keep

            With --gateway postfix, every machine runs a Postfix of its own, with its configuration, queue and log in the
            temporary directory: what is in /etc/postfix is not touched. That needs root, and the package postfix.

              sudo muster demo --gateway postfix
            """)

    @Option(help: ArgumentHelp("How many gateways, 2 to 9.", valueName: "n"))
    var machines = 3

    @Option(help: "What the gateways run.")
    var gateway = DemoGateway.embedded

    @Flag(help: "Leave the cluster running at the end, and say how to talk to it.")
    var keep = false

    func validate() throws {
        guard (2...9).contains(machines) else { throw ValidationError("--machines takes 2 to 9.") }
    }

    func run() async throws {
        let cluster = try await exiting { try DemoCluster(machines: machines, gateway: gateway) }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        // When nobody reads what it says any more, it goes on to its end, and cleans up.
        _ = signal(SIGPIPE, SIG_IGN)
        // Caught to the end: whoever is impatient while everything is being ended leaves nothing behind either.
        defer { withExtendedLifetime(signals) {} }
        var failure: (any Error)?
        do {
            try await tell(cluster, until: signals)
        } catch {
            failure = error
        }
        if keep, failure == nil {
            cluster.explain()
            return
        }
        if let interruption = failure as? Interruption {
            Output.error("\nInterrupted: ending what was started.")
            await cluster.tearDown(keepingFiles: false)
            throw ExitCode(128 + interruption.signal.rawValue)
        }
        await cluster.tearDown(keepingFiles: failure != nil)
        if let failure {
            Output.error("\(failure)")
            Output.error("The demo stopped there. Its files, with each process's log, are in \(cluster.directory).")
            throw ExitCode.failure
        }
        Output.line("Everything was ended, and \(cluster.directory) is gone.")
    }

    /// Somebody wants the demo to end.
    private struct Interruption: Error {
        var signal: UnixSignal
    }

    /// Tells the story to its end, or until a signal comes.
    private func tell(_ cluster: DemoCluster, until signals: UnixSignalsSequence) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(name: "demo/story") { try await DemoStory(cluster: cluster).tell() }
            group.addTask(name: "demo/signals") {
                for await signal in signals { throw Interruption(signal: signal) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

import ArgumentParser
import ClusterModel

/// `muster demo`: a whole cluster on this machine, so that one can see what Muster does before believing it.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Bring up a whole cluster on this machine and watch it work.",
        discussion: """
            Starts a manager and some gateways as separate processes in a temporary directory, joins them by invitation,
            commits settings, changes a certificate, overrides it on one machine, removes that machine and lets it return.
            After each step it connects to every gateway and shows the certificate that was seen. It needs no root, touches
            nothing outside the temporary directory and the loopback network, and cleans up.

              muster demo
              muster demo --machines 5 --keep
            """)

    @Option(help: ArgumentHelp("How many gateways, 2 to 9.", valueName: "n"))
    var machines = 3

    @Option(help: "What the gateways run: embedded.")
    var gateway = "embedded"

    @Flag(help: "Leave the cluster running at the end, and say how to talk to it.")
    var keep = false

    func validate() throws {
        guard (2...9).contains(machines) else { throw ValidationError("--machines takes 2 to 9.") }
        guard gateway == "embedded" else { throw ValidationError("--gateway takes embedded.") }
    }

    func run() async throws {
        let cluster = try DemoCluster(machines: machines)
        var failure: (any Error)?
        do {
            try await DemoStory(cluster: cluster).tell()
        } catch {
            failure = error
        }
        if keep, failure == nil {
            cluster.explain()
            return
        }
        await cluster.tearDown(keepingFiles: failure != nil)
        if let failure {
            Output.error("\(failure)")
            Output.error("The demo stopped there. Its files, with each process's log, are in \(cluster.directory).")
            throw ExitCode.failure
        }
    }
}

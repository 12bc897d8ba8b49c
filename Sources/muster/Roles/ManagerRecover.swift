import ArgumentParser
import ClusterLogSQLite
import ClusterModel
import ClusterService

/// `muster manager recover`
struct ManagerRecover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Go on from an older backup, and give up what came after it.",
        discussion: """
            For a manager that was restored from a backup which is older than what its machines have seen. Stop it first. A new
            epoch begins: machines take its settings again, whatever they have seen. Open invitations are closed. Machines that
            joined after the backup have to leave (muster agent leave) and join again; machines that were removed after it have to
            be removed again.

              muster manager recover --data-dir /var/lib/muster
            """)

    @OptionGroup var place: ManagerPlace

    func run() async throws {
        try await exiting {
            let directory = place.directory
            _ = try directory.settings()
            let master = try directory.masterKey()
            let log = try SQLiteLog(path: directory.database, create: false)
            let (before, after) = try await ManagerRecovery.recover(log: log, master: master, now: systemClock)
            await log.close()
            Output.line(
                "The cluster \"\(after.cluster)\" goes on after entry \(before.head.position), revision \(before.revision), as epoch \(after.epoch)."
            )
            Output.line("What its machines have seen beyond that is given up, and open invitations are closed.")
            Output.line("Next: muster manager run --data-dir \(place.dataDir)")
        }
    }
}

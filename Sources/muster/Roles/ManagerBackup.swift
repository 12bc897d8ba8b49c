import ArgumentParser
import ClusterLogSQLite
import ClusterModel
import ClusterService

/// `muster manager backup`
struct ManagerBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy everything that a manager keeps into one file, while it runs.",
        discussion: """
            The file holds the log, the sealed keys, certificate chains and uncommitted changes as they stand at one moment, and is
            checked before it gets its name. The master key is not in it: keep a copy of that apart.

              muster manager backup /srv/backup/muster-2026-11-24 --data-dir /var/lib/muster
            """)

    @Argument(help: "The file to make. It must not be there yet.")
    var file: String

    @OptionGroup var place: ManagerPlace
    @OptionGroup var rendering: RenderingOptions

    /// What the command did.
    struct Made: Encodable {
        var file: String
        var cluster: String
        var position: Int
        var revision: Int
        var machines: Int
    }

    func run() async throws {
        let made = try await exiting { try await make() }
        try rendering.renderer.show(made) { style in
            """
            \(style.paint("Made the backup \(made.file)", .good)) of the cluster \(made.cluster): entry \(made.position) of the log, revision \(made.revision), \(made.machines) machines.
            The master key \(place.directory.keyPath) is not in it: without that key the backup does not open.
            """
        }
    }

    private func make() async throws -> Made {
        let directory = place.directory
        let (settings, master) = (try directory.settings(), try directory.masterKey())
        let note = try BackupNote(made: systemClock(), settings: settings).sealed(by: master)
        do {
            try SQLiteBackup.begin(directory.database, to: file)
            let report = try await ManagerVerify.look(at: SQLiteBackup.unfinished(file), key: directory)
            guard report.isSound else {
                throw Refusal(
                    .unreadable, "What this manager keeps is not as it was written, so no backup was made. Restore an earlier one.",
                    details: report.problems)
            }
            try SQLiteBackup.finish(file, note: .init(bytes: note.bytes, seal: note.seal))
            return Made(
                file: file, cluster: report.cluster, position: report.position, revision: report.revision, machines: report.machines)
        } catch {
            // Whatever went wrong is the news; a leftover has another name than a backup.
            try? SQLiteBackup.remove(SQLiteBackup.unfinished(file))
            throw error
        }
    }
}

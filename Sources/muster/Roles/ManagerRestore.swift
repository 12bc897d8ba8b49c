import AdminClient
import ArgumentParser
import ClusterLogSQLite
import ClusterModel
import ClusterService

/// `muster manager restore`
struct ManagerRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a manager from a backup.",
        discussion: """
            Puts the manager of the backup into an empty data directory, checks all of it, and writes a new profile for an
            administrator (DIR/admin.profile.json, good for 24 hours). The master key that was in use has to be there: DIR.key, or
            --master-key.

            Machines tell the manager what they have seen. If that is more than the backup holds, the manager sends nothing to
            anybody and says so in "muster status", until it is recovered.

              muster manager restore /srv/backup/muster-2026-11-24 --data-dir /var/lib/muster
            """)

    @Argument(help: "The backup.")
    var file: String

    @OptionGroup var place: ManagerPlace

    @Option(help: ArgumentHelp("Whose profile to write.", valueName: "user"))
    var admin = "admin"

    func run() async throws {
        try await exiting {
            let (settings, report) = try await restore()
            Output.line(
                "Restored the cluster \"\(settings.cluster)\" into \(place.dataDir): entry \(report.position) of the log, revision \(report.revision), \(report.machines) machines."
            )
            Output.line("Next: muster manager run --data-dir \(place.dataDir)")
            Output.line("Then: export MUSTER_PROFILE=\(place.directory.profile)")
            Output.line("If machines have seen more than this backup holds, muster status says so, and what to do.")
        }
    }

    private func restore() async throws -> (ManagerDirectory.Settings, ManagerVerification.Report) {
        let directory = place.directory
        // Before anything is put there: a second attempt wants an empty directory.
        _ = try NameRule.plain.check(admin, as: "The administrator's name")
        let master = try directory.masterKey()
        let note = try SQLiteBackup.note(in: file)
        let settings = try BackupNote(bytes: note.bytes, seal: note.seal, master: master).settings
        try directory.prepare()
        try SQLiteBackup.unpack(file, to: directory.database)
        let report = try await ManagerVerify.look(at: SQLiteBackup.unfinished(directory.database), key: directory)
        guard report.isSound else {
            try SQLiteBackup.remove(SQLiteBackup.unfinished(directory.database))
            throw Refusal(
                .unreadable, "The backup is not as it was written; nothing was restored. Use an earlier one.", details: report.problems)
        }
        try SQLiteBackup.install(directory.database)
        let log = try SQLiteLog(path: directory.database, create: false)
        let (token, state) = try await ManagerRecovery.token(for: admin, log: log, master: master, now: systemClock)
        await log.close()
        let profile = Profile(url: "https://\(settings.adminListen)", ca: Rotation.pem(try state.rotationOrRefusal().trusted), token: token)
        try PrivateFile.write(Array(try profile.fileContent.utf8), to: directory.profile)
        // Last: this is what makes the directory a manager's.
        try directory.save(settings)
        return (settings, report)
    }
}

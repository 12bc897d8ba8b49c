import ArgumentParser
import ClusterLog
import ClusterLogSQLite
import ClusterModel
import ClusterService

/// `muster manager verify`
struct ManagerVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check everything that a manager keeps, without changing it.",
        discussion: """
            Reads the whole log and checks every hash and seal, that the state follows from it, that each key opens with the master
            key, and that each certificate chain is there. A manager may be running meanwhile. Exit status 1 when anything is wrong.

              muster manager verify --data-dir /var/lib/muster
            """)

    @OptionGroup var place: ManagerPlace
    @OptionGroup var rendering: RenderingOptions

    func run() async throws {
        let report = try await exiting { try await ManagerVerify.look(at: place.directory.database, key: place.directory) }
        try rendering.renderer.show(report) { ManagerVerify.text(report, $0) }
        if !report.isSound { throw ExitCode.failure }
    }

    /// Checks a database under the master key of a directory.
    static func look(at database: String, key directory: ManagerDirectory) async throws -> ManagerVerification.Report {
        let master = try directory.masterKey()
        let log = try SQLiteLog(reading: database)
        let damages = try await log.damages()
        var report = try await ManagerVerification(log: log, master: master).verify()
        report.problems = damages.map { "The database \(database) is damaged: \($0). \(LogError.repair)" } + report.problems
        await log.close()
        return report
    }

    private static func text(_ report: ManagerVerification.Report, _ style: Style) -> String {
        let facts = Facts([
            ("cluster", .init(report.cluster)), ("entries", .init("\(report.position), the newest \(report.hash.short)")),
            ("epoch", .init(report.epoch == 0 ? "" : "\(report.epoch)")), ("revision", .init("\(report.revision)")),
            ("machines", .init("\(report.machines)")), ("keys", .init("\(report.keys) opened")), ("chains", .init("\(report.chains) read")),
        ]).text(style)
        let verdict =
            report.isSound
            ? style.paint("All is as it was written.", .good)
            : style.paint("Not all is as it was written:", .bad) + "\n"
                + report.problems.map { "- \($0.printable())" }.joined(separator: "\n")
        return facts + "\n\n" + verdict
    }
}

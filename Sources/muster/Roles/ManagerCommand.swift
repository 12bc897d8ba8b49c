import AdminClient
import ArgumentParser
import Certificates
import ClusterLogSQLite
import ClusterModel
import ClusterService

/// `muster manager`: make and run the process that keeps the log and drives the members.
struct ManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manager", abstract: "Make and run a cluster's manager.",
        discussion: """
            The manager keeps the cluster's log, drives its members, and answers administrators.

              muster manager init --name acme-mail --data-dir /var/lib/muster
              muster manager run --data-dir /var/lib/muster
            """,
        subcommands: [
            ManagerInit.self, ManagerRun.self, ManagerVerify.self, ManagerBackup.self, ManagerRestore.self, ManagerRecover.self,
        ])
}

/// Where a manager's data and its master key are.
struct ManagerPlace: ParsableArguments {
    @Option(help: ArgumentHelp("The manager's data directory; made with mode 0700.", valueName: "dir"))
    var dataDir: String

    @Option(help: ArgumentHelp("The master key's file. Keep a copy of it apart from backups. (default: DIR.key)", valueName: "file"))
    var masterKey: String?

    var directory: ManagerDirectory { ManagerDirectory(path: dataDir, keyPath: masterKey) }
}

/// `muster manager init`
struct ManagerInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a new cluster with its first manager.",
        discussion: """
            Makes the cluster's certificate authority, its master key, the group "main", and a profile for the first
            administrator (DIR/admin.profile.json, good for 24 hours). Nothing runs yet.

              muster manager init --name acme-mail --data-dir /var/lib/muster --advertise mx-manager.example.com:8461

            With --from, the cluster's first settings are those of a standalone machine, with the keys of its certificates: all but
            its network settings become the cluster's. The machine is left as it is, and joins like any other.

              muster manager init --name acme-mail --data-dir /var/lib/muster --from /var/lib/muster-agent
            """)

    @Option(help: "The cluster's name.")
    var name: String

    @OptionGroup var place: ManagerPlace

    @Option(help: ArgumentHelp("Where administrators connect. Port 0 picks a free one, once.", valueName: "host:port"))
    var adminListen = "127.0.0.1:8460"

    @Option(help: ArgumentHelp("Where members connect. Port 0 picks a free one, once.", valueName: "host:port"))
    var memberListen = "127.0.0.1:8461"

    @Option(help: ArgumentHelp("Where members reach this manager, as invitations carry it. May be repeated.", valueName: "host:port"))
    var advertise: [String] = []

    @Option(help: ArgumentHelp("The first administrator's name.", valueName: "user"))
    var admin = "admin"

    @Option(help: ArgumentHelp("Begin with the settings of the standalone machine in this state directory.", valueName: "state-dir"))
    var from: String?

    func run() async throws {
        try await exiting {
            for place in [adminListen, memberListen] + advertise { _ = try Endpoint(parsing: place) }
            let now = systemClock
            let directory = place.directory
            let master = MasterKey.generate()
            var generator = SystemRandomNumberGenerator()
            let manager = String(randomIdentifier(using: &generator).prefix(12))
            _ = try NameRule.plain.check(name, as: "The cluster's name")
            let settings = try from.map { try FoundingSettings(ofMachineIn: $0) }
            try directory.create(
                .init(manager: manager, cluster: name, adminListen: adminListen, memberListen: memberListen, advertise: advertise),
                key: master)
            let log = try SQLiteLog(path: directory.database)
            let made = try await ManagerFoundation(cluster: name, manager: manager, user: admin, settings: settings)
                .lay(in: log, master: master, now: now)
            await log.close()
            let profile = Profile(url: "https://\(adminListen)", ca: made.authorityPEM, token: made.token)
            try PrivateFile.write(Array(try profile.fileContent.utf8), to: directory.profile)
            Output.line("Made the cluster \"\(name)\" in \(place.dataDir), with the group \"\(ManagerFoundation.firstGroup)\".")
            Output.line("Its master key is \(directory.keyPath): without it nothing sealed opens. Keep a copy apart from backups.")
            if let settings { Output.line(settings.text) }
            Output.line("Next: muster manager run --data-dir \(place.dataDir)")
            Output.line("Then: export MUSTER_PROFILE=\(directory.profile)")
            if let settings, let from {
                Output.line(
                    "And let \(settings.machine) in, which takes its settings from the cluster then: muster invite --machine \(settings.machine) | "
                        + "muster agent join - --state-dir \(from) --accept-loss")
            }
        }
    }
}

/// `muster manager run`
struct ManagerRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a manager until it is told to stop.",
        discussion: """
            Prints one line when it is ready, and ends cleanly on SIGTERM. Its log goes to standard error.

              muster manager run --data-dir /var/lib/muster
            """)

    @OptionGroup var place: ManagerPlace

    func run() async throws {
        try await exiting { try await ManagerWiring(directory: place.directory).run() }
    }
}

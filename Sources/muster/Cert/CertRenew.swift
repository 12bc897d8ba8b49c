import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert renew`
struct CertRenew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Renew a certificate on the whole fleet: add the new one, re-point, prove, retire the old one.",
        discussion: """
            Makes or takes in the new certificate (unless it is there), lets every setting that names the old one name the new one, \
            commits that, waits until every machine was seen to serve it, and with --retire takes the old one away. Run the \
            same command again to go on where it stopped: what is done is found out from the cluster.

              muster cert renew mail --common-name mail.example.com --days 398
              muster cert renew mail --with mail-2027 --pkcs12 new.p12 \\
                  --password-file new.pw --retire
              muster cert renew mail --with mail-2027 --retire

            With the old certificate still there, services can be pointed back at it. Where that is not wanted, renew in place, \
            under the same name, and nothing has to be re-pointed:

              muster cert csr mail > mail.csr
              muster cert upload mail mail.crt
              muster cert import mail --pkcs12 new.p12 --password-file new.pw
            """)

    @Argument(help: "The certificate to renew.")
    var name: String

    @Option(help: ArgumentHelp("The new certificate's name. (default: the old one's with the year)", valueName: "name"))
    var with: String?

    @Option(help: ArgumentHelp("Make the new one self-signed, for this host name.", valueName: "host"))
    var commonName: String?

    @OptionGroup var subject: SubjectOptions
    @OptionGroup var files: IdentityFileOptions

    @Option(help: ArgumentHelp("A PEM file with the private key.", valueName: "file"))
    var keyFile: String?

    @Flag(help: "Take the old certificate away when every machine was seen to serve the new one.")
    var retire = false

    @Flag(help: "Go on although there are errors among the new certificate's findings.")
    var force = false

    @Flag(help: "Go on although machines with a certificate of the old name of their own get the new one.")
    var includeOverrides = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Why, for the history.", valueName: "text"))
    var message: String?

    @Option(help: ArgumentHelp("How long to wait for the machines: 30s, 5m.", valueName: "time"))
    var timeout = TimeSpan(seconds: 120)

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard [commonName, files.pkcs12, files.pem].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("Choose one: --common-name HOST, --pkcs12 FILE, or --pem FILE with --key-file FILE.")
        }
        guard (files.pem == nil) == (keyFile == nil) else { throw ValidationError("--pem and --key-file go together.") }
        guard commonName != nil || subject.san.isEmpty else { throw ValidationError("--san goes with --common-name.") }
    }

    func run() async throws {
        let (isDone, complaint) = try await manager.withManager { client in
            var walk = RenewalWalk(command: self, client: client)
            try await walk.run()
            if !manager.isForPeople { try manager.renderer.show(walk.result) { _ in "" } }
            return (walk.isDone, walk.complaint)
        }
        if !isDone {
            Output.error("Error: \(complaint)".printable(keepingLines: true))
            throw ExitCode.failure
        }
    }

    /// The command that goes on from wherever this one stopped.
    func resumption(_ view: RenewalView, retire: Bool) -> String {
        "muster cert renew \(view.old) --with \(view.new)\(view.level.options)"
            + (force ? " --force" : "") + (includeOverrides ? " --include-overrides" : "") + (retire ? " --retire" : "")
    }
}

import AdminContract
import ArgumentParser
import ClusterModel

/// The noun `tls-profile`.
enum TLSProfileNoun: SectionNoun {
    static let noun = "tls-profile"
    static let section = SectionName.tlsProfiles
    typealias Target = NamedEntry
    static let example = "inbound"
    static var columns: [(heading: String, text: (JSONValue) -> String)] {
        [
            (
                "VERSIONS",
                { "\($0.field("minimumVersion", standard: "tls1.2")) to \($0.field("maximumVersion", standard: "tls1.3"))" }
            ),
            ("CIPHERS", { $0.field("ciphers", standard: "the gateway's") }),
            ("CIPHER SUITES", { ($0["cipherSuites"]?.items ?? []).isEmpty ? "the gateway's" : $0.words("cipherSuites") }),
        ]
    }
}

/// `muster tls-profile`
struct TLSProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls-profile", abstract: "Versions and ciphers of TLS, for each direction or by name.",
        discussion: """
            The profiles called inbound, outbound and https apply by themselves: to listeners, to delivery, to the HTTPS of \
            interfaces. A listener, an interface or delivery may name another one.

              muster tls-profile set inbound --minimum tls1.2 \\
                  --ciphers 'ECDHE+AESGCM:!aNULL'
              muster listener set public --tls-profile legacy
            """,
        subcommands: [
            NounList<TLSProfileNoun>.self, NounShow<TLSProfileNoun>.self, TLSProfileSet.self, NounUnset<TLSProfileNoun>.self,
        ],
        aliases: ["sslconfig"])
}

/// `muster tls-profile set`
struct TLSProfileSet: NounSet {
    typealias Noun = TLSProfileNoun

    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set fields of a TLS profile; those not named stay as they are at this level.",
        discussion: """
            Versions are tls1.0, tls1.1, tls1.2 and tls1.3. Ciphers are for versions up to tls1.2, cipher suites for tls1.3. A \
            machine whose gateway cannot keep a profile rejects it with the reason, and goes on as before.

              muster tls-profile set inbound --minimum tls1.2 \\
                  --ciphers 'ECDHE+AESGCM:!aNULL'
              muster tls-profile set https --minimum tls1.3
              muster tls-profile set legacy --minimum tls1.0 --machine mx1
              muster tls-profile set inbound --clear ciphers
            """)

    @OptionGroup var target: NamedEntry

    @Option(help: ArgumentHelp("The oldest version.", valueName: "version"))
    var minimum: TLSProfileSetting.Version?

    @Option(help: ArgumentHelp("The newest version.", valueName: "version"))
    var maximum: TLSProfileSetting.Version?

    @Option(help: ArgumentHelp("The ciphers up to tls1.2, as an OpenSSL cipher list.", valueName: "list"))
    var ciphers: String?

    @Option(
        name: .customLong("cipher-suite"),
        help: ArgumentHelp("A cipher suite of tls1.3. May be repeated, the preferred first; replaces the list.", valueName: "name"))
    var cipherSuites: [TLSProfileSetting.CipherSuite] = []

    @OptionGroup var clearing: ClearOptions
    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    var fields: FieldPatch {
        var fields = FieldPatch()
        fields.set("minimumVersion", minimum?.rawValue)
        fields.set("maximumVersion", maximum?.rawValue)
        fields.set("ciphers", ciphers)
        fields.set("cipherSuites", cipherSuites.map { .string($0.rawValue) })
        return fields
    }
}

extension TLSProfileSetting.Version: ExpressibleByArgument {}
extension TLSProfileSetting.CipherSuite: ExpressibleByArgument {}

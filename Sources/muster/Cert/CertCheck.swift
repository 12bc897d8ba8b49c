import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert check`
struct CertCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Find what is wrong with one certificate, or with what every machine serves.",
        discussion: """
            Looks at the chain (order, gaps, stale or duplicate intermediates), dates, strength, purpose, and whether it covers the host
            names by which clients reach its services. Without a name, every service of every machine is held against what it was seen
            to serve. Exit status 1 when there is an error among the findings.

              muster cert check mail
              muster cert check
            """)

    @Argument(help: "The certificate's name; left out for all that is served.")
    var name: String?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard name != nil || place.named == nil else { throw ValidationError("A level goes with a certificate's name.") }
    }

    func run() async throws {
        let hasErrors = if let name { try await check(name) } else { try await checkServices() }
        if hasErrors { throw ExitCode.failure }
    }

    private func check(_ name: String) async throws -> Bool {
        let certificate = try await manager.withManager { try await $0.certificate(name, at: place.level) }
        try manager.renderer.show(certificate) { style in
            guard certificate.findings.isEmpty else { return certificate.findings.text(style) }
            return style.paint("Nothing is wrong with \"\(name)\" at \(place.level)", .good)
                + ": \(certificate.subject.printable()), until \(certificate.notAfter.day)."
        }
        return certificate.findings.hasErrors
    }

    private func checkServices() async throws -> Bool {
        let checks = try await manager.withManager { try await $0.checkCertificates() }
        try manager.renderer.show(list: checks, whenEmpty: "No machine has a service with a certificate.") { style in
            let table = Table(
                ["MACHINE", "SERVICE", "CERTIFICATE", "LEVEL", "SHOULD SERVE", "SEEN", "FINDINGS"],
                cells: checks.map { check in
                    [
                        .init(check.machine), .init(check.service), .init(check.certificate), .init(check.level.description),
                        .init(check.fingerprint.short),
                        .init(check.served?.short ?? (check.unprovable == nil ? "nothing" : "not to be seen")),
                        .init(check.findings.codes, check.findings.hasErrors ? .bad : .plain),
                    ]
                }
            ).text(style)
            var seen: Set<String> = []
            let all = checks.flatMap(\.findings).filter { seen.insert($0.text).inserted }
            return [table, all.text(style)].filter { !$0.isEmpty }.joined(separator: "\n\n")
        }
        return checks.contains { $0.findings.hasErrors }
    }
}

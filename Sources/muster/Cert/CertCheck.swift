import AdminClient
import AdminContract
import ArgumentParser
import ClusterModel

/// `muster cert check`
struct CertCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Find what is wrong with one certificate, or with what every machine serves.",
        discussion: """
            Looks at the chain (order, gaps, stale or duplicate intermediates), dates, strength, purpose, and whether it covers the host \
            names by which clients reach its services. Without a name, every service of every machine is held against what it was seen \
            to serve. For a domain, the manager asks DNS for its MX hosts, and each is held against the host names of the machines' \
            interfaces and against the certificates of their public listeners: the three must agree before a sender can verify whom it \
            reaches, and the answer says which does not. Exit status 1 when there is an error among the findings.

              muster cert check mail
              muster cert check
              muster cert check --domain example.com
            """)

    @Argument(help: "The certificate's name; left out for all that is served.")
    var name: String?

    @Option(help: ArgumentHelp("Check whether senders to this domain can verify whom they reach.", valueName: "domain"))
    var domain: String?

    @Option(
        help: ArgumentHelp(
            "The DNS server that the manager asks: an address; with a port on a loopback address only. (default: the system's)",
            valueName: "address"))
    var resolver: String?

    @OptionGroup var place: LevelOptions
    @OptionGroup var manager: ManagerOptions

    func validate() throws {
        guard name != nil || place.named == nil else { throw ValidationError("A level goes with a certificate's name.") }
        guard name == nil || domain == nil else { throw ValidationError("Give a certificate's name or --domain, not both.") }
        guard resolver == nil || domain != nil else { throw ValidationError("--resolver goes with --domain.") }
        do throws(Refusal) {
            if let domain { _ = try MailExchangers.check(domain: domain) }
            if let resolver { _ = try NameServer(parsing: resolver) }
        } catch {
            throw ValidationError(error.reason)
        }
    }

    func run() async throws {
        let hasErrors =
            if let name { try await check(name) } else if let domain { try await checkDomain(domain) } else { try await checkServices() }
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

    private func checkDomain(_ domain: String) async throws -> Bool {
        let request = MailExchangeRequest(domain: domain, resolver: resolver)
        let exchange = try await manager.withManager { try await $0.checkMailExchange(request) }
        try manager.renderer.show(exchange) { exchange.text($0) }
        return exchange.allFindings.hasErrors
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

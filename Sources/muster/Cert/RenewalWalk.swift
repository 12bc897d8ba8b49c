import AdminClient
import AdminContract
import ClusterModel

/// Renews a certificate step by step. Before each step the manager is asked how far the renewal has come, so the walk begins anywhere;
/// nothing is remembered here.
struct RenewalWalk {
    let command: CertRenew
    let client: AdminClient
    private(set) var result = RenewalResult()
    /// Why it is not done, and how to go on.
    private(set) var complaint = ""

    init(command: CertRenew, client: AdminClient) {
        self.command = command
        self.client = client
    }

    private var style: Style { command.manager.renderer.style }

    mutating func run() async throws {
        try await look()
        try check()
        try await add()
        try await repoint()
        try await prove()
        try await retire()
        result.resume = isDone ? nil : resumption
    }

    /// Whether all that was asked for is done.
    var isDone: Bool { view.step == .done || (view.step == .retire && !command.retire) }

    private var view: RenewalView { result.view }
    private var resumption: String { command.resumption(view, retire: command.retire) }
    private var query: RenewalQuery { RenewalQuery(level: command.place.level, old: command.name, new: result.new ?? command.with) }

    /// Asks how far it has come.
    private mutating func look() async throws {
        result.take(try await client.renewal(query))
    }

    /// Refuses what stands against the renewal, before anything is changed.
    private func check() throws(Refusal) {
        let commits = view.step == .add || view.step == .repoint || (view.step != .done && command.retire)
        if commits, !view.foreign.isEmpty {
            throw Refusal(
                .conflict,
                "Nothing was done: you have other uncommitted changes, which a commit would take along. Commit or discard them first: muster changes",
                details: view.foreign)
        }
        guard view.step == .add || view.step == .repoint else { return }
        if !view.obstacles.isEmpty {
            throw Refusal(.wouldBreak, "\"\(view.old)\" at \(view.level) cannot be renewed this way.", details: view.obstacles)
        }
        if !view.overriding.isEmpty, !command.includeOverrides {
            throw Refusal(
                .wouldBreak,
                "Nothing was done: these machines have a certificate \"\(view.old)\" of their own, and would serve \"\(view.new)\" of \(view.level) instead. Go on with --include-overrides; or renew theirs, too, and this one, in place: muster cert import.",
                details: view.overriding)
        }
    }

    // MARK: - Add

    private mutating func add() async throws {
        if view.step == .add {
            let made = try await make()
            Failpoints.took("renew")
            say("add", made.sentence(command.commonName == nil ? "Imported" : "Made", reminding: false))
            try await look()
        } else {
            try await compare()
            say("add", "\"\(view.new)\" is there (\(view.newFingerprint?.short ?? "")).")
        }
        guard view.step == .repoint else { return }
        let errors = view.findings.filter { $0.severity == .error }
        guard errors.isEmpty || command.force else {
            throw Refusal(
                .wouldBreak,
                "\"\(view.new)\" is not put to use, because of errors. It waits among your uncommitted changes or is committed already. Go on with --force, or give another: muster cert import, or muster discard certificates/\(view.new)\(view.level.options).",
                details: errors.map { "\($0.code): \($0.text) \($0.cure)" })
        }
        if !view.findings.isEmpty { say(view.findings.text(style)) }
    }

    private func make() async throws -> CertificateView {
        if let commonName = command.commonName {
            return try await client.createCertificate(
                CertificateCreation(
                    level: view.level, name: view.new, request: command.subject.request(commonName: commonName), replace: false))
        }
        guard let request = try command.files.request(at: view.level, name: view.new, key: command.keyFile) else {
            throw Refusal(
                .notFound,
                "There is no certificate \"\(view.new)\" at \(view.level). Make it with the same command: --common-name HOST, or --pkcs12 FILE, or --pem FILE with --key-file FILE."
            )
        }
        return try await client.importCertificate(request)
    }

    /// Where the new certificate is there already, and the command says which it should be, the two must be one.
    private func compare() async throws {
        let isSame: Bool
        if let commonName = command.commonName {
            let set = try await client.show(SettingsQuery(level: view.level, section: .certificates, entry: view.new)).first
            // A value that does not read is another.
            isSame = (try? CertificateSetting(set?.value ?? .null))?.request == command.subject.request(commonName: commonName)
        } else if let request = try command.files.request(at: view.level, name: view.new, key: command.keyFile) {
            isSame = try request.fingerprint() == view.newFingerprint
        } else {
            isSame = true
        }
        guard isSame else {
            throw Refusal(
                .exists,
                "There is another certificate \"\(view.new)\" at \(view.level) already. Choose another name with --with, or leave out how to make one to use it."
            )
        }
    }

    // MARK: - Re-point

    private mutating func repoint() async throws {
        guard view.step == .repoint else { return say("re-point", "Nothing names \"\(view.old)\" of \(view.level) any more.") }
        result.entries = view.entries
        say(
            "re-point",
            view.entries.isEmpty ? "Nothing names \"\(view.old)\" of \(view.level)." : "\"\(view.old)\" becomes \"\(view.new)\":")
        if !view.entries.isEmpty { say(RenewalText.table(view.entries, style).indented) }
        if !view.left.isEmpty {
            say(
                "\"\(view.old)\" at \(view.left.map(\.description).joined(separator: ", ")) is another certificate, and is left alone."
                    .indented)
        }
        let edits = view.entries.filter { !$0.submitted }.map(\.edit)
        if !edits.isEmpty {
            _ = try await client.edit(edits)
            Failpoints.took("renew")
        }
        try await commit(command.message ?? "Renew the certificate \(view.old) with \(view.new)")
    }

    /// Commits what waits, if it is all the renewal's.
    private mutating func commit(_ comment: String) async throws {
        try await look()
        try check()
        let changeSet = try await client.changes().first?.changeSet
        let commit = try await client.commit(CommitRequest(comment: comment, changeSet: changeSet))
        Failpoints.took("renew")
        if let revision = commit.revision {
            result.revisions.append(revision)
            let count = commit.machines.count
            say(
                "Committed revision \(revision). It changes \(count == 0 ? "no machine" : count == 1 ? "1 machine" : "\(count) machines")."
                    .indented)
        }
        try await look()
    }

    // MARK: - Prove

    private mutating func prove() async throws {
        if view.step == .repoint { complaint = "The settings changed meanwhile, and name \"\(view.old)\" again. Go on with: \(resumption)" }
        guard let fingerprint = view.newFingerprint, view.step == .prove || view.step == .retire else { return }
        say(
            "prove",
            view.proof.machines.isEmpty && view.step == .retire
                ? "No service uses \"\(view.new)\"." : "Each service is asked what it serves:")
        if view.step == .prove {
            let certificate = view.new
            try await WaitOptions.poll(client, timeout: command.timeout, showing: command.manager.isForPeople) { machines, isLast in
                let proof = RenewalProof(of: machines, certificate: certificate, fingerprint: fingerprint)
                let waiting = proof.machines.count { $0.state == .waiting }
                return isLast || waiting == 0 ? nil : "Waiting for \(waiting) of \(proof.machines.count) machines ..."
            }
            try await look()
        }
        for machine in view.proof.machines { say(RenewalText.line(machine, style).indented) }
        Failpoints.took("renew")
        guard view.step == .prove else { return }
        complaint = """
            "\(view.old)" is not retired: \(view.proof.missing.isEmpty ? "the fleet changed meanwhile" : "not every machine was seen to serve \"\(view.new)\"").
            \(view.proof.missing.map { "  - \(RenewalText.line($0, .plain))" }.joined(separator: "\n"))
            When that is mended, go on with: \(resumption)
            """
    }

    // MARK: - Retire

    private mutating func retire() async throws {
        switch view.step {
        case .done: say("retire", "\"\(view.old)\" is gone.")
        case .retire where !command.retire:
            say(
                "retire",
                "\"\(view.old)\" is still there, and nothing uses it. Take it away with: \(command.resumption(view, retire: true))")
        case .retire:
            try check()
            let isSubmitted = try await client.changes().contains {
                $0.level == view.level && $0.section == .certificates && $0.entry == view.old && $0.change == "remove"
            }
            if !isSubmitted {
                _ = try await client.deleteCertificate(view.old, at: view.level)
                Failpoints.took("renew")
            }
            say("retire", "Nothing uses \"\(view.old)\": it is taken away.")
            try await commit("Retire the certificate \(view.old), renewed with \(view.new)")
            if view.step != .done {
                complaint = "\"\(view.old)\" is still there: the fleet changed meanwhile. Go on with: \(resumption)"
            }
        case .add, .repoint, .prove: break
        }
    }

    // MARK: - Saying

    private func say(_ step: String, _ text: String) {
        say("\(style.paint(step, .heading)): \(text)")
    }

    private func say(_ text: String) {
        if command.manager.isForPeople { Output.line(text) }
    }
}

import Certificates
import ClusterModel

extension PostfixAdoption {
    /// The name of the certificate that a service shows; nil without one, or with a problem reported.
    mutating func certificate(
        for user: String, _ parameters: [String: String], side: String, of service: PostfixInstallation.Service? = nil
    ) -> String? {
        understood.formUnion(["chain_files", "cert_file", "key_file", "eccert_file", "eckey_file"].map { "\(side)_tls_\($0)" })
        let found = identities(parameters, side: side, of: service)
        // Everybody who speaks TLS takes RSA; what only takes the other has to be told.
        guard let first = found.first(where: { $0.identity.key.facts.algorithm.hasPrefix("rsa") }) ?? found.first else { return nil }
        for other in found where other.identity.chain.blob != first.identity.chain.blob {
            let (shown, left) = (first.identity.key.facts.algorithm, other.identity.key.facts.algorithm)
            report.change(
                other.place, from: "a second certificate, with a key of \(left)", to: "only that with a key of \(shown) is shown")
        }
        return add(first, wanted: user == "delivery" ? user : has(.certificates, "mail") ? user : "mail")
    }

    private struct Found {
        var identity: ImportedIdentity
        var place: AdoptionReport.Place
        /// The file that has the certificate.
        var file: String
    }

    private mutating func add(_ found: Found, wanted: String) -> String {
        let setting = found.identity.setting()
        let same = settings[.certificates]?.first { $0.value == setting.json }?.key
        if let same { return same }
        var name = wanted == CertificateSetting.demoName ? "mail" : wanted
        while has(.certificates, name) { name += "-2" }
        set(.certificates, name, setting.json)
        keys[setting.key.fingerprint] = found.identity.key.pem
        chains[setting.chainBlob] = found.identity.chain.pem
        let facts = found.identity.chain.facts[0]
        report.understand(
            "certificates/\(name)",
            "\(facts.subject), expires \("\(facts.notAfter)".prefix { $0 != "T" }), \(setting.chain.count) in the chain, SHA-256 \(facts.fingerprint.hex)",
            at: found.place)
        report.change(
            .init(found.file), from: "a renewal of this file is served at the next reload",
            to: "Muster keeps its own copy: give it a renewed one (muster agent set certificates/\(name), in a cluster muster cert import)")
        return name
    }

    // MARK: - Files

    private mutating func identities(
        _ parameters: [String: String], side: String, of service: PostfixInstallation.Service?
    ) -> [Found] {
        let (chainFiles, place) = ("\(side)_tls_chain_files", place(of: "\(side)_tls_chain_files", in: service))
        let files = (parameters[chainFiles] ?? "").postfixWords.filter { $0 != "none" }
        guard files.isEmpty else {
            return files.flatMap { file in
                (text(of: file, at: place) ?? "").identityParts.compactMap { identity(key: $0, keyFile: file, chain: $0, file, at: place) }
            }
        }
        if let old = parameters["\(side)_tls_dcert_file"], !["", "none"].contains(old) {
            report.change(self.place(of: "\(side)_tls_dcert_file", in: service), from: old, to: "no certificate with a DSA key")
        }
        var found: [Found] = []
        for kind in ["", "ec"] {
            let (certificate, key) = ("\(side)_tls_\(kind)cert_file", "\(side)_tls_\(kind)key_file")
            guard let file = parameters[certificate], !["", "none"].contains(file) else { continue }
            let keyFile = parameters[key].flatMap { $0.isEmpty ? nil : $0 } ?? file
            let place = self.place(of: certificate, in: service)
            guard let chain = text(of: file, at: place), let secret = text(of: keyFile, at: self.place(of: key, in: service)) else {
                continue
            }
            if let identity = identity(key: secret, keyFile: keyFile, chain: chain, file, at: place) { found.append(identity) }
        }
        return found
    }

    private mutating func identity(
        key: String, keyFile: String, chain: String, _ file: String, at place: AdoptionReport.Place
    ) -> Found? {
        do throws(Refusal) {
            let identity = try ImportedIdentity(key: try PrivateKey(pem: key), chain: try CertificateChain(pem: chain))
            return Found(identity: identity, place: place, file: file)
        } catch {
            let files = keyFile == file ? file : "\(file) with the key in \(keyFile)"
            report.object(
                place, "\(files): \(error.reason)", cure: "Mend the file, or take the parameter out: Postfix cannot serve it either.")
            return nil
        }
    }

    /// What a file says; nil, and a problem more, if that cannot be known.
    mutating func text(of file: String, at place: AdoptionReport.Place) -> String? {
        switch installation.files[file] {
        case .text(let text): return text
        case .unreadable(let reason):
            report.object(place, "\(file): \(reason)", cure: "Run this as root, and name a file that is there.")
        case nil: report.object(place, "\(file): it was not read", cure: "Run this again.")
        }
        return nil
    }

    // MARK: - Authorities

    private struct Trusted: Equatable {
        var system = false
        var lists: [String: Digest] = [:]

        var text: String {
            let parts = (system ? ["the operating system's list"] : []) + lists.keys.sorted()
            return parts.isEmpty ? "nobody" : parts.joined(separator: " and ")
        }
    }

    /// Whom peers are verified by. Muster has one answer for both directions.
    mutating func addAuthorities(inbound listeners: [AdoptedListener]) {
        let outbound = trusted(installation.parameters, side: "smtp", of: nil)
        var (all, isSame) = (outbound, true)
        for listener in listeners where listener.verifies {
            let own = trusted(listener.service.parameters, side: "smtpd", of: listener.service)
            guard own != outbound else { continue }
            isSame = false
            all.system = all.system || own.system
            all.lists.merge(own.lists) { first, _ in first }
            report.change(
                place(of: "smtpd_tls_CAfile", in: listener.service),
                from: "clients' certificates are verified by \(own.text), servers' by \(outbound.text)", to: "both by \(all.text)")
        }
        if !all.system {
            set(.authorities, AuthoritySetting.systemName, AuthoritySetting(trusted: false).json)
            if isSame, all.lists.isEmpty {
                report.understand("authorities/system", "not trusted", at: place(of: "smtp_tls_CAfile"))
            }
        }
    }

    private mutating func trusted(
        _ parameters: [String: String], side: String, of service: PostfixInstallation.Service?
    ) -> Trusted {
        var trusted = Trusted()
        understood.formUnion(["\(side)_tls_CAfile", "\(side)_tls_CApath", "tls_append_default_CA"])
        if parameters["tls_append_default_CA"] == "yes" { system(&trusted, "tls_append_default_CA", service) }
        if let path = parameters["\(side)_tls_CApath"], !path.isEmpty {
            if PostfixAdoption.systemDirectories.contains(path.hasSuffix("/") ? String(path.dropLast()) : path) {
                system(&trusted, "\(side)_tls_CApath", service)
            } else {
                report.change(
                    place(of: "\(side)_tls_CApath", in: service), from: "the authorities in the directory \(path)",
                    to: "none of them: put them into one file, and that into \(side)_tls_CAfile, before this is adopted")
            }
        }
        guard let file = parameters["\(side)_tls_CAfile"], !file.isEmpty else { return trusted }
        let place = place(of: "\(side)_tls_CAfile", in: service)
        guard let text = text(of: file, at: place) else { return trusted }
        if AuthorityList.systemPaths.contains(file) || text == installation.systemAuthorities {
            system(&trusted, "\(side)_tls_CAfile", service)
            return trusted
        }
        do throws(Refusal) {
            let list = try AuthorityList(bundle: Array(text.utf8))
            try list.check(at: now)
            let same = settings[.authorities]?.first { $0.value == list.setting.json }?.key
            let name = same ?? listName(file)
            if same == nil {
                set(.authorities, name, list.setting.json)
                chains[list.blob] = list.pem
                report.understand("authorities/\(name)", "\(list.certificates.count) certificates of \(file)", at: place)
            }
            trusted.lists[name] = list.blob
        } catch {
            report.object(place, "\(file): \(error.reason)", cure: "Mend the file, or leave out of it what is not an authority you trust.")
        }
        return trusted
    }

    private mutating func system(_ trusted: inout Trusted, _ parameter: String, _ service: PostfixInstallation.Service?) {
        trusted.system = true
        report.understand("authorities/system", "trusted", at: place(of: parameter, in: service))
    }

    private static let systemDirectories = ["/etc/ssl/certs", "/etc/pki/tls/certs"]

    /// A name after the file's.
    private func listName(_ file: String) -> String {
        let stem = String((file.split(separator: "/").last ?? "").prefix { $0 != "." })
        var name = NameRule.plain.accepts(stem) && stem != AuthoritySetting.systemName ? stem : "own"
        while has(.authorities, name) { name += "-2" }
        return name
    }
}

extension String {
    /// A file with keys, each before its chain, cut before each key. Text before the first key goes with it.
    fileprivate var identityParts: [String] {
        var parts: [String] = []
        var hasKey = false
        for line in split(separator: "\n", omittingEmptySubsequences: false) {
            let isKey = line.hasPrefix("-----BEGIN ") && line.contains("PRIVATE KEY-----")
            if parts.isEmpty || isKey && hasKey { parts.append("") }
            hasKey = hasKey || isKey
            parts[parts.count - 1] += line + "\n"
        }
        return parts
    }
}

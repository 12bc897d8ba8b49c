/// Authorities by which peers' certificates are verified (mission D11): a list of the administrator's own, or the word on the operating
/// system's.
package struct AuthoritySetting: Setting {
    /// Whether the operating system's list is trusted: in the entry ``systemName``, and only there.
    package var trusted: Bool?
    /// What is known of each certificate of a list, in the order of its file, repetitions left out.
    package var certificates: [CertificateFacts] = []
    /// The digest of the list's PEM text, which is the blob that members lay out.
    package var blob: Digest?

    package init() {}

    package init(certificates: [CertificateFacts], blob: Digest) {
        self.certificates = certificates
        self.blob = blob
    }

    /// The word on the operating system's list.
    package init(trusted: Bool) {
        self.trusted = trusted
    }

    /// The entry that stands for the operating system's list. Where no level has it, that list is trusted.
    package static let systemName = "system"

    package static let shape = Shape<AuthoritySetting>(
        "Authorities by which peers' certificates are verified: a list, or the word on the operating system's.",
        [
            .optional("trusted", \.trusted, .boolean, "Whether the operating system's list is trusted; in the entry system only."),
            .standard(
                "certificates", \.certificates, .list(of: .setting(CertificateFacts.self), limit: Limits.ownAuthorities), [],
                "The certificates of the list."),
            .optional("blob", \.blob, .digest, "SHA-256 of the list's PEM text."),
        ],
        initial: AuthoritySetting.init)
}

extension SectionName {
    package static let authorities = SectionName(rawValue: "authorities")
}

extension Section {
    package static let authorities = Section(
        .authorities, of: AuthoritySetting.self, naming: .named(.plain),
        rule: { authority, path throws(SettingError) in
            if path.name == AuthoritySetting.systemName {
                try authority.checkSystem(at: path)
            } else {
                try authority.checkList(at: path)
            }
        })
}

extension AuthoritySetting {
    fileprivate func checkSystem(at path: SettingPath) throws(SettingError) {
        guard trusted != nil, certificates.isEmpty, blob == nil else {
            throw SettingError(path, "this is the operating system's list", expected: "trusted: true or false, and nothing else")
        }
    }

    fileprivate func checkList(at path: SettingPath) throws(SettingError) {
        guard trusted == nil else {
            throw SettingError(
                path.appending("trusted"), "only the operating system's list, \"\(AuthoritySetting.systemName)\", is trusted or not",
                expected: "the certificates of a list; to do without one, it is removed or hidden")
        }
        guard !certificates.isEmpty else {
            throw SettingError(path.appending("certificates"), "the list is empty", expected: "at least one certificate")
        }
        guard blob != nil else {
            throw SettingError(path, "the field \"blob\" is missing", expected: "the digest of the list's PEM text")
        }
        var seen: Set<Digest> = []
        for (index, facts) in certificates.enumerated() {
            let place = path.appending("certificates").appending(index)
            guard facts.isAuthority else {
                throw SettingError(
                    place, "\(facts.subject) is not the certificate of an authority", expected: "that of the authority which issued it")
            }
            guard seen.insert(facts.fingerprint).inserted else {
                throw SettingError(place, "\(facts.subject) is in the list twice", expected: "each certificate once")
            }
        }
    }

    /// Refuses to hide the operating system's list: an entry that is not there means that it is trusted.
    package static func check(hiding entry: String) throws(Refusal) {
        guard entry != systemName else {
            throw Refusal(
                .invalid,
                "The operating system's list cannot be hidden, for where nobody speaks of it, it is trusted. Distrust it: muster authority remove system"
            )
        }
    }

    /// What people should know of the list.
    package func findings(at now: Timestamp) -> [CertificateFinding] {
        authorityFindings(certificates, at: now, tellingSoon: true)
    }

    /// When the first of its certificates expires; nil for the operating system's list.
    package var expires: Timestamp? { certificates.map(\.notAfter).min() }
}

/// Whom one machine trusts to sign its peers' certificates.
package struct EffectiveAuthorities: Hashable, Sendable {
    /// Whether the operating system's list counts.
    package var trustsSystem = true
    /// The lists besides it.
    package var lists: [List] = []

    /// A list by its name, and the digest of its PEM text.
    package struct List: Hashable, Sendable {
        package var name: String
        package var blob: Digest
    }
}

extension EffectiveConfiguration {
    /// Throws only for values that this version cannot read.
    package func authorities() throws(SettingError) -> EffectiveAuthorities {
        var authorities = EffectiveAuthorities()
        for (name, setting) in try values(AuthoritySetting.self, in: .authorities) {
            if name == AuthoritySetting.systemName { authorities.trustsSystem = setting.trusted ?? true }
            if let blob = setting.blob { authorities.lists.append(.init(name: name, blob: blob)) }
        }
        return authorities
    }

    /// The digests of the lists' texts. The certificates are not read for it: this is asked for every machine at every commit.
    var authorityBlobs: [Digest] {
        (self[.authorities]?.entries ?? []).compactMap { $0.value["blob"]?.text.flatMap(Digest.init(hex:)) }
    }

    /// Lists too large for one machine, and certificates that are asked for although nobody could have signed them.
    func authorityFindings() -> [ConfigurationFinding] {
        let entries = self[.authorities]?.entries ?? []
        let count = entries.reduce(0) { $0 + ($1.value["certificates"]?.items?.count ?? 0) }
        var findings: [ConfigurationFinding] = []
        if count > Limits.machineAuthorities {
            findings.append(
                .init(
                    .error, entry: SectionName.authorities.rawValue,
                    "the lists of authorities have \(count) certificates; a machine takes \(Limits.machineAuthorities). Hide or remove lists"
                ))
        }
        guard count == 0, entries.contains(where: { $0.value["trusted"] == false }) else { return findings }
        // Values that do not read have been refused before they were stored.
        for (name, policy) in (try? values(MailFlowPolicySetting.self, in: .mailFlowPolicies)) ?? [] where policy.verifyClientCertificate {
            findings.append(
                .init(
                    .notice, entry: "mailFlowPolicies/\(name)",
                    "verifies client certificates, and this machine trusts no authority: none will be verified"))
        }
        return findings
    }
}

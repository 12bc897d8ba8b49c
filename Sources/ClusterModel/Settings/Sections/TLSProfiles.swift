/// Which versions and ciphers of TLS are spoken (mission E6).
///
/// Profiles have names. Those in ``Direction`` apply by themselves; a listener, an interface's HTTPS and delivery may name another.
package struct TLSProfileSetting: Setting {
    package enum Version: String, CaseIterable, Sendable, Comparable {
        case tls10 = "tls1.0"
        case tls11 = "tls1.1"
        case tls12 = "tls1.2"
        case tls13 = "tls1.3"

        private var rank: Int { Version.allCases.firstIndex(of: self) ?? 0 }

        package static func < (left: Version, right: Version) -> Bool { left.rank < right.rank }
    }

    /// The cipher suites of TLS 1.3 (RFC 8446, appendix B.4).
    package enum CipherSuite: String, CaseIterable, Sendable {
        case aes128GCM = "TLS_AES_128_GCM_SHA256"
        case aes256GCM = "TLS_AES_256_GCM_SHA384"
        case chacha20 = "TLS_CHACHA20_POLY1305_SHA256"
        case aes128CCM = "TLS_AES_128_CCM_SHA256"
        case aes128CCM8 = "TLS_AES_128_CCM_8_SHA256"
    }

    /// The directions whose profile goes without saying: the profile of this name, if there is one.
    package enum Direction: String, CaseIterable, Sendable {
        case inbound
        case outbound
        case https
    }

    package var minimumVersion = Version.tls12
    package var maximumVersion = Version.tls13
    /// The ciphers up to TLS 1.2, as OpenSSL writes lists of them; nil is the gateway's own choice.
    package var ciphers: String?
    /// The cipher suites of TLS 1.3, the preferred first; empty is the gateway's own choice.
    package var cipherSuites: [CipherSuite] = []

    package init() {}

    package init(minimum: Version = .tls12, maximum: Version = .tls13, ciphers: String? = nil, cipherSuites: [CipherSuite] = []) {
        minimumVersion = minimum
        maximumVersion = maximum
        self.ciphers = ciphers
        self.cipherSuites = cipherSuites
    }

    package static let shape = Shape<TLSProfileSetting>(
        "Which versions and ciphers of TLS are spoken.",
        [
            .standard("minimumVersion", \.minimumVersion, .choice(Version.self), .tls12, "The oldest version: tls1.0 to tls1.3."),
            .standard("maximumVersion", \.maximumVersion, .choice(Version.self), .tls13, "The newest version: tls1.0 to tls1.3."),
            .optional(
                "ciphers", \.ciphers,
                .text(
                    "a list of ciphers as OpenSSL writes it, such as ECDHE+AESGCM:!aNULL", limit: Limits.cipherListBytes,
                    where: { CipherList($0) != nil }),
                "The ciphers up to TLS 1.2, as an OpenSSL cipher list; without it, the gateway chooses."),
            .standard(
                "cipherSuites", \.cipherSuites, .list(of: .choice(CipherSuite.self)), [],
                "The cipher suites of TLS 1.3, the preferred first; without them, the gateway chooses."),
        ],
        initial: TLSProfileSetting.init)
}

extension TLSProfileSetting {
    /// What is worth saying about the profile for itself.
    var weaknesses: [String] {
        var remarks = ciphers.flatMap(CipherList.init)?.weaknesses ?? []
        if minimumVersion < .tls12 {
            remarks.append(
                "\(minimumVersion.rawValue) is spoken, which is deprecated since 2021 (RFC 8996): tls1.2 is the oldest that should be")
        }
        if ciphers != nil, minimumVersion == .tls13 {
            remarks.append(
                "ciphers are listed for versions up to tls1.2, and tls1.3 is the oldest that is spoken: cipherSuites are for that")
        }
        if !cipherSuites.isEmpty, maximumVersion < .tls13 {
            remarks.append("cipherSuites are listed for tls1.3, and \(maximumVersion.rawValue) is the newest that is spoken")
        }
        return remarks
    }
}

extension EffectiveConfiguration {
    /// The profile that holds for a connection: the named one, else that of its direction, else TLS 1.2 and up with the gateway's ciphers.
    package func tlsProfile(_ name: String?, for direction: TLSProfileSetting.Direction) throws(SettingError) -> TLSProfileSetting {
        try value(TLSProfileSetting.self, .tlsProfiles, name ?? direction.rawValue) ?? TLSProfileSetting()
    }
}

extension SectionName {
    package static let tlsProfiles = SectionName(rawValue: "tlsProfiles")
}

extension Section {
    package static let tlsProfiles = Section(
        .tlsProfiles, of: TLSProfileSetting.self, naming: .named(.plain),
        rule: { profile, path throws(SettingError) in
            guard profile.minimumVersion <= profile.maximumVersion else {
                throw SettingError(
                    path.appending("minimumVersion"),
                    "\(profile.minimumVersion.rawValue) is newer than maximumVersion, which is \(profile.maximumVersion.rawValue)",
                    expected: "at most maximumVersion")
            }
            for (index, suite) in profile.cipherSuites.enumerated() where profile.cipherSuites[..<index].contains(suite) {
                throw SettingError(
                    path.appending("cipherSuites").appending(index), "\"\(suite.rawValue)\" is there twice", expected: "each suite once")
            }
        },
        remarks: \.weaknesses)
}

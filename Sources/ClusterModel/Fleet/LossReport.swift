/// What a machine or the cluster loses by a join or a removal, shown before it happens (mission C3 to C6).
package struct LossReport: Hashable, Sendable, Codable {
    /// Machine-level certificates that are gone when the machine is a member (again).
    package var certificates: [LostCertificate]
    /// Other settings that go, by section: the entries' names.
    package var settings: [String: [String]]
    /// What stays, in words.
    package var kept: [String]
    /// Cluster and group certificates whose keys stay on the removed machine: replace them if it is lost or stolen.
    package var keysLeftBehind: [LostCertificate]

    package init(
        certificates: [LostCertificate] = [], settings: [String: [String]] = [:], kept: [String] = [],
        keysLeftBehind: [LostCertificate] = []
    ) {
        self.certificates = certificates
        self.settings = settings
        self.kept = kept
        self.keysLeftBehind = keysLeftBehind
    }

    /// Whether anything goes.
    package var isEmpty: Bool { certificates.isEmpty && settings.isEmpty }
}

/// A certificate in a loss report.
package struct LostCertificate: Hashable, Sendable, Codable {
    package var name: String
    package var subject: String
    package var fingerprint: Digest
    package var notAfter: Timestamp
    /// The machine's services that use it.
    package var services: [String]

    package init(name: String, subject: String, fingerprint: Digest, notAfter: Timestamp, services: [String]) {
        self.name = name
        self.subject = subject
        self.fingerprint = fingerprint
        self.notAfter = notAfter
        self.services = services
    }
}

extension LossReport {
    /// What a standalone machine with these settings loses by joining: all but its network settings.
    package static func joining(_ standalone: EffectiveConfiguration) -> LossReport {
        var report = LossReport()
        for section in standalone.sections where section.name != .certificates {
            let names = section.entries.map(\.name)
            if Section.named(section.name)?.isNetwork == true {
                report.kept += section.entries.map { entry in
                    // What does not read has no HTTPS.
                    let https = section.name == .interfaces ? (try? InterfaceSetting(entry.value))?.https : nil
                    let remark = https.map { ", its HTTPS only if the cluster gives it the same certificate \($0.certificate)" } ?? ""
                    return "\(section.name)/\(entry.name)\(remark)"
                }
            } else {
                report.settings[section.name.rawValue] = names
            }
        }
        // A machine's ready-made certificate that nothing uses is no loss: it finds the cluster's in its place.
        report.certificates = standalone.certificateList { _ in true }.filter {
            $0.name != CertificateSetting.demoName || !$0.services.isEmpty
        }
        return report
    }

    /// What goes with a membership: the certificates and settings of its machine layer; and whose keys the machine keeps.
    package static func removing(_ membership: Membership, configuration: EffectiveConfiguration) -> LossReport {
        var report = LossReport()
        for (section, name, entry) in membership.layer.allEntries where section != .certificates && entry.state.value != nil {
            if Section.named(section)?.isNetwork == true {
                report.kept.append("\(section)/\(name)")
            } else {
                report.settings[section.rawValue, default: []].append(name)
            }
        }
        let used = Set(((try? configuration.intendedServices()) ?? []).map(\.certificate))  // unreadable values use nothing
        report.certificates = configuration.certificateList { $0.origin.layer.kind == .machine }
        report.keysLeftBehind = configuration.certificateList { $0.origin.layer.kind != .machine && used.contains($0.name) }
        report.kept.append("everything the machine serves now: it goes on, standalone, until it joins again")
        return report
    }
}

extension EffectiveConfiguration {
    /// The certificates that a test picks, with the services that use them.
    fileprivate func certificateList(where isMeant: (EffectiveEntry) -> Bool) -> [LostCertificate] {
        let services = (try? intendedServices()) ?? []  // unreadable values use nothing
        return (self[.certificates]?.entries ?? []).filter(isMeant).compactMap { entry in
            guard let leaf = (try? CertificateSetting(entry.value))?.leaf else { return nil }  // as above
            return LostCertificate(
                name: entry.name, subject: leaf.subject, fingerprint: leaf.fingerprint, notAfter: leaf.notAfter,
                services: services.filter { $0.certificate == entry.name }.map(\.service))
        }
    }
}

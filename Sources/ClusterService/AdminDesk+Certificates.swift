package import AdminContract
import Certificates
package import ClusterModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension AdminDesk {
    package func certificates(at level: Level?, for caller: Caller) async throws(Refusal) -> [CertificateView] {
        try await require(.readOnly, at: level.map { [$0] } ?? [], of: caller)
        let view = try await view(of: caller)
        let levels = level.map { [$0] } ?? AdminDesk.levels(of: view)
        let index = CertificateIndex(view)
        var views: [CertificateView] = []
        for level in levels {
            let layer = view.layer(try view.layerID(of: level)) ?? Layer()
            for (name, entry) in layer[.certificates].entries.sorted(by: { $0.key < $1.key }) {
                guard let value = entry.state.value else { continue }
                if let one = try await self.view(of: value, name: name, level: level, in: view, index) { views.append(one) }
            }
        }
        return views
    }

    package func certificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateView {
        try await require(.readOnly, at: [level], of: caller)
        let view = try await view(of: caller)
        guard let value = view.layer(try view.layerID(of: level))?[.certificates, name]?.state.value,
            let certificate = try await self.view(of: value, name: name, level: level, in: view, CertificateIndex(view))
        else {
            throw Refusal(.notFound, "There is no certificate \"\(name)\" at \(level). List them with: muster cert list")
        }
        return certificate
    }

    package func createCertificate(_ request: CertificateCreation, for caller: Caller) async throws(Refusal) -> CertificateView {
        try await require(.operator, at: [request.level], of: caller)
        _ = try await certificateDesk.create(
            by: caller.user, at: request.level, name: request.name, request: request.request, replace: request.replace)
        return try await certificate(request.name, at: request.level, for: caller)
    }

    package func importCertificate(_ request: CertificateImport, for caller: Caller) async throws(Refusal) -> CertificateView {
        try await require(.operator, at: [request.level], of: caller)
        let (identity, findings) = try await AdminDesk.read(request)
        _ = try await certificateDesk.importCertificate(
            by: caller.user, at: request.level, name: request.name, key: identity.key, chain: identity.chain)
        var view = try await certificate(request.name, at: request.level, for: caller)
        view.findings = findings + view.findings
        return view
    }

    package func promoteCertificate(_ request: CertificatePromotion, for caller: Caller) async throws(Refusal) -> CertificateView {
        try await require(.operator, at: [request.from, request.to], of: caller)
        try await certificateDesk.promote(by: caller.user, name: request.name, from: request.from, to: request.to)
        return try await certificate(request.name, at: request.to, for: caller)
    }

    package func certificateRequest(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateRequestView {
        try await require(.operator, at: [level], of: caller)
        return try await certificateDesk.request(for: name, at: level, user: caller.user)
    }

    package func uploadCertificate(_ request: CertificateUpload, for caller: Caller) async throws(Refusal) -> CertificateView {
        try await require(.operator, at: [request.level], of: caller)
        guard request.intermediates.count <= Limits.chainLength else {
            throw Refusal(.limit, "\(request.intermediates.count) files with intermediates; at most \(Limits.chainLength) are taken.")
        }
        var intermediates: [[UInt8]] = []
        for text in request.intermediates { intermediates.append(try AdminDesk.bytes(text, "An intermediate's file")) }
        var certificate: [UInt8]?
        if let text = request.certificate { certificate = try AdminDesk.bytes(text, "The certificate's file") }
        try await certificateDesk.upload(
            by: caller.user, at: request.level, name: request.name, certificate: certificate, intermediates: intermediates)
        return try await self.certificate(request.name, at: request.level, for: caller)
    }

    package func exportCertificate(_ request: CertificateExport, for caller: Caller) async throws(Refusal) -> ExportedCertificate {
        try await require(.administrator, at: [request.level], of: caller)
        let (setting, file) = try await certificateDesk.export(
            request.name, at: request.level, password: request.password, legacy: request.legacy, user: caller.user)
        // Written down before it is given away.
        try await ledger.append(by: caller.user) { state, _ throws(Refusal) in
            .keyExported(
                KeyExported(layer: try state.layerID(of: request.level), certificate: request.name, key: setting.key.fingerprint))
        }
        return ExportedCertificate(pkcs12: Data(file).base64EncodedString(), fingerprint: setting.leaf?.fingerprint ?? setting.chainBlob)
    }

    package func checkCertificates(for caller: Caller) async throws(Refusal) -> [ServiceCheck] {
        let state = await seen(by: caller)
        let machines = try await fleet.views(of: state)
        let (index, now) = (CertificateIndex(state), certificateDesk.now())
        var checks: [ServiceCheck] = []
        for machine in machines {
            let configuration = state.configuration(of: try state.machine(machine.name))
            for service in machine.services {
                guard let entry = configuration[.certificates, service.certificate], let level = state.level(of: entry.origin.layer) else {
                    continue
                }
                let setting: CertificateSetting
                do throws(SettingError) { setting = try CertificateSetting(entry.value) } catch {
                    throw Refusal(.version, error.description)
                }
                var findings = setting.findings(at: now, covering: index.hosts(of: entry.name, at: entry.origin.layer))
                if service.service == SectionName.delivery.rawValue {
                    findings += try AdminDesk.deliveryFindings(setting, configuration, machine.name)
                }
                if service.unprovable == nil, service.served != service.fingerprint {
                    findings.insert(.notServed(service.served), at: 0)
                }
                checks.append(
                    ServiceCheck(
                        machine: machine.name, service: service.service, certificate: service.certificate, level: level,
                        fingerprint: service.fingerprint, served: service.served, unprovable: service.unprovable, findings: findings))
            }
        }
        return checks
    }

    package func certificateUses(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> [CertificateUse] {
        try await require(.readOnly, at: [level], of: caller)
        let uses = try await certificateDesk.uses(of: name, at: level, user: caller.user)
        guard caller.group != nil else { return uses }
        let seen = await seen(by: caller)
        // A level that is not found in what the caller sees is another group's.
        return uses.filter { $0.machine.map { seen.membership(named: $0) != nil } ?? ((try? seen.layerID(of: $0.level)) != nil) }
    }

    package func deleteCertificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> EditSummary {
        try await require(.operator, at: [level], of: caller)
        let made = Set(try await certificateDesk.delete(by: caller.user, name: name, at: level).map(\.subject))
        return try await summary(of: made, for: caller)
    }

    /// What there is to say of the outbound certificate on one machine.
    private static func deliveryFindings(
        _ setting: CertificateSetting, _ configuration: EffectiveConfiguration, _ machine: String
    ) throws(Refusal) -> [CertificateFinding] {
        do throws(SettingError) {
            return setting.findings(leavingBy: try configuration.deliveryPlace(of: machine).map { [$0] } ?? [])
        } catch {
            throw Refusal(.version, error.description)
        }
    }

    private static func bytes(_ base64: String, _ what: String) throws(Refusal) -> [UInt8] {
        guard let data = Data(base64Encoded: base64) else { throw Refusal(.invalid, "\(what) is not in base64.") }
        return Array(data)
    }

    private static func read(_ request: CertificateImport) async throws(Refusal) -> (ImportedIdentity, [CertificateFinding]) {
        if let text = request.pkcs12 {
            let content = try await openPKCS12(try bytes(text, "The PKCS#12 file"), password: request.password ?? "")
            return (content.identity, content.findings)
        }
        guard let chain = request.pem, let key = request.key else {
            throw Refusal(.invalid, "Give a PKCS#12 file, or a certificate and its key in PEM.")
        }
        return (try await readPEM(key: key, chain: chain, password: request.password), [])
    }

    private func view(of value: JSONValue, name: String, level: Level, in view: ClusterState, _ index: CertificateIndex)
        async throws(Refusal) -> CertificateView?
    {
        let committed = await ledger.state
        let layer = try view.layerID(of: level)
        let setting: CertificateSetting
        do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.version, error.description) }
        return CertificateView(
            setting, name: name, level: level, usedBy: Set(index.uses(of: name, at: layer).map(\.service)).sorted(),
            findings: setting.findings(at: certificateDesk.now(), covering: index.hosts(of: name, at: layer))
                + setting.findings(leavingBy: index.deliveries(of: name, at: layer)),
            uncommitted: committed.layer(layer)?[.certificates, name]?.state.value != value)
    }

    /// Every level there is, the widest first.
    static func levels(of state: ClusterState) -> [Level] {
        [.cluster] + state.groups.values.map { Level.group($0.name) }.sorted()
            + state.memberships.values.map { Level.machine($0.machine) }.sorted()
    }
}

/// Deriving keys from a password takes a while: not on a caller's executor.
@concurrent private func openPKCS12(_ bytes: [UInt8], password: String) async throws(Refusal) -> PKCS12.Content {
    try PKCS12.open(bytes, password: password)
}

@concurrent private func readPEM(key: String, chain: String, password: String?) async throws(Refusal) -> ImportedIdentity {
    try ImportedIdentity(keyPEM: key, chainPEM: chain, keyPassword: password)
}

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
        let view = try await desk.view(of: caller.user)
        let levels = level.map { [$0] } ?? AdminDesk.levels(of: view)
        var views: [CertificateView] = []
        for level in levels {
            let layer = view.layer(try view.layerID(of: level)) ?? Layer()
            for (name, entry) in layer[.certificates].entries.sorted(by: { $0.key < $1.key }) {
                guard let value = entry.state.value else { continue }
                if let one = try await self.view(of: value, name: name, level: level, in: view) { views.append(one) }
            }
        }
        return views
    }

    package func certificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> CertificateView {
        let view = try await desk.view(of: caller.user)
        guard let value = view.layer(try view.layerID(of: level))?[.certificates, name]?.state.value,
            let certificate = try await self.view(of: value, name: name, level: level, in: view)
        else {
            throw Refusal(.notFound, "There is no certificate \"\(name)\" at \(level). List them with: muster cert list")
        }
        return certificate
    }

    package func createCertificate(_ request: CertificateCreation, for caller: Caller) async throws(Refusal) -> CertificateView {
        try require(.operator, of: caller)
        _ = try await certificateDesk.create(
            by: caller.user, at: request.level, name: request.name, request: request.request, replace: request.replace)
        return try await certificate(request.name, at: request.level, for: caller)
    }

    package func importCertificate(_ request: CertificateImport, for caller: Caller) async throws(Refusal) -> CertificateView {
        try require(.operator, of: caller)
        let identity = try await AdminDesk.read(request)
        _ = try await certificateDesk.importCertificate(
            by: caller.user, at: request.level, name: request.name, key: identity.key, chain: identity.chain)
        return try await certificate(request.name, at: request.level, for: caller)
    }

    package func promoteCertificate(_ request: CertificatePromotion, for caller: Caller) async throws(Refusal) -> CertificateView {
        try require(.operator, of: caller)
        try await certificateDesk.promote(by: caller.user, name: request.name, from: request.from, to: request.to)
        return try await certificate(request.name, at: request.to, for: caller)
    }

    package func certificateUses(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> [CertificateUse] {
        try await certificateDesk.uses(of: name, at: level, user: caller.user)
    }

    package func deleteCertificate(_ name: String, at level: Level, for caller: Caller) async throws(Refusal) -> EditSummary {
        try require(.operator, of: caller)
        let made = Set(try await certificateDesk.delete(by: caller.user, name: name, at: level).map(\.subject))
        return try await summary(of: made, for: caller)
    }

    private static func read(_ request: CertificateImport) async throws(Refusal) -> ImportedIdentity {
        if let text = request.pkcs12 {
            guard let data = Data(base64Encoded: text) else { throw Refusal(.invalid, "The PKCS#12 file is not in base64.") }
            return try await readPKCS12(Array(data), password: request.password ?? "")
        }
        guard let chain = request.pem, let key = request.key else {
            throw Refusal(.invalid, "Give a PKCS#12 file, or a certificate and its key in PEM.")
        }
        return try ImportedIdentity(keyPEM: key, chainPEM: chain)
    }

    private func view(of value: JSONValue, name: String, level: Level, in view: ClusterState) async throws(Refusal) -> CertificateView? {
        let committed = await ledger.state
        let layer = try view.layerID(of: level)
        let setting: CertificateSetting
        do throws(SettingError) { setting = try CertificateSetting(value) } catch { throw Refusal(.version, error.description) }
        return CertificateView(
            setting, name: name, level: level, usedBy: Set(view.uses(of: name, at: layer).map(\.service)).sorted(),
            findings: setting.origin == .demo ? [.demo] : [],
            uncommitted: committed.layer(layer)?[.certificates, name]?.state.value != value)
    }

    /// Every level there is, the widest first.
    static func levels(of state: ClusterState) -> [Level] {
        [.cluster] + state.groups.values.map { Level.group($0.name) }.sorted()
            + state.memberships.values.map { Level.machine($0.machine) }.sorted()
    }
}

import Certificates
package import ClusterLog
package import ClusterModel
package import Replication

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What was edited on machines themselves while they were disconnected, until each edit is decided. Kept beside the log, a value for
/// each machine; what a machine says takes the place of what it said before.
package struct LocalEditStore: Sendable {
    private let log: any ClusterLog
    private let vault: KeyVault
    private static let prefix = "local-edits/"
    private static let attempts = 20

    package init(log: any ClusterLog, vault: KeyVault) {
        self.log = log
        self.vault = vault
    }

    /// One machine's value. Keys are sealed in it, and gone with it (mission D12).
    private struct Kept: Codable, Equatable {
        var edits: [LocalEdit] = []
        var dropped: [String] = []
        var keys: [SealedKey] = []
        /// Texts of certificate chains and of lists of authorities.
        var chains: [String] = []

        struct SealedKey: Codable, Equatable {
            var fingerprint: Digest
            var sealed: String
        }

        var known: LocalEdits { LocalEdits(edits: edits, dropped: Set(dropped)) }
    }

    // MARK: - Reading

    /// What is kept of every machine.
    package func load() async throws(Refusal) -> [MembershipID: LocalEdits] {
        do throws(LogError) {
            var all: [MembershipID: LocalEdits] = [:]
            for (key, bytes, _) in try await log.values(prefix: LocalEditStore.prefix) {
                // What does not read was not kept: the machine says it again.
                let kept = try? JSONValue(parsing: bytes).decode(Kept.self)
                all[MembershipID(rawValue: String(key.dropFirst(LocalEditStore.prefix.count)))] = kept?.known ?? LocalEdits()
            }
            return all
        } catch {
            throw Refusal(error)
        }
    }

    /// What is kept of one machine.
    package func edits(of membership: MembershipID) async throws(Refusal) -> LocalEdits {
        try await kept(membership).kept.known
    }

    /// Puts the keys and chains that edits of a machine speak of where commits find them.
    package func storeMaterial(of edits: [LocalEdit], from membership: MembershipID) async throws(Refusal) {
        let (kept, _) = try await kept(membership)
        for edit in edits {
            guard let value = edit.value else { continue }
            switch edit.section {
            case .certificates:
                let setting = try LocalEditStore.setting(value, of: edit, as: CertificateSetting.self)
                try await storeKey(setting.key.fingerprint, kept)
                try await storeChain(setting.chainBlob, kept)
            case .authorities:
                let setting = try LocalEditStore.setting(value, of: edit, as: AuthoritySetting.self)
                if let blob = setting.blob { try await storeChain(blob, kept) }
            default: continue
            }
        }
    }

    private static func setting<Value: Setting>(_ value: JSONValue, of edit: LocalEdit, as type: Value.Type) throws(Refusal) -> Value {
        do throws(SettingError) { return try Value(value, at: SettingPath(edit.section.rawValue, edit.name)) } catch {
            throw Refusal(.invalid, error.description)
        }
    }

    private func storeKey(_ fingerprint: Digest, _ kept: Kept) async throws(Refusal) {
        if try await vault.holds(fingerprint) { return }
        guard let sealed = kept.keys.first(where: { $0.fingerprint == fingerprint }), let bytes = Data(base64Encoded: sealed.sealed) else {
            throw LocalEditStore.lacking("The private key \(fingerprint.short)")
        }
        let pem = try vault.unseal(Array(bytes), fingerprint: fingerprint)
        try await vault.store(try PrivateKey(pem: String(decoding: pem, as: UTF8.self)))
    }

    private func storeChain(_ digest: Digest, _ kept: Kept) async throws(Refusal) {
        if try await vault.holds(chain: digest) { return }
        guard let chain = kept.chains.first(where: { Digest(hashing: Array($0.utf8)) == digest }) else {
            throw LocalEditStore.lacking("The certificate chain \(digest.short)")
        }
        try await vault.store(chainText: chain)
    }

    private static func lacking(_ what: String) -> Refusal {
        Refusal(
            .notFound, "\(what) has not come from the machine yet. Try again in a moment; see that it is connected: muster machine list")
    }

    // MARK: - Changing

    /// Keeps what a machine said; on return it is on the disk. Answers it as it was kept, with values in this version's form.
    ///
    /// Refuses with `invalid` a key that is not the one it is called.
    @discardableResult
    package func keep(_ said: LocalEditReport, of membership: MembershipID) async throws(Refusal) -> LocalEditReport {
        var report = said
        report.edits = said.edits.map(\.inNormalForm)
        try await change(membership) { [report] kept throws(Refusal) in
            var new = Kept(edits: report.edits)
            new.dropped = kept.dropped.filter { id in report.edits.contains { $0.id == id } }
            guard !new.edits.isEmpty else { return new }
            for material in report.material {
                switch material.kind {
                case .chain: new.chains.append(String(decoding: material.pem, as: UTF8.self))
                case .key: new.keys.append(try sealed(material, kept))
                }
            }
            return new
        }
        return report
    }

    private func sealed(_ material: Material, _ kept: Kept) throws(Refusal) -> Kept.SealedKey {
        if let known = kept.keys.first(where: { $0.fingerprint == material.digest }) { return known }
        let key = try PrivateKey(pem: String(decoding: material.pem, as: UTF8.self))
        guard key.facts.fingerprint == material.digest else {
            throw Refusal(.invalid, "A key that a machine sent is not the one that it is called, \(material.digest.short).")
        }
        return Kept.SealedKey(fingerprint: material.digest, sealed: Data(try vault.seal(key)).base64EncodedString())
    }

    /// Gives edits up; on return that is on the disk.
    package func drop(_ ids: Set<String>, of membership: MembershipID) async throws(Refusal) {
        try await change(membership) { kept throws(Refusal) in
            var new = kept
            new.dropped = ids.intersection(kept.edits.map(\.id)).union(kept.dropped).sorted()
            return new
        }
    }

    /// Forgets all of a machine.
    package func forget(_ membership: MembershipID) async throws(Refusal) {
        try await change(membership) { _ throws(Refusal) in Kept() }
    }

    private func change(_ membership: MembershipID, _ change: (Kept) throws(Refusal) -> Kept) async throws(Refusal) {
        for _ in 0..<LocalEditStore.attempts {
            let (kept, version) = try await kept(membership)
            let new = try change(kept)
            if new == kept { return }
            do {
                let bytes = new.edits.isEmpty ? nil : try JSONValue(encoding: new).canonicalBytes
                try await log.setValue(LocalEditStore.prefix + membership.rawValue, bytes, expecting: version)
                return
            } catch let error as LogError {
                if error.code == .staleValue { continue }
                throw Refusal(error)
            } catch {
                throw Refusal(.unavailable, "The local edits of a machine cannot be written down: \(error)")
            }
        }
        throw Refusal(.conflict, "The local edits of this machine are changing at this moment. Try again.")
    }

    private func kept(_ membership: MembershipID) async throws(Refusal) -> (kept: Kept, version: Int) {
        do throws(LogError) {
            guard let (bytes, version) = try await log.value(LocalEditStore.prefix + membership.rawValue) else { return (Kept(), 0) }
            // As above.
            return ((try? JSONValue(parsing: bytes).decode(Kept.self)) ?? Kept(), version)
        } catch {
            throw Refusal(error)
        }
    }
}

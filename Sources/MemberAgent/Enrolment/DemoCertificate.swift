import Certificates
import ClusterModel
import Replication

extension EffectiveConfiguration {
    /// The same with a ready-made certificate that this machine has the key of, and what that needs (mission D6).
    ///
    /// One whose key is `held` stays. A machine that left a cluster has the cluster's, and its key only if a service used it.
    func withDemo(held keys: [Digest: String], now: Timestamp) throws(Refusal) -> (settings: EffectiveConfiguration, material: [Material]) {
        let name = CertificateSetting.demoName
        // A value that does not read is of no use, and is replaced.
        if let entry = self[.certificates, name], let demo = try? CertificateSetting(entry.value), keys[demo.key.fingerprint] != nil {
            return (self, [])
        }
        let made: MadeCertificate
        do {
            made = try makeDemoCertificate(now: now)
        } catch {
            throw Refusal(.unavailable, "The ready-made certificate of this machine cannot be made: \(error)")
        }
        let own = EffectiveEntry(section: .certificates, name: name, value: made.setting.json, origin: Generation.ownOrigin)
        let entries = (self[.certificates]?.entries ?? []).filter { $0.name != name } + [own]
        let others = sections.filter { $0.name != .certificates }
        let material = [
            Material(kind: .key, digest: made.key.facts.fingerprint, pem: Array(made.key.pem.utf8)),
            Material(kind: .chain, digest: made.chain.blob, pem: Array(made.chain.pem.utf8)),
        ]
        return (EffectiveConfiguration(sections: others + [EffectiveSection(name: .certificates, entries: entries)]), material)
    }
}

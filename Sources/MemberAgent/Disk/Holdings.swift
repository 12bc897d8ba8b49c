import Certificates
import ClusterModel
import Gateways

/// What a generation's files hold now, whatever they held when they were laid out.
struct Holdings: Sendable {
    /// Digested again from the values that are there; nil when they cannot be read.
    var settings: EffectiveConfiguration?
    var damages: [StoreDamage] = []

    /// Differences from what was put in force, one sentence each.
    func objections(to configuration: EffectiveConfiguration) -> [String] {
        let different = settings.map { $0.differences(from: configuration) } ?? []
        let changed = different.map { "\($0) was changed in the machine's store, and not by Muster" }
        // That the settings as a whole are not what they were says nothing more.
        return changed + damages.filter { changed.isEmpty || !$0.entries.isEmpty }.map(\.description)
    }
}

extension StateDirectory {
    /// Reads a generation as far as that goes, where ``generation(_:)`` refuses it at the first damage.
    func holdings(of number: Int) -> Holdings {
        let record: GenerationRecord
        do throws(DamagedGeneration) {
            record = try self.record(number)
        } catch {
            return Holdings(settings: nil, damages: [StoreDamage(file: error.file, reason: error.reason)])
        }
        let settings = record.configuration
        var holdings = Holdings(settings: settings)
        for entry in settings.names where !entry.isWellFormed {
            holdings.damages.append(StoreDamage(file: "settings.json", reason: "has an entry whose name is none"))
        }
        do throws(DamagedGeneration) {
            // The whole is read as at a start; what that finds first may be one of several.
            _ = try generation(number)
        } catch {
            let files = damagedMaterial(record, of: number)
            holdings.damages += files.isEmpty ? [StoreDamage(file: error.file, reason: error.reason)] : files
        }
        return holdings
    }

    /// Keys and chains that are not what their names say, with the entries that name them.
    private func damagedMaterial(_ record: GenerationRecord, of number: Int) -> [StoreDamage] {
        // Why a key does not read does not matter: it is not that key.
        let keys = record.keys.compactMap { key -> StoreDamage? in
            damage(of: "keys/\(key).pem", in: number, naming: key, record) { (try? PrivateKey(pem: $0))?.facts.fingerprint == key }
        }
        return keys
            + record.chains.compactMap { chain in
                damage(of: "chains/\(chain).pem", in: number, naming: chain, record) { Digest(hashing: Array($0.utf8)) == chain }
            }
    }

    private func damage(
        of file: String, in number: Int, naming digest: Digest, _ record: GenerationRecord, unless isWhole: (String) -> Bool
    ) -> StoreDamage? {
        let reason: String
        do throws(DamagedGeneration) {
            guard try !isWhole(material(file, of: number)) else { return nil }
            reason = "is not what it was when it was laid out"
        } catch {
            reason = error.reason
        }
        let users = record.configuration.sections.filter { [.certificates, .authorities].contains($0.name) }.flatMap { section in
            section.entries.filter { $0.value.mentions(digest.hex) }.map { EntryName(section.name, $0.name) }
        }
        return StoreDamage(file: file, reason: reason, entries: users)
    }

    /// What the disk says of a generation's files without their content being read: it changes with every change of them.
    func marks(of generation: Generation) -> [String: FileMark] {
        let folder = "generations/\(StateDirectory.name(generation.number))"
        let files =
            ["settings.json"] + generation.configuration.keys.keys.map { "keys/\($0).pem" }
            + generation.configuration.chains.keys.map { "chains/\($0).pem" }
        return Dictionary(uniqueKeysWithValues: files.map { ($0, disk.mark("\(folder)/\($0)")) }).compactMapValues(\.self)
    }
}

extension EffectiveConfiguration {
    /// Every entry that it has.
    var names: [EntryName] { sections.flatMap { section in section.entries.map { EntryName(section.name, $0.name) } } }
}

extension JSONValue {
    /// Whether a text is anywhere in it.
    fileprivate func mentions(_ text: String) -> Bool {
        if let items { return items.contains { $0.mentions(text) } }
        if let members { return members.values.contains { $0.mentions(text) } }
        return self.text == text
    }
}

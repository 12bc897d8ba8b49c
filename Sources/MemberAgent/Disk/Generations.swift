import Certificates
package import ClusterModel
package import Gateways

extension StateDirectory {
    /// Lays a configuration out as a new generation, whole and on the disk. It is not in force before ``switchCurrent(to:)``.
    package func layOut(_ configuration: GatewayConfiguration, kind: Generation.Kind, target: Target? = nil) throws(Refusal) -> Generation {
        try exclusively { () throws(Refusal) in try putGeneration(configuration, kind: kind, target: target) }
    }

    /// Lays a generation out once more under a new number, as it is in memory, and reads it back.
    func layOutAgain(_ generation: Generation, for target: Target?) throws(Refusal) -> Generation {
        try exclusively { () throws(Refusal) in
            try readBack(
                try putGeneration(
                    generation.configuration, kind: generation.kind, target: generation.kind == .member ? target ?? generation.target : nil,
                    edits: generation.edits))
        }
    }

    func putGeneration(
        _ configuration: GatewayConfiguration, kind: Generation.Kind, target: Target?, edits: [LocalEdit] = []
    ) throws(Refusal) -> Generation {
        try removeLeftovers()
        let number = (try generationNumbers().last ?? 0) + 1
        let aside = "generations/.new-\(StateDirectory.name(number))"
        try disk.makeDirectory(aside)
        try disk.makeDirectory("\(aside)/keys")
        for (fingerprint, pem) in configuration.keys.sorted(by: { $0.key < $1.key }) {
            try disk.create("\(aside)/keys/\(fingerprint).pem", Array(pem.utf8))
        }
        try disk.sync("\(aside)/keys")
        try disk.makeDirectory("\(aside)/chains")
        for (digest, pem) in configuration.chains.sorted(by: { $0.key < $1.key }) {
            try disk.create("\(aside)/chains/\(digest).pem", Array(pem.utf8))
        }
        try disk.sync("\(aside)/chains")
        let record = GenerationRecord(kind: kind, target: target, configuration: configuration, edits: edits)
        try disk.create("\(aside)/settings.json", try StateDirectory.json(record))
        try disk.sync(aside)
        try disk.rename(aside, to: "generations/\(StateDirectory.name(number))")
        try disk.sync("generations")
        return Generation(number: number, kind: kind, target: target, configuration: configuration, edits: edits)
    }

    // MARK: - In force

    /// The number of the generation in force; nil when there is none yet.
    package func currentNumber() -> Int? {
        guard let destination = disk.destination(ofLink: "current"), destination.hasPrefix("generations/") else { return nil }
        return Int(destination.dropFirst("generations/".count))
    }

    /// Puts a generation in force, in one step.
    ///
    /// With `rejected` only if that one is still in force: a command may have put another in its place.
    ///
    /// - Throws: `conflict` when the generation is gone, or was a cluster's and the machine has left: a command was faster.
    package func switchCurrent(to number: Int, from rejected: Int? = nil) throws(Refusal) {
        try exclusively { () throws(Refusal) in
            if let rejected, rejected != currentNumber() { return }
            // A damaged one is of no kind, and is not put in force.
            let kind = (try? record(number))?.kind
            guard let kind, kind == .standalone || disk.exists("identity") else {
                throw Refusal(.conflict, "The generation \(number) can no longer be put in force: the machine left its cluster meanwhile.")
            }
            try putCurrent(number)
        }
    }

    func putCurrent(_ number: Int) throws(Refusal) {
        try disk.remove(".new-current")
        try disk.link(".new-current", to: "generations/\(StateDirectory.name(number))")
        try disk.rename(".new-current", to: "current")
        try disk.sync("")
    }

    /// The generation in force, or the newest older one that is whole; with every damage that was met on the way.
    ///
    /// One that is newer than the one in force was never proved, and is not taken.
    package func current() throws(Refusal) -> (generation: Generation?, damages: [DamagedGeneration]) {
        guard let current = currentNumber() else { return (nil, []) }
        var damages: [DamagedGeneration] = []
        let candidates = [current] + (try generationNumbers().filter { $0 < current }.reversed())
        for number in candidates {
            do throws(DamagedGeneration) {
                return (try generation(number), damages)
            } catch {
                damages.append(error)
            }
        }
        return (nil, damages)
    }

    // MARK: - Keeping

    /// Deletes every generation but the one in force and the one before it, if that has the same origin: a cluster's settings
    /// are not kept beside a machine's own, nor the other way round (mission C3).
    package func deleteOldGenerations() throws(Refusal) {
        try exclusively { () throws(Refusal) in
            guard let current = currentNumber() else { return }
            let previous = try generationNumbers().last { $0 < current }
            try deleteGenerations(but: [current] + (previous.map { areOfOneKind($0, current) ? [$0] : [] } ?? []))
        }
    }

    /// Deletes a generation that is not in force.
    func discard(_ generation: Generation) throws(Refusal) {
        try exclusively { () throws(Refusal) in
            guard generation.number != currentNumber() else { return }
            try deleteGeneration(generation.number)
        }
    }

    func deleteGenerations(but kept: [Int]) throws(Refusal) {
        for number in try generationNumbers() where !kept.contains(number) {
            try deleteGeneration(number)
        }
    }

    /// Takes a generation away in one step, then its files from the disk.
    func deleteGeneration(_ number: Int) throws(Refusal) {
        let name = StateDirectory.name(number)
        let aside = "generations/.old-\(name)"
        guard disk.exists("generations/\(name)") else { return }
        try disk.rename("generations/\(name)", to: aside)
        try disk.sync("generations")
        try disk.remove(aside)
    }

    private func areOfOneKind(_ one: Int, _ other: Int) -> Bool {
        // A generation that cannot be read is of no kind: it is of no use.
        guard let one = try? record(one), let other = try? record(other) else { return false }
        return one.kind == other.kind
    }

    /// The generations on the disk, oldest first.
    package func generationNumbers() throws(Refusal) -> [Int] {
        try disk.list("generations").compactMap { $0.hasPrefix(".") ? nil : Int($0) }.sorted()
    }

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
    }
}

// MARK: - Reading

extension StateDirectory {
    /// Reads a generation and checks it: digests are computed again, keys and chains must be what their names say.
    package func generation(_ number: Int) throws(DamagedGeneration) -> Generation {
        let record = try record(number)
        var configuration = GatewayConfiguration(settings: record.configuration, chains: [:], keys: [:])
        guard configuration.settings.digest == record.digest, record.target.map({ $0.digest == record.digest }) ?? true else {
            throw DamagedGeneration(number: number, file: "settings.json", reason: "does not have the digest it had when it was laid out")
        }
        for fingerprint in record.keys {
            let file = "keys/\(fingerprint).pem"
            let pem = try material(file, of: number)
            // Why it does not read does not matter: it is not that key.
            guard (try? PrivateKey(pem: pem))?.facts.fingerprint == fingerprint else {
                throw DamagedGeneration(number: number, file: file, reason: "is not the key of that fingerprint")
            }
            configuration.keys[fingerprint] = pem
        }
        for digest in record.chains {
            let file = "chains/\(digest).pem"
            let pem = try material(file, of: number)
            guard Digest(hashing: Array(pem.utf8)) == digest else {
                throw DamagedGeneration(number: number, file: file, reason: "is not the chain of that digest")
            }
            configuration.chains[digest] = pem
        }
        return Generation(
            number: number, kind: record.kind, target: record.target, configuration: configuration, edits: record.edits ?? [])
    }

    /// Reads a generation that was just laid out as if after a restart.
    func readBack(_ generation: Generation) throws(Refusal) -> Generation {
        do throws(DamagedGeneration) {
            return try self.generation(generation.number)
        } catch {
            throw Refusal(.unreadable, error.description)
        }
    }

    func record(_ number: Int) throws(DamagedGeneration) -> GenerationRecord {
        let bytes = try file("settings.json", of: number, limit: Limits.frameBytes)
        do {
            let value = try JSONValue(parsing: bytes)
            guard value["format"]?.number == Int64(GenerationRecord.currentFormat) else {
                throw DamagedGeneration(number: number, file: "settings.json", reason: "has a format that this version does not read")
            }
            return try value.decode(GenerationRecord.self)
        } catch let damage as DamagedGeneration {
            throw damage
        } catch {
            throw DamagedGeneration(number: number, file: "settings.json", reason: "cannot be read: \(error)")
        }
    }

    func material(_ name: String, of number: Int) throws(DamagedGeneration) -> String {
        String(decoding: try file(name, of: number, limit: Limits.certificateFileBytes), as: UTF8.self)
    }

    private func file(_ name: String, of number: Int, limit: Int) throws(DamagedGeneration) -> [UInt8] {
        do throws(Refusal) {
            if let bytes = try disk.read("generations/\(StateDirectory.name(number))/\(name)", limit: limit) { return bytes }
        } catch {
            throw DamagedGeneration(number: number, file: name, reason: "cannot be read: \(error.reason)")
        }
        throw DamagedGeneration(number: number, file: name, reason: "is missing")
    }
}

import ClusterModel
import Replication
import SeededRandomness

// A machine that is disconnected on purpose, and what somebody edits on it meanwhile.
extension SimulatedMember {
    /// What the disk says of keeping apart.
    private struct Record: Codable {
        var isDisconnected = false
        var settled: [String] = []
    }

    private var record: Record {
        guard let bytes = disk.read("apart") else { return Record() }
        guard let read = try? JSONValue(parsing: bytes).decode(Record.self) else {
            world.violation("\(name): what it was told about keeping apart is damaged")
            return Record()
        }
        return read
    }

    /// Whether it keeps apart, and its edits that are not settled, by its disk.
    var apart: Apart {
        let record = record
        let edits = currentGeneration?.edits.filter { !record.settled.contains($0.id) } ?? []
        return Apart(isDisconnected: record.isDisconnected, edits: edits)
    }

    func stayApart(_ isDisconnected: Bool) throws {
        var record = record
        record.isDisconnected = isDisconnected
        try keep(record)
    }

    func settle(_ ids: [String]) throws {
        var record = record
        for id in ids where currentGeneration?.edits.contains(where: { $0.id == id }) == true { record.settled.append(id) }
        try keep(record)
    }

    private func keep(_ record: Record) throws {
        try disk.replace("apart", try JSONValue(encoding: record).canonicalBytes)
        let apart = apart
        decide { follower, _ in follower.stands(.success(apart)) }
    }

    /// Somebody at the machine edits an entry: it is in force once the gateway has taken it, and put back otherwise.
    func editOwn() {
        guard isUp, apart.isDisconnected, !gateway.isBusy, var own = currentGeneration, let target = own.target, follower != nil,
            let before = currentNumber()
        else { return }
        let unsettled = apart.edits
        let entry = world.random.pick(["a.example", "b.example", "c.example"])
        let tls = world.random.pick([DestinationSetting.TLS.none, .preferred, .required])
        let value = world.random.chance(700) ? DestinationSetting(tls: tls).json : nil
        let former = unsettled.first { $0.name == entry }
        let edit = LocalEdit(
            id: "edit-\(world.nextEntry())", section: .destinations, name: entry, value: value,
            base: former.map(\.base) ?? own.configuration[.destinations, entry]?.digest, time: world.now)
        own.edits = unsettled.filter { $0.name != entry } + (edit.digest == edit.base ? [] : [edit])
        own.configuration = own.configuration.setting(.destinations, entry, value)
        own.target = Target(position: target.position, revision: target.revision, digest: own.configuration.digest)
        world.computed(own.configuration, for: id, of: name)
        world.note("\(name) edits \(entry) by itself, \(edit.id)")
        do {
            let number = (numbers().last ?? 0) + 1
            try disk.replace("generation-\(number)", try own.bytes())
            try disk.replace("current", Array("\(number)".utf8))
            apply(own, number, over: before)
        } catch {
            crash()
        }
    }

    private func apply(_ own: SimulatedGeneration, _ number: Int, over before: Int) {
        gateway.apply(own.configuration) { [unowned self] refusal in
            do {
                guard refusal == nil, let target = own.target else {
                    try disk.replace("current", Array("\(before)".utf8))
                    try disk.delete("generation-\(number)")
                    let apart = apart
                    return decide { follower, _ in follower.stands(.success(apart)) }
                }
                try cleanUp(after: before)
                let proofs = gateway.prove(own.configuration)
                let apart = apart
                decide { $0.ranOwn(.init(target: target, configuration: own.configuration), proofs, apart: apart, now: $1) }
            } catch {
                crash()
            }
        }
    }
}

extension EffectiveConfiguration {
    /// With another value of one entry; nil takes it away.
    fileprivate func setting(_ section: SectionName, _ name: String, _ value: JSONValue?) -> EffectiveConfiguration {
        var plain = plain.members ?? [:]
        var entries = plain[section.rawValue]?.members ?? [:]
        entries[name] = value
        plain[section.rawValue] = entries.isEmpty ? nil : .object(entries)
        return EffectiveConfiguration(plain: .object(plain))
    }
}

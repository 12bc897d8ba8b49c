import ClusterModel
import Gateways
import Replication

/// When the agent looks at what it has put in force, and what it found on the disk last.
struct Looks: Sendable {
    private let seconds: ClosedRange<Int>
    private var left: Int
    /// The generation whose files were read, as they were, and what that said.
    private var known: (number: Int, marks: [String: FileMark], objections: [String])?

    init(every seconds: ClosedRange<Int>) {
        self.seconds = seconds
        left = seconds.upperBound
    }

    /// A second went by. The waits are of different lengths, so that a fleet does not look in step.
    mutating func isDue(_ generator: inout some RandomNumberGenerator) -> Bool {
        left -= 1
        guard left <= 0 else { return false }
        left = Int.random(in: seconds, using: &generator)
        return true
    }

    /// What of a generation's files is not as it was put in force. They are read again only when their marks changed.
    mutating func objections(to generation: Generation, in directory: StateDirectory) -> [String] {
        let marks = directory.marks(of: generation)
        if let known, known.number == generation.number, known.marks == marks { return known.objections }
        let objections = directory.holdings(of: generation.number).objections(to: generation.settings)
        known = (generation.number, marks, objections)
        return objections
    }
}

// MARK: - Looking by itself

extension AgentService {
    /// Looks whether what is in force is still what was applied, when it is time to and nothing else is done.
    func lookAround() async -> [Errand] {
        guard looks.isDue(&generator), isInForce else { return [] }
        guard following?.follower.running == nil else { return await obey(following?.follower.look()) }
        guard let current else { return [] }
        let (proofs, drift) = await look(at: current)
        saw(proofs, drift)
        await mendOwn(current, proofs.objections + drift)
        return []
    }

    /// What services serve, and what else is no longer as it was applied.
    func look(at generation: Generation) async -> (proofs: Proofs, drift: [String]) {
        let proofs = await installer.prove(generation)
        let observations = await gateway.observe(generation.configuration)
        let store = looks.objections(to: generation, in: directory)
        return (proofs, store + observations.compactMap(\.objection))
    }

    /// Takes what a look saw to the status board.
    func saw(_ proofs: Proofs, _ drift: [String]) {
        // A rejection is kept there, too.
        if board.objections == board.proofs?.objections ?? [] { board.objections = proofs.objections }
        board.proofs = proofs
        board.drift = Array(drift.prefix(Limits.receiptReasons))
    }
}

// MARK: - Looking for a manager

extension AgentService {
    /// Answers what a manager asks, beside everything else that is done.
    func answer(_ question: Question, on number: Int) async {
        guard let connection = following?.connection, connection.number == number, following?.follower.isWelcome == true else { return }
        let inventory = question.values.isEmpty ? await inventory() : values(question.values)
        for part in InventoryPart.parts(of: inventory, for: question.number) { connection.link.send(.inventory(part)) }
    }

    private func inventory() async -> Inventory {
        var inventory = Inventory()
        guard let generation = current, following?.follower.running != nil else { return inventory }
        inventory.running = generation.settings.digest
        let holdings = directory.holdings(of: generation.number)
        inventory.store = holdings.settings?.wellFormed
        inventory.damages = holdings.damages
        guard following?.follower.isBusy == false else {
            inventory.isBusy = true
            return inventory
        }
        inventory.proofs = await installer.prove(generation).proofs
        inventory.observations = await gateway.observe(generation.configuration)
        // Something was begun meanwhile, or even done.
        inventory.isBusy = following?.follower.isBusy != false || current?.number != generation.number
        return inventory
    }

    private func values(_ wanted: [EntryName]) -> Inventory {
        var inventory = Inventory()
        guard let generation = current, following?.follower.running != nil,
            let settings = directory.holdings(of: generation.number).settings
        else { return inventory }
        for name in wanted {
            guard let entry = settings[name.section, name.entry], entry.bytes.count <= Limits.entryBytes else { continue }
            inventory.values[name] = entry.value
        }
        return inventory
    }
}

extension EffectiveConfiguration {
    /// Digests of the entries whose names can be said to a manager.
    fileprivate var wellFormed: [EntryName: Digest] {
        var digests: [EntryName: Digest] = [:]
        for section in sections {
            for entry in section.entries where EntryName(section.name, entry.name).isWellFormed {
                digests[EntryName(section.name, entry.name)] = entry.digest
            }
        }
        return digests
    }
}

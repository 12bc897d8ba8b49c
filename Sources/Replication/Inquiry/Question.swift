package import ClusterModel

/// A manager asks a member what it holds. Members that speak version 2 of the protocol answer, while an update is in flight too.
package struct Question: Hashable, Sendable {
    /// The answer's frames name it.
    package var number: Int
    /// Entries whose values are wanted; none asks for the inventory.
    package var values: [EntryName]

    package init(number: Int, values: [EntryName] = []) {
        self.number = number
        self.values = values
    }
}

/// A frame of the answer to a question: a part of an inventory.
package struct InventoryPart: Hashable, Sendable {
    package var question: Int
    package var isLast: Bool
    /// What this frame has of the inventory.
    package var inventory: Inventory

    package init(question: Int, isLast: Bool, inventory: Inventory) {
        self.question = question
        self.isLast = isLast
        self.inventory = inventory
    }

    /// Cuts an inventory into frames that a manager takes. The first has what is said once; no item is cut.
    package static func parts(of inventory: Inventory, for question: Int, bytes limit: Int = Limits.inventoryBytes) -> [InventoryPart] {
        var head = Inventory()
        (head.running, head.isBusy) = (inventory.running, inventory.isBusy)
        if inventory.store == nil { head.store = nil }
        var packer = Packer(current: head, limit: limit)
        for (name, digest) in inventory.store?.sorted(by: { $0.key < $1.key }) ?? [] {
            packer.put(name.size + Digest.byteCount) { $0.store?[name] = digest }
        }
        for (name, value) in inventory.values.sorted(by: { $0.key < $1.key }) {
            packer.put(name.size + value.canonicalBytes.count) { $0.values[name] = value }
        }
        for damage in inventory.damages {
            packer.put(damage.file.utf8.count + damage.reason.utf8.count + damage.entries.size) { $0.damages.append(damage) }
        }
        for observation in inventory.observations.prefix(Limits.observations) {
            var observation = observation
            observation.entries = Array(observation.entries.prefix(Limits.observedEntries))
            let texts = observation.subject.utf8.count + (observation.remark?.utf8.count ?? 0)
            packer.put(texts + observation.entries.size + 2 * Digest.byteCount) { [observation] in $0.observations.append(observation) }
        }
        for proof in inventory.proofs.prefix(Limits.services) {
            packer.put(proof.service.utf8.count + (proof.unprovable?.utf8.count ?? 0) + Digest.byteCount) { $0.proofs.append(proof) }
        }
        let inventories = packer.done + [packer.current]
        return inventories.enumerated().map { index, part in
            InventoryPart(question: question, isLast: index == inventories.count - 1, inventory: part)
        }
    }

    private struct Packer {
        var current: Inventory
        let limit: Int
        var done: [Inventory] = []
        private var count = 0

        init(current: Inventory, limit: Int) {
            self.current = current
            self.limit = limit
        }

        mutating func put(_ size: Int, _ add: (inout Inventory) -> Void) {
            // Tags, lengths and the like.
            let size = size + 16
            if count > 0, count + size > limit {
                done.append(current)
                var next = Inventory()
                if current.store == nil { next.store = nil }
                (current, count) = (next, 0)
            }
            count += size
            add(&current)
        }
    }
}

extension EntryName {
    fileprivate var size: Int { section.rawValue.utf8.count + entry.utf8.count + 8 }
}

extension [EntryName] {
    fileprivate var size: Int { reduce(0) { $0 + $1.size } }
}

/// Puts the frames of one answer together, within limits: a member is not believed to stop by itself.
package struct InventoryAssembly: Sendable {
    private var inventory: Inventory?
    private var frames = 0

    package init() {}

    /// Takes the next frame; answers the inventory with the last one.
    package mutating func take(_ part: InventoryPart) throws(Refusal) -> Inventory? {
        frames += 1
        guard frames <= Limits.inventoryFrames else {
            throw Refusal(.limit, "An inventory has at most \(Limits.inventoryFrames) frames.")
        }
        guard var whole = inventory else {
            inventory = part.inventory
            return part.isLast ? part.inventory : nil
        }
        whole.store?.merge(part.inventory.store ?? [:]) { first, _ in first }
        if part.inventory.store == nil { whole.store = nil }
        whole.values.merge(part.inventory.values) { first, _ in first }
        whole.isBusy = whole.isBusy || part.inventory.isBusy
        whole.damages += part.inventory.damages
        whole.observations += part.inventory.observations
        whole.proofs += part.inventory.proofs
        guard whole.damages.count <= Limits.observations, whole.observations.count <= Limits.observations,
            whole.proofs.count <= Limits.services
        else {
            throw Refusal(.limit, "An inventory has at most \(Limits.observations) observations and \(Limits.services) proofs.")
        }
        inventory = whole
        return part.isLast ? whole : nil
    }
}

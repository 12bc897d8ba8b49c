import AdminContract
import ClusterModel

/// Compares what machines hold with what the cluster holds for them, and puts it right (mission C10).
///
/// What differs is decided by values (``ClusterModel/EffectiveConfiguration/differences(from:)``).
struct ConsistencyDesk: Sendable {
    private let ledger: Ledger
    private let fleet: FleetService
    private let vault: KeyVault

    init(ledger: Ledger, fleet: FleetService, vault: KeyVault) {
        self.ledger = ledger
        self.fleet = fleet
        self.vault = vault
    }

    /// Every machine by name, compared or with the reason why not. So many are asked at once, and for so long.
    func check(_ machines: [Membership], in state: ClusterState) async -> [ConsistencyView] {
        let start = fleet.uptime()
        let configurations = machines.count == 1 ? [:] : state.configurations()
        let waiting = machines.sorted { $0.machine < $1.machine }
        return await withTaskGroup(of: ConsistencyView.self) { tasks in
            var views: [ConsistencyView] = []
            for (index, machine) in waiting.enumerated() {
                if index >= Limits.parallelQuestions, let view = await tasks.next() { views.append(view) }
                guard fleet.uptime() - start < .seconds(Limits.checkSeconds) else {
                    views.append(
                        ConsistencyView(
                            machine: machine.machine, outcome: .notCompared,
                            reason: "the check of all machines ran out of time; check it by itself: muster check \(machine.machine)"))
                    continue
                }
                tasks.addTask {
                    await self.check(machine, against: configurations[machine.id] ?? state.configuration(of: machine))
                }
            }
            for await view in tasks { views.append(view) }
            return views.sorted { $0.machine < $1.machine }
        }
    }

    private func check(_ machine: Membership, against configuration: EffectiveConfiguration) async -> ConsistencyView {
        do throws(Refusal) {
            let inventory = try await fleet.ask(machine.id)
            let differences = configuration.differences(from: inventory)
            let shown = Array(differences.prefix(Limits.differences))
            let values = await self.values(of: shown, on: machine)
            return ConsistencyView(
                machine: machine.machine, outcome: differences.isEmpty ? .agrees : .differs,
                reason: ConsistencyDesk.reservation(inventory, configuration),
                differences: shown.map { DifferenceView($0, on: machine.machine, configuration: configuration, stored: values) },
                moreDifferences: differences.count - shown.count)
        } catch {
            return ConsistencyView(machine: machine.machine, outcome: .notCompared, reason: error.reason)
        }
    }

    /// What people should know besides the differences.
    private static func reservation(_ inventory: Inventory, _ configuration: EffectiveConfiguration) -> String? {
        if inventory.isBusy { return "an update was being applied: gateway and services were not compared" }
        guard let running = inventory.running else { return "it has applied nothing from the cluster so far" }
        return running == configuration.digest ? nil : "it runs something else than its target: it is on its way there, or rejected it"
    }

    /// What the machine has for entries of its store that differ. Without an answer they are shown without it.
    private func values(of differences: [ConsistencyDifference], on machine: Membership) async -> [EntryName: JSONValue] {
        let wanted = differences.filter { $0.place == .store && [.changed, .extra].contains($0.kind) }.flatMap(\.entries)
        guard !wanted.isEmpty else { return [:] }
        // That there is a difference is known, whatever it is.
        return (try? await fleet.ask(machine.id, values: Array(wanted.prefix(Limits.questionValues))).values) ?? [:]
    }

    // MARK: - Repair

    /// The machine lays out everything anew; answers when it has, or does not.
    func keepCluster(_ machine: Membership) async throws(Refusal) -> RepairView {
        guard let record = try await fleet.resend(machine.id) else {
            return RepairView(
                machine: machine.machine, outcome: .unanswered,
                reasons: ["it was sent everything anew and has not answered; see: muster machine show \(machine.machine)"])
        }
        if case .rejected(let reasons)? = record.lastReceived?.outcome {
            return RepairView(machine: machine.machine, outcome: .rejected, reasons: reasons)
        }
        let state = await ledger.state
        let check = await check(machine, against: state.configuration(of: machine))
        return RepairView(machine: machine.machine, outcome: .applied, check: check)
    }

    /// What a machine has otherwise than the cluster means it.
    struct Held: Sendable {
        struct Wanted: Sendable {
            var name: EntryName
            /// Nil when the machine lacks the entry.
            var value: JSONValue?
            /// Why it cannot be taken.
            var refusal: String?
        }

        var wanted: [Wanted]
        /// What stands in the way of taking all, one sentence each.
        var reasons: [String]
    }

    /// What differs in a machine's store, with the values that are there.
    func held(by machine: Membership) async throws(Refusal) -> Held {
        let configuration = await ledger.state.configuration(of: machine)
        let inventory = try await fleet.ask(machine.id)
        guard inventory.running != nil else {
            throw Refusal(.conflict, "\(machine.machine) has applied nothing from the cluster so far, so there is nothing to keep.")
        }
        let differences = configuration.differences(from: inventory).filter { $0.place == .store }
        let unreadable = differences.filter { $0.kind == .unreadable }.map(\.text)
        let names = differences.filter { $0.kind != .unreadable }.flatMap(\.entries)
        let asked = Array(names.filter { inventory.store?[$0] != nil }.prefix(Limits.questionValues))
        let values = asked.isEmpty ? [:] : try await fleet.ask(machine.id, values: asked).values
        var wanted: [Held.Wanted] = []
        for name in names {
            var item = Held.Wanted(name: name, value: values[name])
            if let digest = inventory.store?[name] { item.refusal = try await objection(to: name, values[name], digest) }
            wanted.append(item)
        }
        let refused = wanted.compactMap { item in item.refusal.map { "\(item.name) cannot be taken: \($0)" } }
        return Held(wanted: wanted, reasons: refused + unreadable)
    }

    /// Why an entry that the machine has cannot become an edit; nil when it can.
    private func objection(to name: EntryName, _ value: JSONValue?, _ digest: Digest) async throws(Refusal) -> String? {
        guard let value else { return "the machine did not send its value" }
        guard EffectiveEntry.digest(section: name.section, name: name.entry, bytes: value.canonicalBytes) == digest else {
            return "it changed while it was asked for; try again"
        }
        guard let kind = Section.named(name.section), kind.naming.accepts(name.entry) else { return "there is no such setting" }
        do throws(SettingError) {
            _ = try kind.normalize(value, SettingPath(name.section.rawValue, name.entry))
        } catch {
            return error.description
        }
        for (field, lacks) in try await material(named: value, in: name.section) where lacks {
            return "the cluster does not have its \(field); take it in with its file: \(ConsistencyDesk.cure(name))"
        }
        return nil
    }

    /// The keys and texts that an entry names, and whether the cluster lacks each.
    private func material(named value: JSONValue, in section: SectionName) async throws(Refusal) -> [(field: String, isLacking: Bool)] {
        func digest(_ value: JSONValue?) -> Digest? { value?.text.flatMap(Digest.init(hex:)) }
        var found: [(String, Bool)] = []
        switch section {
        case .certificates:
            if let key = digest(value["key"]?["fingerprint"]) { found.append(("private key", try await !vault.holds(key))) }
            if let chain = digest(value["chainBlob"]) { found.append(("chain", try await !vault.holds(chain: chain))) }
        case .authorities:
            if let list = digest(value["blob"]) { found.append(("list", try await !vault.holds(chain: list))) }
        default: break
        }
        return found
    }

    private static func cure(_ name: EntryName) -> String {
        name.section == .certificates ? "muster cert import \(name.entry)" : "muster authority add \(name.entry) FILE"
    }
}

extension DifferenceView {
    init(
        _ difference: ConsistencyDifference, on machine: String, configuration: EffectiveConfiguration, stored: [EntryName: JSONValue]
    ) {
        let cluster = "muster check \(machine) --keep cluster"
        let canBeTaken = difference.place == .store && difference.kind != .unreadable
        self.init(
            place: difference.place, kind: difference.kind, subject: difference.subject, entries: difference.entries.map(\.description),
            text: difference.text, cures: [cluster] + (canBeTaken ? ["muster check \(machine) --keep machine"] : []))
        guard canBeTaken, let name = difference.entries.first else { return }
        let (ours, theirs) = (configuration[name.section, name.entry]?.value, stored[name])
        self.cluster = ours.map { $0.shown(besides: theirs) }
        self.stored = theirs.map { $0.shown(besides: ours) }
    }
}

extension JSONValue {
    /// A value in few characters: of an object only what another has otherwise.
    fileprivate func shown(besides other: JSONValue?) -> String {
        var value = self
        if let members, let others = other?.members {
            value = .object(members.filter { others[$0.key] != $0.value })
        }
        let text = String(decoding: value.canonicalBytes, as: UTF8.self)
        // No setting holds a key; what was written into a store by hand may be anything.
        guard !text.contains("PRIVATE KEY") else { return "<redacted>" }
        return text.count <= Limits.shownValueLength ? text : "\(text.prefix(Limits.shownValueLength))..."
    }
}

import ClusterModel
import Replication
import SeededRandomness
import Testing

@Suite("Of a section that the base has, an update carries the entries that change")
struct SectionChangeTests {
    // MARK: - Any base, any goal

    @Test func `base and update make the target, between any two of hundreds of random configurations`() throws {
        var random = SplitMix64(seed: 26)
        var forms: Set<String> = []
        for _ in 0..<400 {
            let base = configuration(&random)
            // Mostly some entries differ; now and then everything.
            let goal = random.next() % 5 == 0 ? configuration(&random) : altered(base, &random)
            let update = try buildUpdate(target: target(goal, position: 2), configuration: goal, base: base, head: head(2)) { _ in [] }
            let result = try assemble(base: base, update: update)
            #expect(result == goal)
            for section in goal.sections where base[section.name] != section {
                // Also where values come from, which is in no digest.
                #expect(result[section.name]?.entries.map(\.origin) == section.entries.map(\.origin))
            }
            if !update.sections.isEmpty { forms.insert("whole section") }
            if !update.removed.isEmpty { forms.insert("section gone") }
            if update.changes.contains(where: { !$0.removed.isEmpty }) { forms.insert("entry gone") }
            if update.changes.contains(where: { !$0.entries.isEmpty }) { forms.insert("entry set") }
        }
        #expect(forms == ["whole section", "section gone", "entry gone", "entry set"])
    }

    private func configuration(_ random: inout SplitMix64) -> EffectiveConfiguration {
        EffectiveConfiguration(
            sections: [.destinations, .mailFlowPolicies].map { name in
                EffectiveSection(name: name, entries: (0..<random.next() % 12).compactMap { _ in entry(name, &random) })
            }.map { section in
                let entries = Dictionary(section.entries.map { ($0.name, $0) }) { first, _ in first }
                return EffectiveSection(name: section.name, entries: Array(entries.values))
            })
    }

    private func altered(_ base: EffectiveConfiguration, _ random: inout SplitMix64) -> EffectiveConfiguration {
        EffectiveConfiguration(
            sections: base.sections.map { section in
                var entries = Dictionary(section.entries.map { ($0.name, $0) }) { first, _ in first }
                for _ in 0..<random.next() % 4 {
                    let new = entry(section.name, &random)
                    entries[new.name] = random.next() % 3 == 0 ? nil : new
                }
                return EffectiveSection(name: section.name, entries: Array(entries.values))
            })
    }

    private func entry(_ section: SectionName, _ random: inout SplitMix64) -> EffectiveEntry {
        let layers: [LayerID] = [.cluster, .group(GroupID(rawValue: "g1")), .machine(mx1)]
        return EffectiveEntry(
            section: section, name: "e\(random.next() % 16)", value: ["a": .integer(Int64(random.next() % 3))],
            origin: .init(layer: layers[Int(random.next() % 3)], revision: Int(random.next() % 9)))
    }

    // MARK: - What is sent

    private static func section(_ values: KeyValuePairs<String, JSONValue>, at layer: LayerID = .cluster) -> EffectiveSection {
        EffectiveSection(
            name: .destinations,
            entries: values.map {
                EffectiveEntry(section: .destinations, name: $0.key, value: $0.value, origin: .init(layer: layer, revision: 1))
            })
    }

    private let before = section(["a": 1, "b": 2, "c": 3])
    private let after = section(["b": 2, "c": 4, "d": 5])

    private func plan(_ goal: EffectiveSection, base: EffectiveSection?) -> Update {
        let goal = EffectiveConfiguration(sections: [goal])
        return UpdatePlan(
            target: target(goal, position: 2), head: head(2), configuration: goal,
            base: base.map { EffectiveConfiguration(sections: [$0]) }
        ).update(material: [])
    }

    @Test func `entries that are the same do not travel`() throws {
        let update = plan(after, base: before)
        #expect(update.sections.isEmpty && update.removed.isEmpty)
        let change = try #require(update.changes.first)
        #expect(change.entries.map(\.name) == ["c", "d"])
        #expect(change.removed == ["a"])
        #expect(change.digest == after.digest)
    }

    @Test func `where everything changes, or there is no base, the section travels whole`() {
        let other = SectionChangeTests.section(["a": 4, "b": 5])
        for update in [
            plan(other, base: before), plan(after, base: nil), plan(after, base: EffectiveSection(name: .destinations, entries: [])),
        ] {
            #expect(update.changes.isEmpty && update.sections.count == 1)
        }
    }

    @Test func `members that need the same change get the same instance, a machine's own section not`() throws {
        let change = try #require(after.change(from: before))
        #expect(after.change(from: before) === change && change.isShared)
        // The same values from elsewhere: another change, since all of it comes from another level.
        let elsewhere = SectionChangeTests.section(["a": 1, "b": 2, "c": 3], at: .group(GroupID(rawValue: "g1")))
        #expect(after.change(from: elsewhere) !== change)
        let own = SectionChangeTests.section(["b": 2, "c": 4], at: .machine(mx1))
        let ownChange = SectionChangeTests.section(["b": 2, "c": 4, "d": 4], at: .machine(mx1)).change(from: own)
        #expect(ownChange?.isShared == false)
    }

    // MARK: - What is refused

    private func refuses(
        _ entries: KeyValuePairs<String, JSONValue>, removed: [String], digest: Digest? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var update = plan(after, base: before)
        update.changes = [
            SectionChange(
                name: .destinations, digest: digest ?? after.digest, entries: SectionChangeTests.section(entries).entries, removed: removed)
        ]
        #expect(throws: Refusal(.conflict, ""), sourceLocation: sourceLocation) {
            try assemble(base: EffectiveConfiguration(sections: [before]), update: update)
        }
    }

    @Test func `a change that does not fit its base, or contradicts itself, is refused`() throws {
        refuses(["c": 4, "d": 5], removed: [])
        refuses(["c": 4], removed: ["a"])
        refuses(["c": 4, "d": 6], removed: ["a"])
        refuses(["c": 4, "d": 5], removed: ["a"], digest: before.digest)
        refuses(["c": 4, "d": 5], removed: ["a", "x"])
        refuses(["c": 4, "d": 5], removed: ["a", "a"])
        refuses(["c": 4, "d": 5, "d": 5], removed: ["a"])
        // Else removed and set again, or the other way round: which of them is nobody's to guess.
        refuses(["c": 4, "d": 5], removed: ["a", "c"])
        refuses(["c": 4, "d": 5], removed: ["a", "d"])
    }

    @Test func `the reason tells what does not fit`() {
        let change = SectionChange(name: .destinations, digest: after.digest, entries: [], removed: ["x"])
        let refusal = #expect(throws: Refusal(.conflict, "")) { try change.applied(to: before) }
        #expect(refusal?.reason == "The update's change of the section destinations removes x, which is not there.")
        let missing = #expect(throws: Refusal(.conflict, "")) { try change.applied(to: nil) }
        #expect(missing?.reason.contains("does not have") == true)
    }

    @Test func `a member whose base lacks the section asks for everything`() throws {
        var update = plan(after, base: before)
        let empty = EffectiveConfiguration.empty
        update.base = empty.digest
        #expect(throws: Refusal(.conflict, "")) { try assemble(base: empty, update: update) }
    }
}

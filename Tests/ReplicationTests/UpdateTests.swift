import ClusterModel
import Replication
import Testing

@Suite("An update brings a member from one configuration to another")
struct UpdateTests {
    static let configurations = [
        configuration(), configuration(destination: .required), configuration(certificate: "two"),
        configuration(certificate: "two", destination: .preferred),
        EffectiveConfiguration.empty,
    ]

    @Test(arguments: configurations, configurations)
    func `base and update make the target, between any two`(_ base: EffectiveConfiguration, _ goal: EffectiveConfiguration) throws {
        let update = try buildUpdate(target: target(goal, position: 2), configuration: goal, base: base, head: head(2)) { _ in [] }
        let result = try assemble(base: base, update: update)
        #expect(result.digest == goal.digest)
        #expect(result.sections.map(\.digest) == goal.sections.map(\.digest))
        let whole = try buildUpdate(target: target(goal, position: 2), configuration: goal, base: nil, head: head(2)) { _ in [] }
        #expect(try assemble(base: nil, update: whole).digest == goal.digest)
    }

    @Test func `only sections that differ travel, those that are gone are named, and equal ones are shared by reference`() throws {
        let update = try buildUpdate(
            target: target(configuration(certificate: "two"), position: 2), configuration: configuration(certificate: "two"),
            base: configuration(destination: .required), head: head(2)
        ) { _ in [] }
        #expect(update.sections.map(\.name) == [.certificates])
        #expect(update.removed == [.destinations])
        let goal = configuration()
        let plan = UpdatePlan(target: target(goal, position: 1), head: head(1), configuration: goal, base: nil)
        #expect(zip(plan.update(material: []).sections, goal.sections).allSatisfy { $0 === $1 })
    }

    @Test func `only the material that the base did not need is asked for`() throws {
        func asked(_ goal: EffectiveConfiguration, base: EffectiveConfiguration?) throws -> MaterialNeeded {
            try UpdatePlan(target: target(goal, position: 1), head: head(1), configuration: goal, base: base).materialLacking()
        }
        let one = MaterialNeeded(keys: [key("one").digest], chains: [chain("one").digest])
        #expect(try asked(configuration(), base: nil) == one)
        #expect(try asked(configuration(destination: .required), base: configuration()) == MaterialNeeded())
        #expect(try asked(configuration(), base: configuration(certificate: "two")) == one)
    }

    @Test func `an update on another base, or one that does not make its target, is refused`() throws {
        let goal = configuration(certificate: "two")
        var update = try buildUpdate(target: target(goal, position: 2), configuration: goal, base: configuration(), head: head(2)) { _ in []
        }
        #expect(throws: Refusal(.conflict, "")) { try assemble(base: configuration(destination: .required), update: update) }
        #expect(throws: Refusal(.conflict, "")) { try assemble(base: nil, update: update) }
        update.sections = []
        #expect(throws: Refusal(.conflict, "")) { try assemble(base: configuration(), update: update) }
    }

    @Test func `a message with key material shows none of it`() throws {
        let update = try buildUpdate(target: target(configuration(), position: 1), configuration: configuration(), base: nil, head: head(1))
        { _ in
            [key("one"), chain("one")]
        }
        #expect(!"\(ManagerMessage.update(update))".contains("key one"))
    }
}

extension MaterialNeeded {
    init(keys: Set<Digest>, chains: Set<Digest>) {
        self.init()
        self.keys = keys
        self.chains = chains
    }
}

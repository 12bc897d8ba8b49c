import ClusterModel
import Testing

/// A setting of some later version: version 1 had `name` alone.
private struct Later: Setting {
    enum Mode: String, CaseIterable, Sendable {
        case plain
        case newer
    }

    struct Inner: Setting {
        var label = ""
        var weight = 0

        static let shape = Shape<Inner>(
            "Inside.",
            [
                .required("label", \.label, .text("a label"), "Since ever."),
                .standard("weight", \.weight, .integer(0...9), 0, "Since 4.", since: 4),
            ],
            initial: Inner.init)
    }

    var name = ""
    var mode = Mode.plain
    var note: String?
    var items: [Inner] = []
    var one: Inner?

    static let shape = Shape<Later>(
        "A setting that grew.",
        [
            .required("name", \.name, .text("a name"), "Since ever."),
            .standard("mode", \.mode, .choice(Mode.self, since: [.newer: 5]), .plain, "With a word since 5."),
            .optional("note", \.note, .text("a note"), "Since 2.", since: 2),
            .standard("items", \.items, .list(of: .setting(Inner.self)), [], "Since 3.", since: 3),
            .optional("one", \.one, .setting(Inner.self), "Since ever."),
        ],
        initial: Later.init)
}

private let later = Section(SectionName(rawValue: "later"), of: Later.self, naming: .named(.plain), laterEntries: ["special": 6])

/// The sections as a later version of Muster has them.
private func kinds(_ name: SectionName) -> Section? { name == later.name ? later : Section.named(name) }

@Suite("A value needs the version that what it uses came with")
struct VersionTests {
    @Test(
        arguments: [
            (#"{"name":"a"}"#, 1, []), (#"{"name":"a","note":"b"}"#, 2, ["note"]),
            (#"{"name":"a","one":{"label":"x"}}"#, 1, []), (#"{"name":"a","one":{"label":"x","weight":2}}"#, 4, ["one.weight"]),
            (#"{"name":"a","items":[{"label":"x"},{"label":"y","weight":1}]}"#, 4, ["items", "items[1].weight"]),
            (#"{"name":"a","items":[{"label":"x"}]}"#, 3, ["items"]), (#"{"name":"a","mode":"newer"}"#, 5, ["mode"]),
        ] as [(String, Int, [String])])
    func `fields, nested ones, lists and words count when they are used`(_ text: String, _ version: Int, _ fields: [String]) throws {
        let value = try later.normalize(JSONValue(parsing: text.utf8), SettingPath())
        #expect(later.neededVersion(of: value) == version)
        #expect(later.needs(value).map(\.path.description) == fields)
    }

    @Test func `what has its standard value is not written and needs nothing`() throws {
        let spelled = try JSONValue(parsing: #"{"name":"a","mode":"plain","items":[],"one":{"label":"x","weight":0}}"#.utf8)
        #expect(later.neededVersion(of: spelled) == 1)
        #expect(later.neededVersion(of: try later.normalize(spelled, SettingPath())) == 1)
    }

    @Test func `a section has the version of its newest field`() {
        #expect(later.version == 6)
        #expect(Later.Inner.shape.version == 4)
        // What came after the first agents: server names of listeners.
        for section in Section.all { #expect(section.version == (section.name == .listeners ? 2 : 1), "\(section.name)") }
    }

    @Test func `an agent lacks the section as a whole, or the fields that are newer than what it knows`() throws {
        let value = try JSONValue(parsing: #"{"name":"a","note":"b","items":[{"label":"x","weight":1}]}"#.utf8)
        func lacks(_ known: Int?, _ entry: String = "e") -> [String] {
            var agent = AgentKnowledge.ours(agent: "test")
            agent.sections[later.name] = known
            return agent.lacks(later.name, entry, value, kinds: kinds).map(\.text)
        }
        #expect(lacks(nil) == ["the section later"])
        #expect(lacks(1) == ["the field note of later", "the field items of later", "the field items[0].weight of later"])
        #expect(lacks(3) == ["the field items[0].weight of later"])
        #expect(lacks(4) == [])
        #expect(lacks(9) == [], "an agent may be newer")
        #expect(lacks(5, "special") == ["the entry special of later"])
        #expect(lacks(6, "special") == [])
    }

    @Test func `what an agent says survives being kept`() throws {
        var agent = AgentKnowledge.ours(agent: "muster/2")
        agent.protocols = 1...3
        agent.sections[SectionName(rawValue: "unheardOf")] = 7
        #expect(try JSONValue(encoding: agent).decode(AgentKnowledge.self) == agent)
        let wrong = try JSONValue(parsing: #"{"agent":"a","oldestProtocol":3,"newestProtocol":1,"sections":{}}"#.utf8)
        #expect(throws: DecodingError.self) { try wrong.decode(AgentKnowledge.self) }
    }

    @Test func `two sides speak the newest version that both do, or none`() {
        #expect(MemberProtocol.agreed(with: 1...1) == 1)
        #expect(MemberProtocol.agreed(with: 1...9) == MemberProtocol.versions.upperBound)
        #expect(MemberProtocol.agreed(with: 98...99) == nil)
        var agent = AgentKnowledge.ours(agent: "muster/9")
        agent.protocols = 98...99
        #expect(MemberProtocol.disagreement(with: agent).contains("versions 98 to 99"))
        #expect(MemberProtocol.disagreement(with: agent).hasSuffix("upgrade the manager"))
        agent.protocols = 0...0
        #expect(MemberProtocol.disagreement(with: agent).hasSuffix("upgrade the agent"))
    }
}

@Suite("Which machines would get what their agents do not understand")
struct LackTests {
    private let mx2 = MembershipID(rawValue: "m2")
    private let old: JSONValue = ["name": "a"]
    private let new: JSONValue = ["name": "a", "note": "b"]

    /// Two machines in `main`; the agent of mx1 knows the first version of the section.
    private func story() throws -> Story {
        var story = try Story()
        try story.join("mx2", as: mx2, invitation: "i2")
        return story
    }

    private func lacks(_ after: ClusterState, since before: ClusterState, knows version: Int? = 1, limit: Int = 100) -> [String] {
        after.lacks(since: before, limit: limit, kinds: kinds) { membership in
            guard membership.machine == "mx1" else { return nil }
            var agent = AgentKnowledge.ours(agent: "old")
            agent.sections[later.name] = version
            return agent
        }.map { "\($0.membership.machine) \($0.lack.entry) \($0.layer) \($0.lack.text)" }
    }

    @Test func `an entry that uses a newer field is found on the machine that gets it, and only there`() throws {
        let story = try story()
        let before = story.state
        let plain = try before.applying([story.set(later.name, "e", old)])
        #expect(lacks(plain, since: before).isEmpty)
        let after = try before.applying([story.set(later.name, "e", new)])
        #expect(lacks(after, since: before) == ["mx1 e cluster the field note of later"])
        #expect(lacks(plain, since: before, knows: nil) == ["mx1 e cluster the section later"])
    }

    @Test func `what the machine overrides or hides, or does not inherit, it does not get`() throws {
        let story = try story()
        let before = story.state
        let own = LayerID.machine(story.mx1)
        let wide = story.set(later.name, "e", new)
        let overridden = try before.applying([wide, story.set(later.name, "e", old, at: own)])
        #expect(lacks(overridden, since: before).isEmpty)
        let hidden = try before.applying([wide, Edit(layer: own, section: later.name, entry: "e", change: .hide, basis: nil)])
        #expect(lacks(hidden, since: before, knows: nil).isEmpty)
        let isolated = try before.applying([wide, Edit(layer: own, section: later.name, entry: nil, change: .isolate, basis: nil)])
        #expect(lacks(isolated, since: before, knows: nil).isEmpty)
        let group = try before.applying([wide, story.set(later.name, "e", old, at: .group(story.main))])
        #expect(lacks(group, since: before).isEmpty)
        // Taking the override, the hiding or the isolation away brings it to the machine.
        for state in [overridden, hidden, isolated] {
            let bare = try state.applying([
                Edit(layer: own, section: later.name, entry: "e", change: .remove, basis: nil),
                Edit(layer: own, section: later.name, entry: nil, change: .inherit, basis: nil),
            ])
            #expect(lacks(bare, since: state) == ["mx1 e cluster the field note of later"])
        }
        let machine = try before.applying([story.set(later.name, "e", new, at: own)])
        #expect(lacks(machine, since: before) == ["mx1 e machine/m1 the field note of later"])
    }

    @Test func `a machine with words of its own gets the others all the same, and a group may set it for its machines`() throws {
        let story = try story()
        let own = story.set(later.name, "mine", old, at: .machine(story.mx1))
        let before = try story.state.applying([own])
        let wide = try before.applying([story.set(later.name, "e", new), story.set(later.name, "mine", new)])
        #expect(lacks(wide, since: before) == ["mx1 e cluster the field note of later"])
        let group = try before.applying([story.set(later.name, "e", old), story.set(later.name, "e", new, at: .group(story.main))])
        #expect(lacks(group, since: before) == ["mx1 e group/g1 the field note of later"])
        let nearer = Edit(layer: .group(story.main), section: later.name, entry: nil, change: .isolate, basis: nil)
        #expect(lacks(try wide.applying([nearer]), since: before).isEmpty)
        // A machine that was not there before gets everything for the first time.
        #expect(lacks(wide, since: ClusterState()) == ["mx1 e cluster the field note of later"])
    }

    @Test func `what was too new before is no news, and what is added to it is`() throws {
        let story = try story()
        let before = try story.state.applying([story.set(later.name, "e", new)])
        let other = try before.applying([story.set(.destinations, "a.example", ["tls": "required"]), story.set(later.name, "e", new)])
        #expect(lacks(other, since: before).isEmpty)
        let more = try before.applying([story.set(later.name, "e", ["name": "a", "note": "b", "mode": "newer"])])
        #expect(lacks(more, since: before) == ["mx1 e cluster the field mode of later"])
        let second = try before.applying([story.set(later.name, "f", new), story.set(later.name, "g", new)])
        #expect(lacks(second, since: before).count == 2)
        #expect(lacks(second, since: before, limit: 1).count == 1)
    }
}

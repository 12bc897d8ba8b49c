import ClusterModel
import Testing

@Suite("The nearest level wins, entry by entry")
struct ResolveTests {
    let group = GroupID(rawValue: "g")
    let membership = MembershipID(rawValue: "m")

    func layer(_ entries: [(String, EntryState)], isolated: Bool = false) -> Layer {
        var layer = Layer()
        for (name, state) in entries { layer[.destinations, name] = LayerEntry(state, revision: 1) }
        layer[.destinations].isIsolated = isolated
        return layer
    }

    func value(_ tls: String) -> EntryState { .set(["tls": .string(tls)]) }

    func names(_ cluster: Layer, _ groupLayer: Layer, _ machine: Layer) -> [String: String] {
        let configuration = resolve(cluster: cluster, group: groupLayer, groupID: group, machine: machine, membership: membership)
        return Dictionary(
            uniqueKeysWithValues: (configuration[.destinations]?.entries ?? []).map { ($0.name, $0.value["tls"]?.text ?? "") })
    }

    @Test func `a machine overrides its group, and a group the cluster`() {
        let cluster = layer([("a", value("none")), ("b", value("none")), ("c", value("none"))])
        let groupLayer = layer([("b", value("required")), ("c", value("required"))])
        let machine = layer([("c", value("preferred"))])
        #expect(names(cluster, groupLayer, machine) == ["a": "none", "b": "required", "c": "preferred"])
    }

    @Test func `a hidden entry is gone from there down, and a nearer level brings it back`() {
        let cluster = layer([("a", value("none")), ("b", value("none"))])
        let groupLayer = layer([("a", .hidden), ("b", .hidden)])
        #expect(names(cluster, groupLayer, layer([("b", value("required"))])) == ["b": "required"])
    }

    @Test func `an isolated section inherits nothing`() {
        let cluster = layer([("a", value("none"))])
        #expect(names(cluster, layer([("b", value("none"))], isolated: true), Layer()) == ["b": "none"])
    }

    @Test func `every value says where it comes from and what it shadows`() throws {
        let cluster = layer([("a", value("none"))])
        let configuration = resolve(
            cluster: cluster, group: layer([("a", value("required"))]), groupID: group, machine: layer([("a", value("preferred"))]),
            membership: membership)
        let entry = try #require(configuration[.destinations, "a"])
        #expect(entry.origin.layer == .machine(membership))
        #expect(entry.shadows.map(\.layer) == [.group(group), .cluster])
    }

    @Test func `machines that inherit the same share the section itself`() {
        let inherited = InheritedSettings(cluster: layer([("a", value("none"))]), group: Layer(), groupID: group)
        let one = inherited.configuration(machine: Layer(), membership: membership)
        let two = inherited.configuration(machine: Layer(), membership: MembershipID(rawValue: "n"))
        #expect(one[.destinations] === two[.destinations])
        #expect(one.digest == two.digest)
    }

    @Test func `where a value comes from does not change the digest`() {
        let above = resolve(
            cluster: layer([("a", value("none"))]), group: Layer(), groupID: group, machine: Layer(), membership: membership)
        let own = resolve(
            cluster: Layer(), group: Layer(), groupID: group, machine: layer([("a", value("none"))]), membership: membership)
        #expect(above.digest == own.digest)
    }
}

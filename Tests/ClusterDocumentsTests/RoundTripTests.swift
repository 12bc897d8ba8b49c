import ClusterDocuments
import ClusterModel
import RandomClusters
import Testing

/// What a layer says, without when it was said.
private func said(_ layer: Layer) -> [SectionName: [String: EntryState]] {
    layer.sections.mapValues { $0.entries.mapValues(\.state) }
}

private func isolated(_ layer: Layer) -> Set<SectionName> { Set(layer.sections.filter(\.value.isIsolated).keys) }

/// Every level's layer, by the level's name.
private func layers(_ state: ClusterState) -> [Level: Layer] {
    var layers: [Level: Layer] = [.cluster: state.layer(.cluster) ?? Layer()]
    for group in state.groups.values { layers[.group(group.name)] = group.layer }
    for membership in state.memberships.values { layers[.machine(membership.machine)] = membership.layer }
    return layers
}

private func digests(_ state: ClusterState) -> [String: Digest] {
    Dictionary(uniqueKeysWithValues: state.memberships.values.map { ($0.machine, state.configuration(of: $0).digest) })
}

/// The certificates of a document, as if the cluster held all their keys.
private func certificates(of document: ClusterDocument) -> [CertificatePlace: JSONValue] {
    var values: [CertificatePlace: JSONValue] = [:]
    for (level, sections) in document.settings {
        for case (let name, .certificate(.masked(let value))) in sections[.certificates] ?? [:] {
            values[CertificatePlace(level, name)] = value
        }
    }
    return values
}

/// Brings a cluster to what a document says, as apply and commit do.
private func apply(_ document: ClusterDocument, to cluster: inout RandomCluster) throws -> [Edit] {
    let edits = try cluster.state.edits(toward: document, certificates: certificates(of: document), committed: cluster.state)
    if !edits.isEmpty { try cluster.commit(edits) }
    return edits
}

@Suite("What was saved makes another cluster the same", .timeLimit(.minutes(2)))
struct RoundTripTests {
    @Test(arguments: UInt64(1)...40)
    func `a random cluster goes into a document, a text and back, and makes a fresh cluster the same`(_ seed: UInt64) throws {
        let cluster = try RandomCluster(seed: seed)
        let document = cluster.state.document()
        for text in [YAMLText.write(document.json), document.json.canonicalText] { #expect(try read(text) == document) }

        var fresh = try RandomCluster.fresh(like: cluster.state)
        #expect(!(try apply(document, to: &fresh)).isEmpty)
        let (before, after) = (layers(cluster.state), layers(fresh.state))
        #expect(before.mapValues(said) == after.mapValues(said))
        #expect(before.mapValues(isolated) == after.mapValues(isolated))
        #expect(digests(cluster.state) == digests(fresh.state))
        // Once more changes nothing, and it is saved as the same text.
        #expect(try apply(document, to: &fresh).isEmpty)
        #expect(YAMLText.write(fresh.state.document().json) == YAMLText.write(document.json))
    }

    @Test func `a section that inherits nothing says so also beside an entry that is hidden`() throws {
        var document = ClusterDocument(groups: ["eu"], settings: [.group("eu"): [.delivery: [EntryNaming.onlyEntry: .hidden]]])
        document.isolated = [.group("eu"): [.delivery]]
        for text in [YAMLText.write(document.json), document.json.canonicalText] { #expect(try read(text) == document) }
    }

    @Test func `every section takes part in it`() throws {
        var values = try RandomCluster(seed: 1, edits: 0).values
        for section in Section.all { #expect(values.entry(of: section) != nil, "no entry of \(section.name) was found at random") }
    }

    @Test(arguments: UInt64(1)...20)
    func `exactly what a document names is replaced`(_ seed: UInt64) throws {
        var cluster = try RandomCluster(seed: seed)
        let other = try RandomCluster(seed: seed + 1000)
        // Half of another cluster's sections; some of these are empty here, some there.
        var document = ClusterDocument()
        for (index, section) in Section.all.enumerated() where index % 2 == 0 {
            for level in layers(cluster.state).keys where section.levels.contains(level.kind) {
                document.settings[level, default: [:]][section.name] = other.state.document().settings[level]?[section.name] ?? [:]
                if other.state.document().isolated[level]?.contains(section.name) == true {
                    document.isolated[level, default: []].insert(section.name)
                }
            }
        }
        let before = layers(cluster.state)
        _ = try apply(document, to: &cluster)
        for (level, layer) in layers(cluster.state) {
            for section in Section.all where section.levels.contains(level.kind) {
                let wanted = document.settings[level]?[section.name] == nil ? before[level] : layers(other.state)[level]
                #expect(said(layer)[section.name] == wanted.flatMap { said($0)[section.name] }, "\(level) \(section.name)")
                #expect(
                    isolated(layer).contains(section.name) == wanted.map { isolated($0).contains(section.name) }, "\(level) \(section.name)"
                )
            }
        }
    }
}

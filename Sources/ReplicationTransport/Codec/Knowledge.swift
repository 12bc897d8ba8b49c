import ClusterModel
import SwiftProtobuf
import WireMessages

/// What an agent understands, as a hello and a join carry it in fields of the same names.
struct WireKnowledge {
    var newest: UInt32
    var oldest: UInt32
    var agent: String
    var sections: [String]
    var versions: [WireSectionVersion]
    var gateway: String

    init(newest: UInt32, oldest: UInt32, agent: String, sections: [String], versions: [WireSectionVersion], gateway: String) {
        self.newest = newest
        self.oldest = oldest
        self.agent = agent
        self.sections = sections
        self.versions = versions
        self.gateway = gateway
    }

    /// What is as in the first version is left out.
    init(_ knowledge: AgentKnowledge) {
        newest = UInt32(clamping: knowledge.protocols.upperBound)
        oldest = knowledge.protocols.count == 1 ? 0 : UInt32(clamping: knowledge.protocols.lowerBound)
        agent = Field.cut(knowledge.agent, to: Limits.textLength)
        let known = knowledge.sections.sorted { $0.key < $1.key }
        sections = known.map(\.key.rawValue)
        versions = known.filter { $0.value > 1 }.map { name, version in
            .with {
                $0.section = name.rawValue
                $0.version = UInt32(clamping: version)
            }
        }
        gateway = knowledge.gateway?.rawValue ?? ""
    }

    /// Whether the versions are ones that are spoken here is for whoever answers to say.
    func read(_ message: String) throws(Refusal) -> AgentKnowledge {
        let names = try Field.names(sections, "\(message).sections", limit: Limits.listItems).map(SectionName.init)
        var known = Dictionary(names.map { ($0, 1) }) { one, _ in one }
        guard versions.count <= known.count else { throw Field.invalid("\(message).section_versions", "has too many items") }
        for (index, item) in versions.enumerated() {
            let field = "\(message).section_versions[\(index)]"
            let name = SectionName(rawValue: try Field.name(item.section, "\(field).section"))
            guard known[name] == 1 else { throw Field.invalid("\(field).section", "is not one of the sections, or there twice") }
            guard item.version > 1 else { throw Field.invalid("\(field).version", "is \(item.version); the first is not named") }
            known[name] = Int(item.version)
        }
        guard oldest <= newest else { throw Field.invalid("\(message).oldest_version", "is newer than the newest") }
        return AgentKnowledge(
            agent: try Field.optionalText(agent, "\(message).agent") ?? "",
            protocols: (oldest == 0 ? Int(newest) : Int(oldest))...Int(newest), sections: known,
            gateway: try Field.optionalText(gateway, "\(message).gateway").flatMap(GatewayKind.init))
    }
}

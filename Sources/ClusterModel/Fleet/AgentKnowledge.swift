/// What an agent of some version understands, as it says when it joins and in every hello.
package struct AgentKnowledge: Hashable, Sendable {
    /// The agent's version, for people.
    package var agent: String
    /// The versions of the member protocol that it speaks.
    package var protocols: ClosedRange<Int>
    /// The sections that it knows, each with the newest version that it knows of it.
    package var sections: [SectionName: Int]
    /// The kind of gateway that it drives; nil when it did not say, or a kind that is not known here.
    package var gateway: GatewayKind?

    package init(
        agent: String, protocols: ClosedRange<Int> = MemberProtocol.versions, sections: [SectionName: Int], gateway: GatewayKind? = nil
    ) {
        self.agent = agent
        self.protocols = protocols
        self.sections = sections
        self.gateway = gateway
    }

    /// The same, driving a gateway of this kind.
    package func driving(_ gateway: GatewayKind) -> AgentKnowledge {
        var knowledge = self
        knowledge.gateway = gateway
        return knowledge
    }

    /// What this version of Muster understands.
    package static func ours(agent: String) -> AgentKnowledge {
        AgentKnowledge(agent: agent, sections: Dictionary(uniqueKeysWithValues: Section.all.map { ($0.name, $0.version) }))
    }

    /// What an agent is taken to understand that never said: the sections that there were when agents began to say it, in their first
    /// version. The list never grows: an agent that is younger says what it knows.
    package static let unsaid = AgentKnowledge(
        agent: "", protocols: 1...1,
        sections: [
            .certificates: 1, .delivery: 1, .destinations: 1, .interfaces: 1, .listeners: 1, .mailFlowPolicies: 1, .system: 1,
        ])

    /// Whether it understands a version of a section.
    package func knows(_ section: SectionName, version: Int) -> Bool { sections[section, default: 0] >= version }

    /// The sections of this version of Muster that it does not know, or only in an older version; none for an agent that is as new.
    package var unknown: [SectionName] {
        Section.all.filter { !knows($0.name, version: $0.version) }.map(\.name).sorted()
    }
}

extension AgentKnowledge: Codable {
    private enum Key: String, CodingKey { case agent, oldestProtocol, newestProtocol, sections, gateway }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let oldest = try container.decode(Int.self, forKey: .oldestProtocol)
        let newest = try container.decode(Int.self, forKey: .newestProtocol)
        guard oldest <= newest else {
            throw DecodingError.dataCorruptedError(forKey: .newestProtocol, in: container, debugDescription: "older than the oldest")
        }
        self.init(
            agent: try container.decode(String.self, forKey: .agent), protocols: oldest...newest,
            sections: Dictionary(
                uniqueKeysWithValues: try container.decode([String: Int].self, forKey: .sections).map { (SectionName(rawValue: $0), $1) }),
            gateway: try container.decodeIfPresent(String.self, forKey: .gateway).flatMap(GatewayKind.init))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(agent, forKey: .agent)
        try container.encode(protocols.lowerBound, forKey: .oldestProtocol)
        try container.encode(protocols.upperBound, forKey: .newestProtocol)
        try container.encode(Dictionary(uniqueKeysWithValues: sections.map { ($0.rawValue, $1) }), forKey: .sections)
        try container.encodeIfPresent(gateway?.rawValue, forKey: .gateway)
    }
}

/// Something in a machine's settings that its agent does not understand.
package struct SettingLack: Hashable, Sendable {
    package var section: SectionName
    package var entry: String
    package var part: Part

    /// What is too new.
    package enum Part: Hashable, Sendable {
        /// The agent does not know the section at all.
        case section
        /// The agent does not know what an entry of this name is.
        case entry
        /// The field, below the entry.
        case field(String)
    }

    package init(section: SectionName, entry: String, _ part: Part) {
        self.section = section
        self.entry = entry
        self.part = part
    }

    /// What is needed, as people read it: `the section destinations`, `the field tls of destinations`.
    package var text: String {
        switch part {
        case .section: "the section \(section)"
        case .entry: "the entry \(entry) of \(section)"
        case .field(let field): "the field \(field) of \(section)"
        }
    }

    /// What several lacks come to, each named once, the first few by name.
    package static func text(of lacks: [SettingLack]) -> String {
        var seen: Set<String> = []
        let texts = lacks.map(\.text).filter { seen.insert($0).inserted }
        return texts.prefix(named).joined(separator: ", ") + (texts.count > named ? " and more" : "")
    }

    private static let named = 5
}

extension AgentKnowledge {
    /// What of an entry an agent does not understand. `kinds` are the sections as this version has them.
    package func lacks(
        _ section: SectionName, _ entry: String, _ value: JSONValue, kinds: (SectionName) -> Section? = Section.named
    ) -> [SettingLack] {
        guard let known = sections[section] else { return [SettingLack(section: section, entry: entry, .section)] }
        guard let kind = kinds(section), kind.version > known else { return [] }
        guard kind.laterEntries[entry, default: 1] <= known else { return [SettingLack(section: section, entry: entry, .entry)] }
        return kind.needs(value).filter { $0.version > known }.map {
            SettingLack(section: section, entry: entry, .field("\($0.path)"))
        }
    }

    /// Whether anything in a section may be too new for the agent.
    package func mayLack(_ section: SectionName, kinds: (SectionName) -> Section? = Section.named) -> Bool {
        guard let known = sections[section] else { return true }
        return (kinds(section)?.version ?? 1) > known
    }
}

extension EffectiveConfiguration {
    /// What of it an agent does not understand, in a fixed order.
    package func lacks(of agent: AgentKnowledge, kinds: (SectionName) -> Section? = Section.named) -> [SettingLack] {
        sections.filter { agent.mayLack($0.name, kinds: kinds) }.flatMap { section in
            section.entries.flatMap { agent.lacks(section.name, $0.name, $0.value, kinds: kinds) }
        }
    }
}

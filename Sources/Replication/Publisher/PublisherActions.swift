package import ClusterModel

extension Publisher {
    /// What the manager does next. Actions are performed in the order in which they are returned.
    package enum Action: Hashable, Sendable {
        case welcome(ConnectionID, Sighting, version: Int = MemberProtocol.versions.upperBound)
        /// Load the material that the plan lacks, and send the update.
        case update(ConnectionID, UpdatePlan)
        /// Say whether the member is to stay apart from its cluster.
        case apart(ConnectionID, Bool)
        /// Say which of its own edits are decided.
        case settled(ConnectionID, [String])
        /// Say no and why; a `close` follows.
        case refuse(ConnectionID, Refusal.Code, reason: String)
        /// Say that the membership is over; a `close` follows.
        case end(ConnectionID, Ended)
        case close(ConnectionID)
        /// Keep a receipt with the machine's record, for after a restart and for history.
        case record(MembershipID, Receipt)
        /// Keep what the machine's agent understands with its record: it is another one than before.
        case know(MembershipID, AgentKnowledge)
        /// The member has no edits of its own: what is kept of such is out of date.
        case forgetEdits(MembershipID)
        /// Keep the member's record: it said what it holds of its identity.
        case keep(MembershipID)
        /// Say whom to trust and who issues.
        case authorities(ConnectionID, AuthorityOffer)
        case alarm(Alarm)
    }

    /// Something that people should look at.
    package enum Alarm: Hashable, Sendable {
        /// The member's clock is this far ahead of the manager's (behind, if negative).
        case clockSkew(MembershipID, seconds: Int64)
        /// Two machines hold one identity: a cloned disk.
        case duplicateMember(MembershipID)
        /// A member has seen an entry that a manager of this cluster vouched for and this log lacks: an old backup was restored.
        case logOutdated(MembershipID, seen: LogHead)
        /// A member says that it has seen an entry that this log lacks, and nothing vouches for that.
        case logUnknown(MembershipID, seen: LogHead)
    }
}

/// An update, decided and not yet filled: the sender adds the material.
package struct UpdatePlan: Hashable, Sendable {
    package var target: Target
    package var head: Sighting
    package var configuration: EffectiveConfiguration
    /// What the member runs and the update builds on; nil for the whole.
    package var base: EffectiveConfiguration?

    package init(target: Target, head: Sighting, configuration: EffectiveConfiguration, base: EffectiveConfiguration?) {
        self.target = target
        self.head = head
        self.configuration = configuration
        self.base = base
    }

    /// Keys and chains that the configuration needs and its base did not.
    package func materialLacking() throws(SettingError) -> MaterialNeeded {
        var needed = try configuration.materialNeeded()
        if let base {
            let held = try base.materialNeeded()
            needed.keys.subtract(held.keys)
            needed.chains.subtract(held.chains)
        }
        return needed
    }

    /// The message: of the sections that differ from the base the changed entries or, where that is no less, the whole; both by
    /// reference. And the names of sections that are gone.
    package func update(material: [Material]) -> Update {
        var update = Update(target: target, head: head, base: base?.digest, sections: [], material: material)
        for section in configuration.sections {
            let before = base?[section.name]
            guard before != section else { continue }
            if let change = before.flatMap({ section.change(from: $0) }) {
                update.changes.append(change)
            } else {
                update.sections.append(section)
            }
        }
        update.removed = base?.sections.map(\.name).filter { configuration[$0] == nil } ?? []
        return update
    }
}

/// The update that brings a member from `base` (nil: from nothing) to `configuration`, with only the material that the base did not need.
///
/// Throws only for settings that this version cannot read.
package func buildUpdate(
    target: Target, configuration: EffectiveConfiguration, base: EffectiveConfiguration?, head: Sighting,
    material: (MaterialNeeded) -> [Material]
) throws(SettingError) -> Update {
    let plan = UpdatePlan(target: target, head: head, configuration: configuration, base: base)
    return plan.update(material: material(try plan.materialLacking()))
}

/// How the newest entry that a member has seen stands in the manager's own log.
package enum SightingStanding: Hashable, Sendable, CaseIterable {
    /// The log has it.
    case held
    /// The log lacks it, and was recovered since: what the member has seen was given up.
    case givenUp
    /// The log lacks it, and a manager of this cluster vouched for it: the log is older than that.
    case lost
    /// The log lacks it, and no manager of this cluster vouched for it.
    case unproven
}

extension Publisher {
    /// Why nothing is sent to anybody, once a member has seen more than this manager's log holds.
    package var outdated: String? { lost.map { Publisher.outdated($0.head, head) } }

    /// What people and members are told while the log is older than what a member has seen.
    static func outdated(_ seen: LogHead, _ head: Sighting) -> String {
        "This manager's log ends at entry \(head.head.position) and lacks the entry \(seen.position) (\(seen.hash.short)) that a machine has seen: the "
            + "manager was restored from an older backup. It sends nothing to any machine. Restore a newer backup; or stop it, give up what came "
            + "after entry \(head.head.position) with muster manager recover, and start it again."
    }
}

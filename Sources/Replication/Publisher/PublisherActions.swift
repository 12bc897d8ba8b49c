package import ClusterModel

extension Publisher {
    /// What the manager does next. Actions are performed in the order in which they are returned.
    package enum Action: Hashable, Sendable {
        case welcome(ConnectionID, LogHead)
        /// Load the material that the plan lacks, and send the update.
        case update(ConnectionID, UpdatePlan)
        /// Say no and why; a `close` follows.
        case refuse(ConnectionID, Refusal.Code, reason: String)
        /// Say that the membership is over; a `close` follows.
        case end(ConnectionID, Ended)
        case close(ConnectionID)
        /// Keep a receipt with the machine's record, for after a restart and for history.
        case record(MembershipID, Receipt)
        case alarm(Alarm)
    }

    /// Something that people should look at.
    package enum Alarm: Hashable, Sendable {
        /// The member's clock is this far ahead of the manager's (behind, if negative).
        case clockSkew(MembershipID, seconds: Int64)
        /// Two machines hold one identity: a cloned disk.
        case duplicateMember(MembershipID)
        /// A member has seen an entry that this manager's log lacks: the manager was restored from an old backup.
        case logUnknown(MembershipID, seen: LogHead)
    }
}

/// An update, decided and not yet filled: the sender adds the material.
package struct UpdatePlan: Hashable, Sendable {
    package var target: Target
    package var head: LogHead
    package var configuration: EffectiveConfiguration
    /// What the member runs and the update builds on; nil for the whole.
    package var base: EffectiveConfiguration?

    package init(target: Target, head: LogHead, configuration: EffectiveConfiguration, base: EffectiveConfiguration?) {
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

    /// The message: the sections that differ from the base, by reference, and the names of those that are gone.
    package func update(material: [Material]) -> Update {
        let differing = configuration.sections.filter { base?[$0.name] != $0 }
        let gone = base?.sections.map(\.name).filter { configuration[$0] == nil } ?? []
        return Update(target: target, head: head, base: base?.digest, sections: differing, removed: gone, material: material)
    }
}

/// The update that brings a member from `base` (nil: from nothing) to `configuration`, with only the material that the base did not need.
///
/// Throws only for settings that this version cannot read.
package func buildUpdate(
    target: Target, configuration: EffectiveConfiguration, base: EffectiveConfiguration?, head: LogHead,
    material: (MaterialNeeded) -> [Material]
) throws(SettingError) -> Update {
    let plan = UpdatePlan(target: target, head: head, configuration: configuration, base: base)
    return plan.update(material: material(try plan.materialLacking()))
}

package import ClusterModel

/// The configuration that an update means: its base with changes made, sections that differ put in and those that are gone left out.
///
/// Refuses with `conflict` when the base is not the one the update builds on, when a change does not fit the base's section
/// or makes another of it than it says, or the result does not have the target's digest. Nothing is done with an update before
/// this: no machine ever runs a mix.
package func assemble(base: EffectiveConfiguration?, update: Update) throws(Refusal) -> EffectiveConfiguration {
    guard update.base == base?.digest else {
        let theirs = update.base?.short ?? "nothing"
        throw Refusal(.conflict, "The update builds on \(theirs), and this machine runs \(base?.digest.short ?? "nothing").")
    }
    var sections: [SectionName: EffectiveSection] = [:]
    for section in base?.sections ?? [] { sections[section.name] = section }
    for name in update.removed { sections[name] = nil }
    for section in update.sections { sections[section.name] = section }
    for change in update.changes { sections[change.name] = try change.applied(to: base?[change.name]) }
    let configuration = EffectiveConfiguration(sections: Array(sections.values))
    guard configuration.digest == update.target.digest else {
        throw Refusal(
            .conflict,
            "The update makes \(configuration.digest.short) of its parts, and its target is \(update.target.digest.short).")
    }
    return configuration
}

/// What an update cannot be laid out without and does not bring; `base` brings what it needed itself.
///
/// Refuses with `invalid` a chain that is not what its digest says (a key's fingerprint is checked where X.509 is known)
/// and settings that this version cannot read.
func materialMissing(for configuration: EffectiveConfiguration, base: EffectiveConfiguration?, material: [Material]) throws(Refusal)
    -> [Digest]
{
    for chain in material where chain.kind == .chain && Digest(hashing: chain.pem) != chain.digest {
        throw Refusal(.invalid, "The certificate chain \(chain.digest.short) arrived with other content.")
    }
    do throws(SettingError) {
        var needed = try configuration.materialNeeded()
        if let held = try base?.materialNeeded() {
            needed.keys.subtract(held.keys)
            needed.chains.subtract(held.chains)
        }
        for item in material {
            switch item.kind {
            case .key: needed.keys.remove(item.digest)
            case .chain: needed.chains.remove(item.digest)
            }
        }
        return needed.keys.sorted() + needed.chains.sorted()
    } catch {
        throw Refusal(.invalid, "The settings cannot be read by this version: \(error)")
    }
}

/// How long to wait before the next attempt to connect: full jitter, so that a fleet does not come back in step.
package struct Backoff: Hashable, Sendable {
    /// The first wait is shorter than this; each further one may be twice as long.
    static let firstSeconds = 0.5
    static let longestSeconds = 30.0
    private var failures = 0

    package init() {}

    /// The next wait. `random` is anywhere from 0 to 1.
    package mutating func next(random: Double) -> Duration {
        var longest = Backoff.firstSeconds
        for _ in 0..<failures where longest < Backoff.longestSeconds { longest *= 2 }
        failures += 1
        return .seconds(min(longest, Backoff.longestSeconds) * min(max(random, 0), 1))
    }

    /// A connection did its job: the next loss is a first one again.
    package mutating func succeeded() { failures = 0 }
}

import ArgumentParser
import ClusterModel

/// `SECTION` or `SECTION/ENTRY`, with the section as documents or commands call it.
struct EntryPath: ExpressibleByArgument, Sendable {
    var section: SectionName
    var entry: String?

    init?(argument: String) {
        let parts = argument.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, !first.isEmpty, parts.count == 1 || !parts[1].isEmpty else { return nil }
        section = EntryPath.nouns[first] ?? SectionName(rawValue: first)
        entry = parts.count == 2 ? parts[1] : nil
    }

    static var defaultCompletionKind: CompletionKind { .list(Section.all.map(\.name.rawValue)) }

    /// The commands' nouns for sections.
    private static let nouns: [String: SectionName] = [
        "cert": .certificates, "certificate": .certificates, "listener": .listeners, "policy": .mailFlowPolicies,
        "policies": .mailFlowPolicies, "destination": .destinations, "interface": .interfaces, "authority": .authorities,
        "tls-profile": .tlsProfiles, "web-security": .webSecurity, "service": .services, "alert": .alerts,
    ]

    /// The entry that is meant: a single-valued section has only one.
    func requiredEntry() throws -> String {
        if let entry { return entry }
        if case .single? = Section.named(section)?.naming { return EntryNaming.onlyEntry }
        throw ValidationError("Name the entry: \(section)/NAME.")
    }
}

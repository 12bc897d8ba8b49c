package import ClusterModel

extension JSONValue {
    /// A setting's value on one line: `tls=required, verifyClientCertificate=true`.
    package var summary: String {
        switch self {
        case .null: return ""
        case .object(let members):
            return members.sorted { $0.key < $1.key }.map { key, value in
                if case .object = value { return "\(key)=(\(value.summary))" }
                return "\(key)=\(value.summary)"
            }.joined(separator: ", ")
        case .array(let items):
            return "[" + items.map { $0.members == nil ? $0.summary : "(\($0.summary))" }.joined(separator: ", ") + "]"
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .boolean(let flag): return flag ? "true" : "false"
        }
    }
}

/// A setting's value for a line. A certificate has too many fields for one, and most are digests; so has a list of them.
package func shortText(of value: JSONValue, in section: SectionName) -> String {
    if section == .authorities, let certificates = value["certificates"]?.items {
        let subjects = certificates.prefix(3).map { $0["subject"]?.text ?? "?" } + (certificates.count > 3 ? ["..."] : [])
        return "\(certificates.count == 1 ? "1 certificate" : "\(certificates.count) certificates") (\(subjects.joined(separator: "; ")))"
    }
    guard section == .certificates, let leaf = value["chain"]?.items?.first else { return value.summary }
    return "\(leaf["subject"]?.text ?? "?"), fingerprint \(leaf["fingerprint"]?.text?.prefix(12) ?? "?"), "
        + "expires \(leaf["notAfter"]?.text?.prefix(10) ?? "?")"
}

/// What commands take to mean one subject of an edit: `destinations/default --cluster`.
package func commandWords(_ section: SectionName, _ entry: String?, at level: Level) -> String {
    let path = entry.map { "\(section)/\($0)" } ?? "'\(section)/\(SetEntry.wholeSection)'"
    return "\(path) \(level.name.map { "--\(level.kind.rawValue) \($0)" } ?? "--cluster")"
}

import ClusterModel

extension TLSProfileSetting {
    /// The versions of TLS that a parameter of Postfix means, such as `>=TLSv1.2` or `!SSLv2, !SSLv3, !TLSv1`. Nil for what is no range
    /// without gaps.
    static func versions(inPostfix text: String) -> ClosedRange<Version>? {
        var taken = Set(Version.allCases)
        var listed: Set<Version> = []
        let separators = ",: \t"
        for word in text.split(whereSeparator: { separators.contains($0) }) {
            let sign = word.prefix { "<>=!".contains($0) }
            let name = word.dropFirst(sign.count).lowercased()
            let isOld = ["sslv2", "sslv3"].contains(name)
            guard let version = isOld ? .tls10 : named[name] else { return nil }
            switch sign {
            case ">=": taken = taken.filter { $0 >= version }
            case "<=" where !isOld: taken = taken.filter { $0 <= version }
            case "!": if !isOld { taken.remove(version) }
            case "" where !isOld: listed.insert(version)
            default: return nil
            }
        }
        if !listed.isEmpty { taken.formIntersection(listed) }
        guard let oldest = taken.min(), let newest = taken.max() else { return nil }
        return Version.allCases.filter { (oldest...newest).contains($0) }.allSatisfy(taken.contains) ? oldest...newest : nil
    }

    private static let named: [String: Version] = [
        "tlsv1": .tls10, "tlsv1.0": .tls10, "tlsv1.1": .tls11, "tlsv1.2": .tls12, "tlsv1.3": .tls13, "0301": .tls10, "0302": .tls11,
        "0303": .tls12, "0304": .tls13,
    ]
}

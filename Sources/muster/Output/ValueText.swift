import AdminContract
import ClusterModel

extension JSONValue {
    /// Every leaf with its place: `https.port` and `443`.
    fileprivate func leaves(_ place: String = "") -> [(place: String, text: String)] {
        guard case .object(let members) = self, !members.isEmpty else {
            // An entry without a field of its own has nothing to list.
            return self == .null || (place.isEmpty && summary.isEmpty) ? [] : [(place, summary)]
        }
        return members.sorted { $0.key < $1.key }.flatMap { key, value in
            value.leaves(place.isEmpty ? key : "\(place).\(key)")
        }
    }
}

/// What differs between two values, a line each: `tls: preferred → required`.
func differences(from before: JSONValue, to after: JSONValue) -> [String] {
    let old = Dictionary(before.leaves().map { ($0.place, $0.text) }) { first, _ in first }
    let new = Dictionary(after.leaves().map { ($0.place, $0.text) }) { first, _ in first }
    return Set(old.keys).union(new.keys).sorted().compactMap { place in
        let label = place.isEmpty ? "" : "\(place): "
        switch (old[place], new[place]) {
        case (let one?, let other?): return one == other ? nil : "\(label)\(one) → \(other)"
        case (let one?, nil): return "\(label)\(one) → nothing"
        case (nil, let other?): return "\(label)\(other)"
        case (nil, nil): return nil
        }
    }
}

extension SetEntry {
    /// A value for a table: a certificate by who it is, all others by their fields.
    var valueText: String {
        if isolated { return "(nothing is inherited here)" }
        if hidden { return "(hidden)" }
        return shortText(of: value, in: section)
    }
}

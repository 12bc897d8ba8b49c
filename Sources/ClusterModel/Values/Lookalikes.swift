/// Names that people would take for one another: they differ in upper and lower case only, or in `0` and `O`, or `1`, `l` and `I`.
///
/// Names are ASCII, so there is nothing else to confuse. Two such names are two to the cluster, and one to whoever is in a hurry: the
/// second is not given. Names that a log has already keep what they have.
package enum Lookalikes {
    /// The name among others that this one could be taken for; nil for none, and for the same name.
    package static func name(like name: String, among others: some Sequence<String>) -> String? {
        others.first { $0 != name && areAlike($0, name) }
    }

    package static func areAlike(_ one: String, _ other: String) -> Bool {
        // Most names differ in length, and each of many machines is asked about.
        guard one.utf8.count == other.utf8.count else { return false }
        return zip(one.utf8, other.utf8).allSatisfy { lowered($0) == lowered($1) }
            || zip(one.utf8, other.utf8).allSatisfy { shape($0) == shape($1) }
    }

    /// Refuses a name that could be taken for another one. `kind` is what has the names: a machine, a group, a user.
    package static func check(_ name: String, of kind: String, among others: some Sequence<String>) throws(Refusal) {
        guard let other = Lookalikes.name(like: name, among: others) else { return }
        throw Refusal(
            .exists,
            "There is a \(kind) \"\(other)\" already, and \"\(name)\" could be taken for it: they differ in upper and lower case only, or in letters that "
                + "look alike (0 and O; 1, l and I). Choose another name.")
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    /// What a character looks like.
    private static func shape(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0"): UInt8(ascii: "o")
        case UInt8(ascii: "1"), UInt8(ascii: "I"): UInt8(ascii: "l")
        default: lowered(byte)
        }
    }
}

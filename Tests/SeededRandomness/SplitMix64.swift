/// Random numbers that depend on the seed alone (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func between(_ low: Int, _ high: Int) -> Int { low + Int(next() % UInt64(high - low + 1)) }

    /// True in so many of a thousand cases.
    package mutating func chance(_ permille: Int) -> Bool { next() % 1000 < UInt64(permille) }

    package mutating func pick<Element>(_ items: [Element]) -> Element { items[Int(next() % UInt64(items.count))] }

    /// From 0 up to 1.
    package mutating func fraction() -> Double { Double(next() >> 11) / Double(1 << 53) }
}

import ClusterModel

/// Lets a gateway apply one configuration at a time.
struct ApplyTurn: Sendable {
    private var isTaken = false

    mutating func take() throws(Refusal) {
        guard !isTaken else {
            throw Refusal(.conflict, "Another configuration is being applied. Apply this one when that is done.")
        }
        isTaken = true
    }

    mutating func end() { isTaken = false }
}

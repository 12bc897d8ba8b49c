package import ClusterModel

/// One step that changes the disk: the points between which a machine may stop.
package struct DiskStep: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        case makeDirectory = "make directory"
        case create
        case write
        case sync
        case rename
        case link
        case remove
    }

    package var kind: Kind
    /// The path it changes, below the state directory.
    package var path: String

    package init(_ kind: Kind, _ path: String) {
        self.kind = kind
        self.path = path
    }

    package var description: String { "\(kind.rawValue) \(path)" }
}

/// Where a test stops the machine. Asked before every step; what throws is as a crash just before that step.
package protocol DiskFaults: Sendable {
    func before(_ step: DiskStep) throws(Refusal)
}

/// The disk of production: no step is stopped.
package struct NoDiskFaults: DiskFaults {
    package init() {}

    package func before(_ step: DiskStep) {}
}

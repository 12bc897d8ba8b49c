package import ClusterModel

/// Asks how a certificate can be renewed under another name, and how far that has come.
package struct RenewalQuery: Hashable, Sendable {
    package var level: Level
    package var old: String
    /// The new certificate's name; nil for the old one's with the year.
    package var new: String?

    package init(level: Level, old: String, new: String? = nil) {
        self.level = level
        self.old = old
        self.new = new
    }
}

/// A renewal: what comes next, what it changes, what stands against it, and which machines have proved it (mission D13).
package struct RenewalView: Hashable, Sendable, Codable {
    package var old: String
    package var new: String
    package var level: Level
    package var step: RenewalPlan.Step
    /// Of the committed old certificate; null when it is gone.
    @OrNull package var oldFingerprint: Digest?
    /// Of the new certificate in the caller's view; null when there is none yet.
    @OrNull package var newFingerprint: Digest?
    /// Host names and addresses that the services need the new certificate to cover.
    package var names: [String]
    /// What there is to say of the new certificate.
    package var findings: [CertificateFinding]
    /// What names the old certificate and will name the new one.
    package var entries: [RenewalEntry]
    /// Machines that have a certificate of the old name of their own, and with these entries would get the new one.
    package var overriding: [String]
    /// Narrower levels whose own certificate of the old name is not renewed.
    package var left: [Level]
    /// Why it cannot be done this way, one sentence each.
    package var obstacles: [String]
    /// The caller's uncommitted edits that have nothing to do with it, as `listeners/public at cluster`.
    package var foreign: [String]
    package var proof: RenewalProof

    package init(
        old: String, new: String, level: Level, step: RenewalPlan.Step, oldFingerprint: Digest?, newFingerprint: Digest?,
        names: [String] = [], findings: [CertificateFinding] = [], entries: [RenewalEntry] = [], overriding: [String] = [],
        left: [Level] = [], obstacles: [String] = [], foreign: [String] = [], proof: RenewalProof = RenewalProof()
    ) {
        self.old = old
        self.new = new
        self.level = level
        self.step = step
        self.oldFingerprint = oldFingerprint
        self.newFingerprint = newFingerprint
        self.names = names
        self.findings = findings
        self.entries = entries
        self.overriding = overriding
        self.left = left
        self.obstacles = obstacles
        self.foreign = foreign
        self.proof = proof
    }
}

/// A setting that will name the new certificate.
package struct RenewalEntry: Hashable, Sendable, Codable {
    package var level: Level
    package var section: SectionName
    package var entry: String
    /// The service that it assigns the certificate to.
    package var service: String
    /// The machines that use the old certificate by it.
    package var machines: [String]
    /// What to submit, as a patch of the entry.
    package var patch: JSONValue
    /// Whether it is among the caller's edits already.
    package var submitted: Bool

    package init(
        level: Level, section: SectionName, entry: String, service: String, machines: [String], patch: JSONValue, submitted: Bool = false
    ) {
        self.level = level
        self.section = section
        self.entry = entry
        self.service = service
        self.machines = machines
        self.patch = patch
        self.submitted = submitted
    }

    package var edit: EntryEdit { EntryEdit(level: level, section: section, entry: entry, operation: .merge(patch)) }
}

/// Which machines were seen to serve a certificate on every service that it is assigned to. Computed from what the fleet says.
package struct RenewalProof: Hashable, Sendable, Codable {
    package struct Machine: Hashable, Sendable, Codable {
        package var name: String
        package var services: [String]
        package var state: State
        package var reasons: [String]

        package init(name: String, services: [String], state: State, reasons: [String] = []) {
            self.name = name
            self.services = services
            self.state = state
            self.reasons = reasons
        }
    }

    package enum State: String, Hashable, Sendable, Codable {
        case proved
        /// It may still get there.
        case waiting
        /// It refused the configuration, for these reasons.
        case rejected
        /// It has no connection, and was not seen to serve the certificate before that.
        case absent
    }

    /// By name.
    package var machines: [Machine]

    package init(machines: [Machine] = []) {
        self.machines = machines
    }

    /// Looks at every machine with a service that should serve this certificate.
    ///
    /// A service that cannot be probed counts when the machine has applied what it should run. So does a machine that proved it and
    /// lost its connection afterwards.
    package init(of fleet: [MachineView], certificate: String, fingerprint: Digest) {
        machines = fleet.compactMap { machine in
            let services = machine.services.filter { $0.certificate == certificate && $0.fingerprint == fingerprint }
            guard !services.isEmpty else { return nil }
            let unseen = services.filter { $0.unprovable == nil && $0.served != fingerprint }.map(\.service)
            let isApplied = machine.appliedDigest == machine.targetDigest
            let state: State =
                switch machine.state {
                case _ where isApplied && unseen.isEmpty: .proved
                case .rejected: .rejected
                case .offline, .disconnected: .absent
                case .pending, .synced, .drifted: .waiting
                }
            let why =
                isApplied ? unseen.map { "\($0) was not seen to serve it" } : ["it has not applied revision \(machine.targetRevision)"]
            return Machine(
                name: machine.name, services: services.map(\.service).sorted(), state: state,
                reasons: state == .proved ? [] : machine.reasons.isEmpty ? ["it is \(machine.state.rawValue)"] + why : machine.reasons)
        }
        .sorted { $0.name < $1.name }
    }

    package var isComplete: Bool { machines.allSatisfy { $0.state == .proved } }
    /// Whether waiting may still bring something.
    package var isPending: Bool { machines.contains { $0.state == .waiting } }
    package var missing: [Machine] { machines.filter { $0.state != .proved } }
}

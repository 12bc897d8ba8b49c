import ClusterModel
import FoundationEssentials
import Gateways
import MemberAgent
import Replication
import Testing

@Suite("Generations on the disk")
struct GenerationTests {
    @Test func `a generation comes back as it was laid out`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        try directory.takeUp(.anybody)
        let target = Target(position: 7, revision: 3, digest: try configuration.settings.digest)
        let laid = try directory.layOut(try configuration, kind: .member, target: target)
        try directory.switchCurrent(to: laid.number)
        let (read, damages) = try directory.current()
        #expect(damages.isEmpty)
        #expect(read?.number == laid.number)
        #expect(read?.target == target)
        #expect(read?.settings.digest == target.digest)
        #expect(try read?.configuration.keys == configuration.keys)
        #expect(try read?.configuration.chains == configuration.chains)
        #expect(read?.settings[.certificates, "mail"]?.origin.layer == .cluster)
    }

    @Test func `only the owner may read what is laid out`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        _ = try directory.layOut(try configuration, kind: .member)
        let manager = FileManager.default
        for name in try manager.subpathsOfDirectory(atPath: scratch.path) + [""] {
            let attributes = try manager.attributesOfItem(atPath: "\(scratch.path)/\(name)")
            guard attributes[.type] as? FileAttributeType != .typeSymbolicLink else { continue }
            let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
            #expect(attributes[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(name)")
        }
    }

    @Test func `a crash at any step of laying out and switching leaves the old or the new, whole`() throws {
        let (old, new) = (try configuration, try GatewayConfiguration.serving(Sample.two.get(), port: 2526))
        let steps = try crashes { directory in
            try apply(old, in: directory)
        } during: { directory in
            let laid = try directory.layOut(new, kind: .member)
            try directory.switchCurrent(to: laid.number)
            try directory.deleteOldGenerations()
        } then: { directory, step in
            let (generation, damages) = try directory.current()
            #expect(damages.isEmpty, "\(step)")
            let digest = try #require(generation?.settings.digest, "\(step)")
            #expect([old.settings.digest, new.settings.digest].contains(digest), "\(step)")
            // And it works the next time.
            let again = try directory.layOut(new, kind: .member)
            try directory.switchCurrent(to: again.number)
            try directory.deleteOldGenerations()
            #expect(try directory.current().generation?.settings.digest == new.settings.digest, "\(step)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).allSatisfy { !$0.hasPrefix(".") }, "\(step)")
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/generations")
            #expect(names.allSatisfy { !$0.hasPrefix(".") }, "\(step)")
            #expect(names.count <= 2, "\(step)")
        }
        #expect(steps > 20)
    }

    @Test func `everything is flushed before a rename puts it in place, and the rename after`() throws {
        let scratch = Scratch()
        try scratch.machine().takeUp(.anybody)
        let recorder = PowerCut()
        let directory = try scratch.machine(faults: recorder)
        let laid = try directory.layOut(try configuration, kind: .member)
        try directory.switchCurrent(to: laid.number)
        var dirty: Set<String> = []
        func parent(_ path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "/") }
        for step in recorder.steps {
            switch step.kind {
            case .create, .makeDirectory, .link, .write:
                dirty.formUnion([step.path, parent(step.path)])
                if step.kind == .link { dirty.remove(step.path) }
            case .sync: dirty.remove(step.path)
            case .rename:
                let aside = "\(parent(step.path))/.new-"
                #expect(!dirty.contains { $0.hasPrefix(aside.hasPrefix("/") ? String(aside.dropFirst()) : aside) }, "\(step) with \(dirty)")
                dirty.insert(parent(step.path))
            case .remove: continue
            }
        }
        #expect(dirty.isEmpty, "never flushed: \(dirty)")
    }

    @Test(arguments: ["settings.json", "keys", "chains"])
    func `a damaged generation is named, and the one before is taken`(_ place: String) throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        let good = try apply(try configuration, in: directory)
        let bad = try apply(try GatewayConfiguration.serving(Sample.two.get(), port: 2526), in: directory)
        let folder = "generations/00000\(bad.number)"
        let file =
            place == "settings.json"
            ? "\(folder)/\(place)" : try #require(scratch.allFiles().keys.first { $0.hasPrefix("\(folder)/\(place)/") })
        try scratch.replace(file, with: try scratch.text(file).replacing("A", with: "B").replacing("2526", with: "2527"))
        let (generation, damages) = try directory.current()
        #expect(generation?.number == good.number)
        #expect(damages.map(\.number) == [bad.number])
        #expect(damages.first?.file.hasPrefix(place) == true)
    }

    @Test func `a missing key is damage, and a newer generation that was never in force is not taken instead`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        let bad = try apply(try configuration, in: directory)
        _ = try directory.layOut(try configuration, kind: .member)
        try FileManager.default.removeItem(atPath: "\(scratch.path)/generations/00000\(bad.number)/keys")
        let (generation, damages) = try directory.current()
        #expect(try #require(generation).number < bad.number)
        #expect(damages.first?.description.contains("is missing") == true)
    }

    @Test func `the one in force and the one before are kept, unless they are of different origin`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        let first = try apply(try configuration, in: directory)
        try directory.deleteOldGenerations()
        #expect(try directory.generationNumbers() == [first.number], "the machine's own settings do not outlive a cluster's")
        let second = try apply(try configuration, in: directory)
        let third = try apply(try configuration, in: directory)
        try directory.deleteOldGenerations()
        #expect(try directory.generationNumbers() == [second.number, third.number])
    }

    @Test func `a second agent on the same directory is refused until the first ends`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        do {
            let lock = try directory.lockForRunning()
            #expect(throws: Refusal(.inUse, "")) { try directory.lockForRunning() }
            withExtendedLifetime(lock) {}
        }
        _ = try directory.lockForRunning()
    }

    @Test func `no description of a generation shows a key`() throws {
        let scratch = Scratch()
        let directory = try scratch.machine()
        let laid = try directory.layOut(try configuration, kind: .member)
        #expect(!"\(laid) \(laid.configuration)".contains("PRIVATE KEY"))
    }

    private var configuration: GatewayConfiguration {
        get throws { try GatewayConfiguration.serving(Sample.one.get(), port: 2525) }
    }
}

extension LocalMembership {
    /// An identity where only its being there matters.
    static let anybody = LocalMembership(
        facts: Facts(membership: FakeManager.membership, clusterID: "c1", cluster: "acme", group: "main", managers: []),
        identity: MemberIdentity(certificate: "certificate", key: "key"), trust: "trust")
}

/// Lays out and puts in force, as an agent does.
@discardableResult
func apply(
    _ configuration: GatewayConfiguration, kind: Generation.Kind = .member, in directory: StateDirectory
) throws(Refusal) -> Generation {
    if kind == .member, try directory.membershipFacts() == nil { try directory.takeUp(.anybody) }
    let laid = try directory.layOut(configuration, kind: kind)
    try directory.switchCurrent(to: laid.number)
    return laid
}

/// Does the same work again and again, each time stopped one step later, until it is no longer stopped.
///
/// - Returns: how many steps there were.
func crashes(
    after prepare: (StateDirectory) throws -> Void, during work: (StateDirectory) throws -> Void,
    then check: (StateDirectory, String) throws -> Void
) throws -> Int {
    var step = 0
    while true {
        let scratch = Scratch()
        try prepare(scratch.machine())
        let cut = PowerCut(at: step)
        do {
            try work(scratch.machine(faults: cut))
            return step
        } catch {
            let directory = try scratch.machine()
            try directory.clearLeftovers()
            try check(directory, "stopped before step \(step): \(error)")
        }
        step += 1
    }
}

import AdminContract
import ClusterDocuments
import ClusterModel
import ClusterService
import FoundationEssentials
import Testing

/// The documents that people begin with do what their first lines say.
@Suite("Example documents", .timeLimit(.minutes(2)))
struct ExampleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ClusterFixtures/examples").path()

    /// Applies an example, commits it, and applies it again, which must change nothing.
    private func apply(_ name: String, to desk: Desk) async throws -> ApplyView {
        let text = try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
        let document = try DocumentReader.read(text: text, named: name) {
            Array(try Data(contentsOf: URL(filePath: "\(Self.folder)/\($0)")))
        }
        let request = ApplyRequest(document: try JSONValue(encoding: document), commit: true)
        let view = try await desk.admin.apply(request, for: desk.caller)
        #expect(view.commit?.revision != nil)
        #expect(try await desk.admin.apply(request, for: desk.caller).changes.isEmpty)
        return view
    }

    private func entry(_ desk: Desk, _ machine: String, _ section: SectionName, _ name: String) async throws -> EffectiveView? {
        try await desk.admin.effective(EffectiveQuery(machine: machine, section: section, entry: name), for: desk.caller).first
    }

    @Test func `every example is one of those that are tried here`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".yaml") }
        #expect(names.sorted() == ["fleet.yaml", "migration-after.yaml", "migration-before.yaml", "office.yaml"])
    }

    @Test func `a small office`() async throws {
        let desk = try await Desk.make()
        try await desk.join("mx1")
        _ = try await apply("office.yaml", to: desk)
        let state = await desk.ledger.state
        #expect(state.findings().isEmpty)
        let services = try state.configuration(of: state.machine("mx1")).intendedServices().map(\.service)
        #expect(services == ["listener/public", "listener/submission", "delivery"])
    }

    @Test func `a fleet in two regions`() async throws {
        let desk = try await Desk.make()
        _ = try await apply("fleet.yaml", to: desk)
        for (machine, group) in [("mx1", "eu"), ("mx2", "us")] {
            let invitation = try await desk.enrolment.invite(by: "ann", group: group, seconds: 3600)
            _ = try await desk.enrolment.join(try desk.request(machine, invitation: invitation))
        }
        #expect(await desk.ledger.state.findings().isEmpty)
        #expect(try await entry(desk, "mx1", .certificates, "mail")?.level == .group("eu"))
        #expect(try await entry(desk, "mx2", .certificates, "mail")?.level == .cluster)
        #expect(try await entry(desk, "mx1", .destinations, "default")?.value["tls"] == "required")
        #expect(try await entry(desk, "mx1", .destinations, ".partner.example")?.level == .cluster)
        let state = await desk.ledger.state
        let (eu, us) = (state.configuration(of: try state.machine("mx1")), state.configuration(of: try state.machine("mx2")))
        #expect(eu[.destinations]?.entries.map(\.name) == [".partner.example", "default"])
        #expect(us[.destinations]?.entries.map(\.name) == ["default"])
    }

    @Test func `a migration from certificates of machines to one of the cluster`() async throws {
        let desk = try await Desk.make()
        for machine in ["mx1", "mx2"] { try await desk.join(machine) }
        _ = try await apply("migration-before.yaml", to: desk)
        for machine in ["mx1", "mx2"] {
            let certificate = try #require(try await entry(desk, machine, .certificates, "mail"))
            #expect(certificate.level == .machine(machine))
            #expect(certificate.value.canonicalText.contains("CN=\(machine).example.com"))
        }
        let view = try await apply("migration-after.yaml", to: desk)
        #expect(view.machines.map(\.machine) == ["mx1", "mx2"])
        for machine in ["mx1", "mx2"] {
            let certificate = try #require(try await entry(desk, machine, .certificates, "mail"))
            #expect(certificate.level == .cluster)
            #expect(certificate.value.canonicalText.contains("CN=mail.example.com"))
        }
        #expect(await desk.ledger.state.findings().isEmpty)
    }
}

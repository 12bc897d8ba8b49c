import Certificates
import ClusterModel
import FoundationEssentials
import Testing

@Suite("Drift, through the real binary", .timeLimit(.minutes(3)))
struct DriftStoryTests {
    @Test func `a file edited by hand and a service taken over are noticed, shown, alerted and mended`() async throws {
        try await withScratch { place in
            let environment = ["MUSTER_LOOK_SECONDS": "1", "MUSTER_TAKE_OVER": "\(place)/other.pem"]
            try await KeptCluster.with(machines: 2, environment: environment) { cluster in
                let clean = try await muster(["check"], profile: cluster.profile)
                #expect(clean.status == 0 && !clean.output.contains("differ"), "\(clean.output)\(clean.error)")
                try await expectEditIsMended(cluster)
                try await expectTakeoverIsMended(cluster, file: "\(place)/other.pem")
            }
        }
    }

    /// An entry in the machine's store becomes an edit, and goes when the cluster's word is kept.
    private func expectEditIsMended(_ cluster: KeptCluster) async throws {
        let file = "\(cluster.directory)/mx1/current/settings.json"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing(#""tls":"preferred""#, with: #""tls":"required""#).write(toFile: file, atomically: false, encoding: .utf8)
        let machine = try await self.machine(of: cluster) { $0["state"]?.text == "drifted" }
        #expect(machine["name"]?.text == "mx1")
        let checked = try await muster(["check", "mx1", "--output", "json"], profile: cluster.profile)
        #expect(checked.status == 1)
        let difference = try JSONValue(parsing: checked.output.utf8).items?.first?["differences"]?.items?.first
        let entry = try #require(difference?["entries"]?.items?.first?.text)
        #expect(difference?["stored"]?.text == #"{"tls":"required"}"#, "\(checked.output)")
        #expect(machine["reasons"]?.items?.first?.text?.hasPrefix("\(entry) was changed") == true, "\(machine)")
        #expect(try await alerts(of: cluster) { $0.count == 1 }.map { $0["machine"]?.text } == ["mx1"])

        let taken = try await muster(["check", "mx1", "--keep", "machine"], profile: cluster.profile)
        #expect(taken.status == 0, "\(taken.output)\(taken.error)")
        let changes = try await cluster.json(["changes"]).items ?? []
        let levels = changes.filter { "\($0["section"]?.text ?? "")/\($0["entry"]?.text ?? "")" == entry }.map { $0["level"]?.text }
        #expect(levels == ["machine/mx1"], "\(changes)")
        #expect(try await muster(["discard"], profile: cluster.profile).status == 0)
        try await expectMended("mx1", cluster)
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains(#""tls":"preferred""#))
    }

    /// Another certificate at a listener, behind the agent's back.
    private func expectTakeoverIsMended(_ cluster: KeptCluster, file: String) async throws {
        let other = try makeSelfSigned(SelfSignedRequest(commonName: "other.example.com"), now: Timestamp(Date()))
        try (other.chain.pem + other.key.pem).write(toFile: file, atomically: true, encoding: .utf8)
        let machine = try await self.machine(of: cluster) { $0["state"]?.text == "drifted" }
        let name = try #require(machine["name"]?.text)
        let meant = try #require(machine["services"]?.items?.first { $0["service"]?.text == "listener/public" }?["fingerprint"]?.text)
        let seen = try await cluster.witness(try await cluster.address(of: name))
        #expect(seen == other.chain.facts[0].fingerprint.hex && seen != meant)
        #expect(machine["reasons"]?.items?.first?.text?.contains("serves another certificate") == true)
        #expect(try await alerts(of: cluster) { $0.count == 1 }.map { $0["machine"]?.text } == [name])
        let checked = try await muster(["clustercheck"], profile: cluster.profile)
        #expect(checked.status == 1 && checked.output.contains("service: listener/public serves another certificate"), "\(checked.output)")
        try await expectMended(name, cluster)
        #expect(try await cluster.witness(try await cluster.address(of: name)) == meant)
    }

    private func expectMended(_ name: String, _ cluster: KeptCluster) async throws {
        let mended = try await muster(["check", name, "--keep", "cluster"], profile: cluster.profile)
        #expect(mended.status == 0, "\(mended.output)\(mended.error)")
        #expect(try await muster(["check"], profile: cluster.profile).status == 0)
        _ = try await machine(of: cluster) { $0["name"]?.text == name && $0["state"]?.text == "synced" }
        _ = try await alerts(of: cluster, where: \.isEmpty)
    }

    // MARK: - Waiting

    /// The first machine that fits, once there is one.
    private func machine(of cluster: KeptCluster, where fits: (JSONValue) -> Bool) async throws -> JSONValue {
        try await cluster.wait(for: ["machine", "list"]) { $0.items?.first(where: fits) }
    }

    /// The alerts of drift, once they fit.
    private func alerts(of cluster: KeptCluster, where fits: ([JSONValue]) -> Bool) async throws -> [JSONValue] {
        try await cluster.wait(for: ["alert", "list"]) { answer in
            let drift = (answer.items ?? []).filter { $0["code"]?.text == "drift" }
            return fits(drift) ? drift : nil
        }
    }
}

extension KeptCluster {
    /// Asks until the answer has what is waited for, a minute at most.
    func wait<Found>(for arguments: [String], _ find: (JSONValue) throws -> Found?) async throws -> Found {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            let answer = try await json(arguments)
            if let found = try find(answer) { return found }
            guard ContinuousClock.now < end else { throw Refusal(.unavailable, "still not so: \(answer)") }
        }
    }
}

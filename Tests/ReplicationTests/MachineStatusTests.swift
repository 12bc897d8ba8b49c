import ClusterModel
import Testing

@Suite("A machine's state is the first that holds")
struct MachineStatusTests {
    let goal = machine(configuration(), position: 5)

    private func record(_ receipts: Receipt..., isConnected: Bool = true, isProofValid: Bool = true) -> MachineRecord {
        var record = MachineRecord()
        for receipt in receipts { record.take(receipt, target: goal.target.digest) }
        record.isConnected = isConnected
        record.isProofValid = isProofValid
        return record
    }

    private func state(_ record: MachineRecord, isDisconnected: Bool = false) -> MachineState {
        MachineStatus(of: goal, record: record, isDisconnected: isDisconnected).state
    }

    @Test func `in this order: disconnected, offline, rejected, drifted, pending, synced`() {
        let synced = record(applied(goal.configuration, position: 3))
        #expect(state(synced) == .synced)
        #expect(state(synced, isDisconnected: true) == .disconnected)
        #expect(state(record(applied(goal.configuration, position: 3), isConnected: false)) == .offline)
        #expect(state(record(rejected(goal.configuration, position: 5))) == .rejected)
        #expect(state(record(applied(goal.configuration, position: 3, serves: "other"))) == .drifted)
        #expect(state(record(applied(goal.configuration, position: 3, serves: nil))) == .drifted)
        #expect(state(record()) == .pending)
        #expect(state(record(applied(goal.configuration, position: 3), isProofValid: false)) == .pending)
    }

    @Test func `an older target that was proved is not synced`() {
        #expect(state(record(applied(configuration(certificate: "two"), position: 4, serves: "two"))) == .pending)
    }

    @Test func `a rejection counts until that digest was applied, and one of something else does not hide it`() {
        let other = configuration(certificate: "two")
        #expect(state(record(rejected(other, position: 4), applied(goal.configuration, position: 5))) == .synced)
        #expect(state(record(rejected(goal.configuration, position: 5), rejected(other, position: 4))) == .rejected)
        #expect(state(record(rejected(goal.configuration, position: 5), applied(goal.configuration, position: 5))) == .synced)
    }

    @Test func `services are compared one by one, and what cannot be probed does not prevent synced`() {
        var receipt = applied(goal.configuration, position: 5)
        receipt.outcome = .applied(
            digest: goal.target.digest,
            proofs: [ServiceProof(service: "listener/public", served: nil, unprovable: "wants a client certificate")])
        let status = MachineStatus(of: goal, record: record(receipt))
        #expect(status.state == .synced)
        #expect(status.services.map(\.service) == ["listener/public"])
        #expect(status.services.first?.certificate == "mail")
        #expect(status.services.first?.fingerprint == leaf("one"))
        #expect(status.services.first?.unprovable == "wants a client certificate")
    }

    @Test func `a service that no proof speaks of is drift, with the reason`() {
        var receipt = applied(goal.configuration, position: 5)
        receipt.outcome = .applied(digest: goal.target.digest, proofs: [])
        let status = MachineStatus(of: goal, record: record(receipt))
        #expect(status.state == .drifted)
        #expect(status.reasons.first?.contains("listener/public did not answer") == true)
    }

    @Test func `the applied target is the newest one when the digests are equal, else what was applied`() {
        #expect(MachineStatus(of: goal, record: record(applied(goal.configuration, position: 3))).applied?.position == 5)
        #expect(MachineStatus(of: goal, record: record(applied(configuration(certificate: "two"), position: 4))).applied?.position == 4)
        #expect(MachineStatus(of: goal, record: record()).applied == nil)
    }

    @Test func `a stored record keeps the words, and not what held for the moment`() throws {
        let stored = try JSONValue(encoding: record(applied(goal.configuration, position: 3))).decode(MachineRecord.self)
        #expect(stored.lastApplied == applied(goal.configuration, position: 3))
        #expect(!stored.isConnected)
        #expect(!stored.vouches(for: goal.target.digest))
    }
}

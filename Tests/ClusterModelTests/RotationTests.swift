import ClusterModel
import Testing

@Suite("The CA is replaced in four steps, and none of them locks a machine out")
struct RotationTests {
    private static let old = ClusterCA(certificate: "old", key: Digest(hashing: [1]))
    private static let new = ClusterCA(certificate: "new", key: Digest(hashing: [2]))

    private func rotation(_ moves: Rotation.Move...) throws -> Rotation {
        var rotation = Rotation(current: RotationTests.old)
        for move in moves { try rotation.take(move, prepared: move == .prepare ? RotationTests.new : nil) }
        return rotation
    }

    /// The members of a cluster with these machines, by name.
    private func members(_ names: String...) throws -> [Membership] {
        var state = ClusterState()
        let (nothing, group) = (Digest(hashing: []), GroupID(rawValue: "g"))
        var events: [ClusterEvent] = [
            .clusterCreated(
                ClusterCreated(
                    clusterID: "c", cluster: "c", group: group, groupName: "main", manager: "m", authority: "old", authorityKey: nothing,
                    masterKey: ""))
        ]
        for name in names {
            events.append(
                .invitationCreated(InvitationCreated(id: name, secretHash: nothing, group: group, expires: Timestamp(seconds: 9))))
            events.append(
                .machineJoined(
                    MachineJoined(
                        membership: MembershipID(rawValue: name), machine: name, group: group, invitation: name, identityKey: nothing,
                        network: [])))
        }
        for event in events { try state.fold(event, head: .empty, time: Timestamp(seconds: 0), author: "ann") }
        return state.memberships.values.sorted { $0.machine < $1.machine }
    }

    private func record(trusts: [ClusterCA], issuer: ClusterCA?, protocols: ClosedRange<Int> = 1...2) -> MachineRecord {
        var record = MachineRecord()
        record.agent = AgentKnowledge(agent: "0.9", protocols: protocols, sections: [:])
        record.papers = IdentityPapers(
            trusted: trusts.map(\.fingerprint), issuer: issuer?.fingerprint, notBefore: Timestamp(seconds: 0),
            notAfter: Timestamp(seconds: 900))
        return record
    }

    private let steps: [(Rotation.Step, [Rotation.Move])] = [
        (.settled, []), (.prepared, [.prepare]), (.trusted, [.prepare, .trust]), (.activated, [.prepare, .trust, .activate]),
    ]

    @Test func `in each step it is said who is trusted, who issues, who is shown and what is pinned`() throws {
        var table: [String] = []
        func names(_ authorities: [ClusterCA]) -> String { authorities.map(\.certificate).joined(separator: "+") }
        for (step, moves) in steps {
            var rotation = Rotation(current: RotationTests.old)
            for move in moves { try rotation.take(move, prepared: move == .prepare ? RotationTests.new : nil) }
            #expect(rotation.step == step)
            table.append(
                "\(step.rawValue): \(names(rotation.trusted)) trusted, \(names(rotation.accepted)) accepted, \(rotation.issuing.certificate) issues, "
                    + "\(rotation.shown.certificate) shown, \(names([rotation.shown] + rotation.alsoPinned)) pinned")
        }
        #expect(
            table == [
                "settled: old trusted, old accepted, old issues, old shown, old pinned",
                "prepared: old trusted, old+new accepted, old issues, old shown, old pinned",
                "trusted: old+new trusted, old+new accepted, old issues, old shown, old+new pinned",
                "activated: old+new trusted, old+new accepted, new issues, old shown, old+new pinned",
            ])
        let after = try rotation(.prepare, .trust, .activate, .retire)
        #expect(after.step == .settled && after.current == RotationTests.new && after.next == nil)
        #expect(try rotation(.prepare, .trust, .abort) == Rotation(current: RotationTests.old))
    }

    @Test func `what does not follow is refused, and says what would`() throws {
        for (step, moves) in steps {
            for move in Rotation.Move.allCases {
                var rotation = Rotation(current: RotationTests.old)
                for move in moves { try rotation.take(move, prepared: move == .prepare ? RotationTests.new : nil) }
                guard !rotation.moves.contains(move) else { continue }
                let before = rotation
                let refusal = #expect(throws: Refusal(.conflict, "")) { try rotation.take(move, prepared: RotationTests.new) }
                #expect(refusal?.reason.contains("muster ca \(before.moves[0].rawValue)") == true, "\(step) \(move)")
                #expect(rotation == before)
            }
        }
        var rotation = Rotation(current: RotationTests.old)
        #expect(throws: Refusal(.invalid, "")) { try rotation.take(.prepare, prepared: RotationTests.old) }
        #expect(throws: Refusal(.invalid, "")) { try rotation.take(.prepare) }
    }

    @Test func `the next CA is activated once every machine has confirmed that it trusts it, and the absent are named`() throws {
        let rotation = try rotation(.prepare, .trust)
        let roster = try members("mx1", "mx2", "mx3", "mx4")
        let (old, both) = ([RotationTests.old], [RotationTests.old, RotationTests.new])
        var records = [
            roster[0].id: record(trusts: both, issuer: RotationTests.old), roster[1].id: record(trusts: old, issuer: RotationTests.old),
            roster[2].id: record(trusts: old, issuer: RotationTests.old, protocols: 1...1),
        ]
        let refusal = #expect(throws: Refusal(.conflict, "")) { try rotation.check(.activate, roster: roster, records: records) }
        #expect(refusal?.details.map { String($0.prefix(3)) } == ["mx2", "mx3", "mx4"])
        #expect(refusal?.details[0].contains("offline") == true)
        #expect(refusal?.details[1].contains("(0.9) is too old for that: upgrade it") == true)
        #expect(refusal?.details[2].contains("never heard of") == true)
        try rotation.check(.activate, roster: roster, records: records, without: Set(roster[1...].map(\.id)))
        #expect(throws: Refusal(.conflict, "")) {
            try rotation.check(.activate, roster: roster, records: records, without: Set(roster[2...].map(\.id)))
        }
        for member in roster { records[member.id] = record(trusts: both, issuer: RotationTests.old) }
        try rotation.check(.activate, roster: roster, records: records)
        #expect(rotation.absentees(of: roster, records: records).isEmpty)
    }

    @Test func `the old CA is retired once every machine has a certificate of the next`() throws {
        let rotation = try rotation(.prepare, .trust, .activate)
        let roster = try members("mx1", "mx2")
        let both = [RotationTests.old, RotationTests.new]
        var records = [
            roster[0].id: record(trusts: both, issuer: RotationTests.new), roster[1].id: record(trusts: both, issuer: RotationTests.old),
        ]
        let refusal = #expect(throws: Refusal(.conflict, "")) { try rotation.check(.retire, roster: roster, records: records) }
        #expect(refusal?.details.map { String($0.prefix(3)) } == ["mx2"])
        records[roster[1].id] = record(trusts: both, issuer: RotationTests.new)
        try rotation.check(.retire, roster: roster, records: records)

        let after = try self.rotation(.prepare, .trust, .activate, .retire)
        #expect(after.absentees(of: roster, records: records).map(\.machine) == ["mx1", "mx2"], "they have not dropped it yet")
        records[roster[0].id] = record(trusts: [RotationTests.new], issuer: RotationTests.new)
        #expect(after.absentees(of: roster, records: records).map(\.machine) == ["mx2"])
        try after.check(.prepare, roster: roster, records: records)
    }

    @Test func `a certificate is renewed when less than a third of its life is left, or another CA issues`() {
        let (one, other) = (RotationTests.old.fingerprint, RotationTests.new.fingerprint)
        let papers = IdentityPapers(trusted: [one], issuer: one, notBefore: Timestamp(seconds: 0), notAfter: Timestamp(seconds: 900))
        #expect(!papers.isRenewalDue(at: Timestamp(seconds: 600), issuing: nil))
        #expect(papers.isRenewalDue(at: Timestamp(seconds: 601), issuing: one))
        #expect(!papers.isRenewalDue(at: Timestamp(seconds: 1), issuing: one))
        #expect(papers.isRenewalDue(at: Timestamp(seconds: 1), issuing: other))
        #expect(!papers.hasExpired(at: Timestamp(seconds: 900)))
        #expect(papers.hasExpired(at: Timestamp(seconds: 901)))
    }

    @Test func `an invitation carries both CAs, and one with a single CA reads as before`() throws {
        var token = InvitationToken(
            id: "i", secret: "s", clusterID: "c", cluster: "acme", authority: RotationTests.old.fingerprint, managers: ["m:1"],
            expires: Timestamp(seconds: 1_800_000_000))
        #expect(try InvitationToken(parsing: token.text) == token)
        #expect(token.pinned == [RotationTests.old.fingerprint])
        token.nextAuthority = RotationTests.new.fingerprint
        #expect(try InvitationToken(parsing: token.text).pinned == [RotationTests.old.fingerprint, RotationTests.new.fingerprint])
    }
}

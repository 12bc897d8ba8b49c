import ClusterModel
import FoundationEssentials
import NIOCore
import Replication
import ReplicationTransport
import SwiftProtobuf
import Testing
import WireMessages

enum WireTestCodec {
    static func size(_ update: Update) throws -> Int { try WireCodec.encode(.update(update)).count }
}

@Suite struct CodecTests {
    @Test(arguments: Samples.memberMessages)
    func `what a member says comes out as it went in`(_ message: MemberMessage) throws {
        #expect(try WireCodec.decodeMember(WireCodec.encode(message)) == message)
    }

    @Test(arguments: Samples.managerMessages)
    func `what a manager says comes out as it went in`(_ message: ManagerMessage) throws {
        #expect(try WireCodec.decodeManager(WireCodec.encode(message)) == message)
    }

    @Test func `an agent whose kind of gateway is newer than this manager is heard like one that did not say`() throws {
        var hello = try WireMemberFrame(serializedBytes: try WireCodec.encode(MemberMessage.hello(Samples.hello)))
        hello.hello.gateway = "exim"
        var expected = Samples.hello
        expected.knowledge.gateway = nil
        #expect(try WireCodec.decodeMember(try hello.serializedBytes()) == .hello(expected))
    }

    @Test func `an entry keeps its bytes, and says where it was set`() throws {
        guard case .update(let update) = try WireCodec.decodeManager(WireCodec.encode(.update(Samples.update))) else {
            Issue.record("not an update")
            return
        }
        // Sections compare by digest only; this is the rest.
        for (got, sent) in zip(update.sections, Samples.update.sections) {
            #expect(got.entries.map(\.bytes) == sent.entries.map(\.bytes))
            #expect(got.entries.map(\.origin) == sent.entries.map(\.origin))
        }
        #expect(update.changes.first?.entries == Samples.change.entries)
    }

    @Test func `shared chunks make the same bytes as a plain encoding`() throws {
        let chunks = SectionChunks()
        let plain = try WireCodec.encode(.update(Samples.update))
        for _ in 0..<2 {
            let parts = try chunks.parts(of: Samples.update)
            #expect(parts.flatMap { Array($0.readableBytesView) } == plain)
        }
        let empty = Update(target: Samples.target, head: Samples.head, base: nil, sections: [])
        #expect(try chunks.parts(of: empty).flatMap { Array($0.readableBytesView) } == WireCodec.encode(.update(empty)))
    }

    @Test func `a section that machines share is encoded once, also after others came between`() throws {
        func address(_ buffer: ByteBuffer) -> Int {
            unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        }
        let chunks = SectionChunks(limit: 4096)
        let first = try chunks.chunk(of: Samples.shared)
        for index in 0..<100 {
            let other = EffectiveSection(name: .destinations, entries: [Samples.entry(.destinations, "d\(index)", ["a": 1])])
            _ = try chunks.chunk(of: other)
            #expect(address(try chunks.chunk(of: Samples.shared)) == address(first))
        }
        // A machine's own section is not kept.
        #expect(address(try chunks.chunk(of: Samples.own)) != address(try chunks.chunk(of: Samples.own)))
        // Two sections of one digest may come from different levels.
        let elsewhere = EffectiveSection(
            name: .destinations,
            entries: Samples.shared.entries.map { Samples.entry(.destinations, $0.name, $0.value, at: .group(GroupID(rawValue: "g-2"))) })
        #expect(elsewhere == Samples.shared)
        #expect(try chunks.chunk(of: elsewhere) != chunks.chunk(of: Samples.shared))
    }

    @Test func `a change that machines share is encoded once, and read against nothing that came before`() throws {
        func address(_ buffer: ByteBuffer) -> Int {
            unsafe buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        }
        let chunks = SectionChunks()
        #expect(address(try chunks.chunk(of: Samples.change)) == address(try chunks.chunk(of: Samples.change)))
        let own = SectionChange(name: .interfaces, digest: Samples.digest, entries: Samples.own.entries, removed: [], isShared: false)
        #expect(address(try chunks.chunk(of: own)) != address(try chunks.chunk(of: own)))
        // Its bytes go to the members as they are, so nothing else may be in them.
        let field = try WireUpdate(serializedBytes: Array(chunks.chunk(of: own).readableBytesView))
        #expect(field == .with { $0.changes = field.changes } && field.changes.count == 1)
    }

    @Test func `what came before is known after changes too, and never in the way`() throws {
        func section(_ values: [Int64]) -> EffectiveSection {
            EffectiveSection(
                name: .destinations,
                entries: values.enumerated().map { Samples.entry(.destinations, "d\($0.offset)", ["concurrency": .integer($0.element)]) })
        }
        let steps = [section([1, 2, 3]), section([1, 5, 3]), section([1, 5, 3, 4]), section([1, 5])]
        var (known, running) = (KnownSections(), EffectiveConfiguration?.none)
        for (index, step) in steps.enumerated() {
            let goal = EffectiveConfiguration(sections: [step])
            let target = Target(position: index, revision: index, digest: goal.digest)
            // By turns what changes, and everything.
            for base in [running, nil] {
                let plan = UpdatePlan(target: target, head: Samples.head, configuration: goal, base: base)
                let bytes = try WireCodec.encode(.update(plan.update(material: [])))
                guard case .update(let update) = try WireCodec.decodeManager(bytes, known: known) else { return }
                #expect(update.changes.isEmpty == (base == nil))
                known.remember(update)
                #expect(try assemble(base: base, update: update) == goal)
            }
            running = goal
        }
    }

    @Test func `reasons are cut to what the other side takes`() throws {
        let reasons = Array(repeating: String(repeating: "e\u{301}", count: 1000), count: 30)
        let receipt = Receipt(target: Samples.target, outcome: .rejected(reasons: reasons), time: Samples.time)
        guard case .receipt(let read) = try WireCodec.decodeMember(WireCodec.encode(.receipt(receipt))),
            case .rejected(let cut) = read.outcome
        else {
            Issue.record("not a rejection")
            return
        }
        #expect(cut.count == Limits.receiptReasons && cut.allSatisfy { $0.unicodeScalars.count == Limits.reasonLength })
        let refused = try WireCodec.decodeManager(WireCodec.encode(.refused(.invalid, reason: reasons[0])))
        #expect(refused == .refused(.invalid, reason: cut[0]))
    }

    @Test func `a frame cut short anywhere is refused or whole`() throws {
        for message in Samples.managerMessages {
            let bytes = try WireCodec.encode(message)
            for count in 0..<bytes.count {
                // Protobuf that ends between two fields is a message without the second: then a rule misses it, or nothing does.
                do throws(Refusal) {
                    _ = try WireCodec.decodeManager(Array(bytes.prefix(count)))
                } catch {
                    #expect([.invalid, .version].contains(error.code))
                }
            }
        }
    }

    @Test(arguments: Samples.memberMessages)
    func `an altered byte never traps`(_ message: MemberMessage) throws {
        let bytes = try WireCodec.encode(message)
        for index in bytes.indices {
            for mask in [0x01, 0x08, 0x80, 0xFF] as [UInt8] {
                var altered = bytes
                altered[index] ^= mask
                do throws(Refusal) {
                    _ = try WireCodec.decodeMember(altered)
                } catch {
                    #expect([.invalid, .version].contains(error.code))
                }
            }
        }
    }
}

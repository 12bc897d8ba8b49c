import ClusterModel
import FoundationEssentials
import Replication
import ReplicationTransport
import SwiftProtobuf
import Testing
import WireMessages

/// A frame that breaks one rule, and the field that the refusal must name.
struct Malformed<Frame: Message>: Sendable, CustomTestStringConvertible {
    var field: String
    var frame: Frame

    var testDescription: String { field }
}

@Suite struct MalformedFrameTests {
    private static func hello(_ field: String, _ change: (inout WireHello) -> Void) -> Malformed<WireMemberFrame> {
        altered(.hello(Samples.hello), field) { change(&$0.hello) }
    }

    private static func join(_ field: String, _ change: (inout WireJoinRequest) -> Void) -> Malformed<WireMemberFrame> {
        altered(.join(Samples.join()), field) { change(&$0.join) }
    }

    private static func receipt(_ field: String, _ change: (inout WireReceipt) -> Void) -> Malformed<WireMemberFrame> {
        let outcome = Receipt.Outcome.applied(digest: Samples.digest, proofs: Samples.proofs)
        return altered(.receipt(Receipt(target: Samples.target, outcome: outcome, time: Samples.time)), field) { change(&$0.receipt) }
    }

    private static func edits(_ field: String, _ change: (inout WireLocalEdits) -> Void) -> Malformed<WireMemberFrame> {
        let report = LocalEditReport(isDisconnected: true, edits: Samples.localEdits, material: Samples.material)
        return altered(.localEdits(report), field) { change(&$0.localEdits) }
    }

    private static func inventory(_ field: String, _ change: (inout WireInventory) -> Void) -> Malformed<WireMemberFrame> {
        altered(.inventory(Samples.inventory), field) { change(&$0.inventory) }
    }

    private static func question(_ field: String, _ change: (inout WireQuestion) -> Void) -> Malformed<WireManagerFrame> {
        altered(.question(Question(number: 1, values: [EntryName(.destinations, "a")])), field) { change(&$0.question) }
    }

    private static func altered(
        _ message: MemberMessage, _ field: String, _ change: (inout WireMemberFrame) -> Void
    ) -> Malformed<WireMemberFrame> {
        // A sample that cannot be read is an empty frame, and its case fails.
        var frame = (try? WireMemberFrame(serializedBytes: WireCodec.encode(message))) ?? WireMemberFrame()
        change(&frame)
        return Malformed(field: field, frame: frame)
    }

    private static func update(_ field: String, _ change: (inout WireUpdate) -> Void) -> Malformed<WireManagerFrame> {
        altered(.update(Samples.update), field) { change(&$0.update) }
    }

    private static func altered(
        _ message: ManagerMessage, _ field: String, _ change: (inout WireManagerFrame) -> Void
    ) -> Malformed<WireManagerFrame> {
        var frame = (try? WireManagerFrame(serializedBytes: WireCodec.encode(message))) ?? WireManagerFrame()
        change(&frame)
        return Malformed(field: field, frame: frame)
    }

    private static func rejected(_ reasons: [String]) -> WireRejected { .with { $0.reasons = reasons } }

    static let ofMembers: [Malformed<WireMemberFrame>] = [
        Malformed(field: "content", frame: WireMemberFrame()),
        edits("localEdits.edits") { $0.edits = Array(repeating: $0.edits[0], count: Limits.localEdits + 1) },
        edits("localEdits.edits") { $0.edits[1] = $0.edits[0] },
        edits("localEdits.edits") { $0.edits[1].id = $0.edits[0].id },
        edits("localEdits.edits[0].id") { $0.edits[0].id = "" },
        edits("localEdits.edits[0].section") { $0.edits[0].section = "a/b" },
        edits("localEdits.edits[0].name") { $0.edits[0].name = "" },
        edits("localEdits.edits[0].value") { $0.edits[0].value = Data("{ }".utf8) },
        edits("localEdits.edits[0].value") { $0.edits[0].value = Data() },
        edits("localEdits.edits[0].base") { $0.edits[0].base = Data([1]) },
        edits("localEdits.edits[0].time") { $0.edits[0].time = -1 },
        edits("localEdits.material[1].digest") { $0.material[1].pem.append(0x0A) },
        edits("localEdits") { $0.material[0].pem = Data(repeating: 0x41, count: Limits.localEditBytes) },
        hello("hello.seen.hash") { $0.seen = WireSighting() },
        hello("hello.seen.seal") { $0.seen.seal = Data() },
        hello("hello.seen.epoch") { $0.seen.epoch = -1 },
        hello("hello.seen.hash") { $0.seen.hash = Data([1]) },
        hello("hello.seen.position") { $0.seen.position = -1 },
        hello("hello.seen.position") { $0.seen.position = .max },
        hello("hello.running") { $0.running.append(0) },
        hello("hello.rejected") { $0.rejected.removeLast() },
        hello("hello.clock") { $0.clock = .min },
        hello("hello.clock") { $0.clock = .max },
        hello("hello.agent") { $0.agent = String(repeating: "a", count: Limits.textLength + 1) },
        hello("hello.sections[1]") { $0.sections[1] = "../../etc" },
        hello("hello.sections") { $0.sections = Array(repeating: "a", count: Limits.listItems + 1) },
        hello("hello.section_versions[0].section") { $0.sectionVersions[0].section = "elsewhere" },
        hello("hello.section_versions[1].section") { $0.sectionVersions[1] = $0.sectionVersions[0] },
        hello("hello.section_versions[1].version") { $0.sectionVersions[1].version = 1 },
        hello("hello.section_versions") { $0.sectionVersions = Array(repeating: $0.sectionVersions[0], count: 4) },
        hello("hello.oldest_version") { $0.oldestVersion = 9 },
        join("join.sections[0]") { $0.sections[0] = "a b" },
        join("join.section_versions[0].version") { $0.sectionVersions[0].version = 0 },
        receipt("receipt.outcome") { $0.outcome = nil },
        receipt("receipt.target") { $0.clearTarget() },
        receipt("receipt.target.digest") { $0.target.digest = Data() },
        receipt("receipt.target.revision") { $0.target.revision = -1 },
        receipt("receipt.time") { $0.time = -1 },
        receipt("receipt.applied.digest") { $0.applied.digest = Data() },
        receipt("receipt.applied.proofs[1].service") { $0.applied.proofs[1].service = "" },
        receipt("receipt.applied.proofs[0].served") { $0.applied.proofs[0].served = Data([1, 2]) },
        receipt("receipt.applied.proofs") { $0.applied.proofs = Array(repeating: WireServiceProof(), count: Limits.services + 1) },
        receipt("receipt.rejected.reasons") { $0.rejected = rejected(Array(repeating: "", count: Limits.receiptReasons + 1)) },
        receipt("receipt.rejected.reasons[0]") { $0.rejected = rejected([String(repeating: "a", count: Limits.reasonLength + 1)]) },
        receipt("receipt.drift") { $0.drift = Array(repeating: "", count: Limits.receiptReasons + 1) },
        receipt("receipt.drift[0]") { $0.drift = [String(repeating: "a", count: Limits.reasonLength + 1)] },
        receipt("receipt.mended") { $0.mended = Array(repeating: "", count: Limits.receiptReasons + 1) },
        inventory("inventory.observations[0].remark") {
            $0.observations[0].remark = String(repeating: "a", count: Limits.reasonLength + 1)
        },
        inventory("inventory.question") { $0.question = -1 },
        inventory("inventory.running") { $0.running = Data([1]) },
        inventory("inventory.sections[0].name") { $0.sections[0].name = "a/b" },
        inventory("inventory.sections") { $0.sections = Array(repeating: $0.sections[0], count: Limits.listItems + 1) },
        inventory("inventory.sections[0].entries[0].name") { $0.sections[0].entries[0].name = "" },
        inventory("inventory.sections[0].entries[0].digest") { $0.sections[0].entries[0].digest = Data([1, 2]) },
        inventory("inventory.sections[0].entries[0].value") { $0.sections[0].entries[0].value = Data("{ }".utf8) },
        inventory("inventory.damages[0].file") { $0.damages[0].file = "" },
        inventory("inventory.damages[0].entries[0].section") { $0.damages[0].entries[0].section = "" },
        inventory("inventory.observations[1].subject") { $0.observations[1].subject = String(repeating: "a", count: 257) },
        inventory("inventory.observations[0].meant") { $0.observations[0].meant = Data() },
        inventory("inventory.observations[0].entries") {
            $0.observations[0].entries = Array(repeating: $0.observations[0].entries[0], count: Limits.observedEntries + 1)
        },
        inventory("inventory.observations") { $0.observations = Array(repeating: $0.observations[0], count: Limits.observations + 1) },
        inventory("inventory.proofs[1].service") { $0.proofs[1].service = "" },
        join("join.invitation") { $0.invitation = "" },
        join("join.secret") { $0.secret = "" },
        join("join.machine") { $0.machine = String(repeating: "a", count: Limits.textLength + 1) },
        join("join.certificate_request") { $0.certificateRequest = Data() },
        join("join.network[0].value") { $0.network[0].value = Data("{\"a\": 1}".utf8) },
        join("join.network[0].value") { $0.network[0].value = Data("{\"a\":1.5}".utf8) },
        join("join.network[0].name") { $0.network[0].name = "" },
        join("join.loss.certificates[0].fingerprint") { $0.loss.certificates[0].fingerprint = Data() },
        join("join.loss.settings[1].section") { $0.loss.settings.append($0.loss.settings[0]) },
    ]

    static let ofManagers: [Malformed<WireManagerFrame>] = [
        Malformed(field: "content", frame: WireManagerFrame()),
        altered(.welcome(Samples.head), "welcome.head") { $0.welcome.clearHead() },
        altered(.refused(.invalid, reason: ""), "refused.code") { $0.refused.code = "" },
        altered(.ended(Ended(reason: "", time: Samples.time)), "ended.time") { $0.ended.time = .min },
        altered(.joined(Samples.joined), "joined.membership") { $0.joined.membership = "" },
        altered(.joined(Samples.joined), "joined.certificate") { $0.joined.certificate = "" },
        altered(.joined(Samples.joined), "joined.cluster_id") { $0.joined.clusterID = "" },
        altered(.settled(["e1"]), "settled.edits") { $0.settled.edits = [] },
        altered(.settled(["e1"]), "settled.edits") { $0.settled.edits = Array(repeating: "e1", count: Limits.localEdits + 1) },
        altered(.settled(["e1"]), "settled.edits[0]") { $0.settled.edits = ["e 1"] },
        question("question.number") { $0.number = -1 },
        question("question.values[0].name") { $0.values[0].name = ".." },
        question("question.values") { $0.values = Array(repeating: $0.values[0], count: Limits.questionValues + 1) },
        update("update.target") { $0.clearTarget() },
        update("update.head") { $0.clearHead() },
        update("update.base") { $0.base = Data([1]) },
        update("update.sections[0].name") { $0.sections[0].name = "" },
        update("update.sections[0].digest") { $0.sections[0].digest = Data() },
        update("update.sections[0].digest") { $0.sections[0].digest = Data(Samples.digest.bytes) },
        update("update.sections[0].digest") { $0.sections[0].entries.removeLast() },
        update("update.sections[0].digest") { $0.sections[0].entries[0].value = Data("1".utf8) },
        update("update.sections[0].entries") { $0.sections[0].entries.append($0.sections[0].entries[0]) },
        update("update.sections[0].entries[1].name") { $0.sections[0].entries[1].name = ".." },
        update("update.sections[0].entries[1].value") { $0.sections[0].entries[1].value = Data("{\"b\":1,\"a\":1}".utf8) },
        update("update.sections[0].entries[1].value") { $0.sections[0].entries[1].value = Data("nonsense".utf8) },
        update("update.sections[0].entries[1].value") { $0.sections[0].entries[1].value = Data() },
        update("update.sections[0].entries[1].value") {
            $0.sections[0].entries[1].value = Data(repeating: 0x31, count: Limits.entryBytes + 1)
        },
        update("update.sections[0].entries[1].layer") { $0.sections[0].entries[1].layer = "" },
        update("update.sections[0].entries[1].layer") { $0.sections[0].entries[1].layer = "world" },
        update("update.sections[0].entries[1].revision") { $0.sections[0].entries[1].revision = -1 },
        update("update.sections") { $0.sections.append($0.sections[0]) },
        update("update.sections") { $0.removed.append($0.sections[0].name) },
        update("update.sections") { $0.removed.append($0.changes[0].name) },
        update("update.sections") { $0.changes.append($0.changes[0]) },
        update("update.sections") { $0.changes[0].name = $0.sections[0].name },
        update("update.changes") { $0.base = Data() },
        update("update.changes") { $0.changes = Array(repeating: $0.changes[0], count: Limits.listItems + 1) },
        update("update.changes[0].name") { $0.changes[0].name = "../etc" },
        update("update.changes[0].digest") { $0.changes[0].digest = Data() },
        update("update.changes[0].digest") { $0.changes[0].digest.removeLast() },
        update("update.changes[0].entries") {
            $0.changes[0].entries = []
            $0.changes[0].removed = []
        },
        update("update.changes[0].entries") { $0.changes[0].entries[1].name = $0.changes[0].entries[0].name },
        update("update.changes[0].entries") { $0.changes[0].removed[1] = $0.changes[0].removed[0] },
        update("update.changes[0].entries") { $0.changes[0].removed[0] = $0.changes[0].entries[0].name },
        update("update.changes[0].entries") {
            $0.changes[0].entries = Array(repeating: $0.changes[0].entries[0], count: 3 * Limits.entries + 1)
        },
        update("update.changes[0].removed") { $0.changes[0].removed = Array(repeating: "a", count: 3 * Limits.entries + 1) },
        update("update.changes[0].removed[1]") { $0.changes[0].removed[1] = "" },
        update("update.changes[0].entries[1].name") { $0.changes[0].entries[1].name = ".." },
        update("update.changes[0].entries[1].value") { $0.changes[0].entries[1].value = Data("{\"a\": 1}".utf8) },
        update("update.changes[0].entries[1].value") { $0.changes[0].entries[1].value = Data() },
        update("update.changes[0].entries[1].layer") { $0.changes[0].entries[1].layer = "world" },
        update("update.changes[0].entries[1].revision") { $0.changes[0].entries[1].revision = -1 },
        update("update.material[0].kind") { $0.material[0].kind = .unspecified },
        update("update.material[0].kind") { $0.material[0].kind = .UNRECOGNIZED(9) },
        update("update.material[0].pem") { $0.material[0].pem = Data() },
        update("update.material[1].digest") { $0.material[1].pem.append(0x0A) },
    ]

    @Test(arguments: ofMembers)
    func `a malformed frame of a member is refused by its field`(_ malformed: Malformed<WireMemberFrame>) throws {
        let bytes: [UInt8] = try malformed.frame.serializedBytes()
        let refusal = #expect(throws: Refusal(.invalid, "")) { try WireCodec.decodeMember(bytes) }
        #expect(refusal?.reason.contains("\(malformed.field) ") == true, "\(String(describing: refusal))")
        #expect(refusal?.reason.contains("s3cret") == false)
    }

    @Test(arguments: ofManagers)
    func `a malformed frame of a manager is refused by its field`(_ malformed: Malformed<WireManagerFrame>) throws {
        let bytes: [UInt8] = try malformed.frame.serializedBytes()
        let refusal = #expect(throws: Refusal(.invalid, "")) { try WireCodec.decodeManager(bytes) }
        #expect(refusal?.reason.contains("\(malformed.field) ") == true, "\(String(describing: refusal))")
        #expect(refusal?.reason.contains("PRIVATE KEY") == false)
    }

    /// What a version after this one might send: a frame of kind 15, and an outcome of kind 14 in a receipt.
    static let future: [[UInt8]] = [[0x7A, 2, 8, 1], [0x12, 2, 0x72, 0]]

    @Test(arguments: future)
    func `a kind that is not known is another version, not an error in this one`(_ bytes: [UInt8]) {
        #expect(throws: Refusal(.version, "")) { try WireCodec.decodeMember(bytes) }
    }

    @Test func `a field that is not known is passed over`() throws {
        let known = try WireCodec.encode(.hello(Samples.hello))
        // Field 2000, a text.
        let unknown: [UInt8] = [0x82, 0x7D, 2, 0x68, 0x69]
        var frame = try WireMemberFrame(serializedBytes: known + unknown)
        var hello: [UInt8] = try frame.hello.serializedBytes()
        hello += unknown
        frame.hello = try WireHello(serializedBytes: hello)
        #expect(try WireCodec.decodeMember(frame.serializedBytes()) == .hello(Samples.hello))
    }

    @Test func `an unknown code of a refusal stays what it is`() throws {
        let frame = WireManagerFrame.with { $0.refused = .with { $0.code = "too-cold" } }
        #expect(try WireCodec.decodeManager(frame.serializedBytes()) == .refused(Refusal.Code(rawValue: "too-cold"), reason: ""))
    }
}

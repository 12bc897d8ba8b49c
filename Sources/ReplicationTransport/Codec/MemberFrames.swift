import ClusterModel
import FoundationEssentials
import Replication
import SwiftProtobuf
import WireMessages

extension WireHello {
    init(_ hello: Hello) {
        self.init()
        let knowledge = WireKnowledge(hello.knowledge)
        (version, oldestVersion) = (knowledge.newest, knowledge.oldest)
        agent = knowledge.agent
        clock = hello.clock.seconds
        running = Data(hello.running?.bytes ?? [])
        rejected = Data(hello.rejected?.bytes ?? [])
        if hello.seen != .none { seen = WireSighting(hello.seen) }
        sections = knowledge.sections
        sectionVersions = knowledge.versions
        disconnected = hello.isDisconnected
        localEdits = UInt32(clamping: hello.localEdits)
        if let held = hello.papers { papers = WireIdentityPapers(held) }
        gateway = knowledge.gateway
    }
}

extension Hello {
    init(_ wire: WireHello) throws(Refusal) {
        let knowledge = WireKnowledge(
            newest: wire.version, oldest: wire.oldestVersion, agent: wire.agent, sections: wire.sections, versions: wire.sectionVersions,
            gateway: wire.gateway)
        self.init(
            knowledge: try knowledge.read("hello"), clock: try Field.time(wire.clock, "hello.clock"),
            running: try Field.optionalDigest(wire.running, "hello.running"),
            rejected: try Field.optionalDigest(wire.rejected, "hello.rejected"),
            seen: try wire.hasSeen ? Sighting(wire.seen, "hello.seen") : .none,
            papers: wire.hasPapers ? try IdentityPapers(wire.papers, "hello.papers") : nil)
        isDisconnected = wire.disconnected
        localEdits = Int(wire.localEdits)
    }
}

extension WireReceipt {
    /// Reasons are cut to their limits: a receipt that is too long to be taken would help nobody.
    init(_ receipt: Receipt) {
        self.init()
        target = WireTarget(receipt.target)
        time = receipt.time.seconds
        drift = receipt.drift.prefix(Limits.receiptReasons).map { Field.cut($0, to: Limits.reasonLength) }
        unasked = receipt.isUnasked
        mended = receipt.mended.prefix(Limits.receiptReasons).map { Field.cut($0, to: Limits.reasonLength) }
        switch receipt.outcome {
        case .applied(let digest, let proofs):
            applied = .with {
                $0.digest = Data(digest.bytes)
                $0.proofs = proofs.map(WireServiceProof.init)
            }
        case .rejected(let reasons):
            rejected = .with {
                $0.reasons = reasons.prefix(Limits.receiptReasons).map { Field.cut($0, to: Limits.reasonLength) }
            }
        }
    }
}

extension Receipt {
    init(_ wire: WireReceipt) throws(Refusal) {
        let outcome: Outcome
        switch wire.outcome {
        case .applied(let applied):
            outcome = .applied(
                digest: try Field.digest(applied.digest, "receipt.applied.digest"),
                proofs: try Field.list(applied.proofs, "receipt.applied.proofs", limit: Limits.services) { proof, field throws(Refusal) in
                    try ServiceProof(proof, "\(field)")
                })
        case .rejected(let rejected):
            outcome = .rejected(
                reasons: try Field.texts(
                    rejected.reasons, "receipt.rejected.reasons", limit: Limits.receiptReasons, length: Limits.reasonLength))
        case nil: throw WireCodec.unknownKind(of: "The field receipt.outcome of a frame", in: wire)
        }
        self.init(
            target: try Target(wire.hasTarget ? wire.target : nil, "receipt.target"), outcome: outcome,
            time: try Field.time(wire.time, "receipt.time"),
            drift: try Field.texts(wire.drift, "receipt.drift", limit: Limits.receiptReasons, length: Limits.reasonLength),
            isUnasked: wire.unasked,
            mended: try Field.texts(wire.mended, "receipt.mended", limit: Limits.receiptReasons, length: Limits.reasonLength))
    }
}

extension WireServiceProof {
    init(_ proof: ServiceProof) {
        self.init()
        service = proof.service
        served = Data(proof.served?.bytes ?? [])
        if let reason = proof.unprovable { unprovable = Field.cut(reason, to: Limits.reasonLength) }
    }
}

extension ServiceProof {
    init(_ wire: WireServiceProof, _ field: String) throws(Refusal) {
        self.init(
            service: try Field.text(wire.service, "\(field).service"),
            served: try Field.optionalDigest(wire.served, "\(field).served"),
            unprovable: wire.hasUnprovable
                ? try Field.optionalText(wire.unprovable, "\(field).unprovable", limit: Limits.reasonLength) ?? "" : nil)
    }
}

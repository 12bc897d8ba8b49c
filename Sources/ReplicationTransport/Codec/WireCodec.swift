package import ClusterModel
package import Replication
import SwiftProtobuf
import WireMessages

/// Turns the domain's messages into the messages of `wire.proto`, and back.
///
/// Reading is strict and bounded: what breaks a rule of `wire.proto` or exceeds ``ClusterModel/Limits`` is a
/// ``ClusterModel/Refusal`` with code `invalid` that names the field; a kind of frame that is not known here has code `version`.
package enum WireCodec {
    /// The bytes of a `MemberFrame`.
    package static func encode(_ message: MemberMessage) throws(Refusal) -> [UInt8] {
        try bytes(of: WireMemberFrame(message))
    }

    /// The bytes of a `ManagerFrame`.
    package static func encode(_ message: ManagerMessage) throws(Refusal) -> [UInt8] {
        try bytes(of: WireManagerFrame(message))
    }

    /// Reads the bytes of a `MemberFrame`.
    package static func decodeMember(_ bytes: [UInt8]) throws(Refusal) -> MemberMessage {
        try MemberMessage(parsed(WireMemberFrame.self, bytes))
    }

    /// Reads the bytes of a `ManagerFrame`; `known` are sections that came before.
    package static func decodeManager(_ bytes: [UInt8], known: KnownSections = KnownSections()) throws(Refusal) -> ManagerMessage {
        try ManagerMessage(parsed(WireManagerFrame.self, bytes), known)
    }

    static func bytes(of message: some Message) throws(Refusal) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            throw Refusal(.limit, "A message cannot be written for the wire: \(error)")
        }
    }

    private static func parsed<Parsed: Message>(_ type: Parsed.Type, _ bytes: [UInt8]) throws(Refusal) -> Parsed {
        do {
            return try Parsed(serializedBytes: bytes)
        } catch {
            // The library's error could quote what it read.
            throw Refusal(.invalid, "A frame is not a \(Parsed.protoMessageName) message: it is cut short, altered or not protobuf.")
        }
    }

    /// Says why a message without a kind cannot be understood: the sender is newer, or sent nothing.
    static func unknownKind(of what: String, in message: some Message) -> Refusal {
        message.unknownFields.data.isEmpty
            ? Refusal(.invalid, "\(what) is missing.")
            : Refusal(.version, "\(what) is of a kind that this version does not know. Upgrade the older of the two sides.")
    }
}

extension WireMemberFrame {
    fileprivate init(_ message: MemberMessage) throws(Refusal) {
        self.init()
        switch message {
        case .hello(let hello): kind = .hello(WireHello(hello))
        case .receipt(let receipt): kind = .receipt(WireReceipt(receipt))
        case .localEdits(let report): kind = .localEdits(WireLocalEdits(report))
        case .inventory(let part): kind = .inventory(WireInventory(part))
        case .join(let request): kind = .join(WireJoinRequest(request))
        case .papers(let papers): kind = .papers(WireIdentityPapers(papers))
        case .renewal(let request): kind = .renewal(WireRenewalRequest(request))
        case .ping: kind = .ping(WirePing())
        case .pong: kind = .pong(WirePong())
        }
    }
}

extension MemberMessage {
    fileprivate init(_ frame: WireMemberFrame) throws(Refusal) {
        switch frame.kind {
        case .hello(let hello): self = .hello(try Hello(hello))
        case .receipt(let receipt): self = .receipt(try Receipt(receipt))
        case .localEdits(let report): self = .localEdits(try LocalEditReport(report))
        case .inventory(let inventory): self = .inventory(try InventoryPart(inventory))
        case .join(let request): self = .join(try JoinRequest(request))
        case .papers(let papers): self = .papers(try IdentityPapers(papers, "papers"))
        case .renewal(let request): self = .renewal(certificateRequest: try request.read())
        case .ping: self = .ping
        case .pong: self = .pong
        case nil: throw WireCodec.unknownKind(of: "The frame's content", in: frame)
        }
    }
}

extension WireManagerFrame {
    fileprivate init(_ message: ManagerMessage) throws(Refusal) {
        self.init()
        switch message {
        case .welcome(let head, let version):
            kind = .welcome(
                .with {
                    $0.head = WireSighting(head)
                    $0.version = version == 1 ? 0 : UInt32(clamping: version)
                })
        case .update(let update): kind = .update(WireUpdate(update))
        case .apart(let isDisconnected): kind = .apart(.with { $0.disconnected = isDisconnected })
        case .settled(let edits): kind = .settled(.with { $0.edits = edits })
        case .question(let question): kind = .question(WireQuestion(question))
        case .ended(let ended): kind = .ended(WireEnded(ended))
        case .refused(let code, let reason): kind = .refused(WireRefused(code, reason: reason))
        case .joined(let answer): kind = .joined(WireJoinAnswer(answer))
        case .authorities(let offer): kind = .authorities(WireAuthorities(offer))
        case .renewed(let renewed): kind = .renewed(WireRenewed(renewed))
        case .ping: kind = .ping(WirePing())
        case .pong: kind = .pong(WirePong())
        }
    }
}

extension ManagerMessage {
    fileprivate init(_ frame: WireManagerFrame, _ known: KnownSections) throws(Refusal) {
        switch frame.kind {
        case .welcome(let welcome):
            self = .welcome(
                try Sighting(welcome.hasHead ? welcome.head : nil, "welcome.head"),
                // Managers that speak the first version only do not say so.
                version: welcome.version == 0 ? 1 : Int(welcome.version))
        case .update(let update): self = .update(try Update(update, known))
        case .apart(let apart): self = .apart(apart.disconnected)
        case .settled(let settled): self = .settled(try Field.settled(settled))
        case .question(let question): self = .question(try Question(question))
        case .ended(let ended): self = .ended(try Ended(ended))
        case .refused(let refused):
            let code = try Field.text(refused.code, "refused.code", limit: Limits.nameLength)
            let reason = try Field.optionalText(refused.reason, "refused.reason", limit: Limits.reasonLength) ?? ""
            self = .refused(Refusal.Code(rawValue: code), reason: reason)
        case .joined(let answer): self = .joined(try JoinAnswer(answer))
        case .authorities(let offer): self = .authorities(try AuthorityOffer(offer))
        case .renewed(let renewed): self = .renewed(try RenewedIdentity(renewed))
        case .ping: self = .ping
        case .pong: self = .pong
        case nil: throw WireCodec.unknownKind(of: "The frame's content", in: frame)
        }
    }
}

package import AdminContract
import ClusterLog
package import ClusterModel
import Logging
package import Replication
import Synchronization

/// What a member has said: received, applied and rejected are separate facts.
package struct MemberWord: Hashable, Sendable, Codable {
    package private(set) var lastReceived: Receipt?
    package private(set) var lastApplied: Receipt?
    package private(set) var lastRejected: Receipt?

    package init() {}

    package mutating func take(_ receipt: Receipt) {
        lastReceived = receipt
        switch receipt.outcome {
        case .applied: lastApplied = receipt
        case .rejected: lastRejected = receipt
        }
    }

    /// The digest that it last applied, computed by the member from what it laid out.
    package var appliedDigest: Digest? {
        guard case .applied(let digest, _)? = lastApplied?.outcome else { return nil }
        return digest
    }

    fileprivate var proofs: [ServiceProof] {
        guard case .applied(_, let proofs)? = lastApplied?.outcome else { return [] }
        return proofs
    }

    /// The reasons of a rejection that is its newest word on this digest.
    fileprivate func rejection(of digest: Digest) -> [String]? {
        guard let rejected = lastRejected, rejected.target.digest == digest, lastReceived == rejected,
            case .rejected(let reasons) = rejected.outcome
        else { return nil }
        return reasons
    }
}

/// How a machine stands against its target: the first of the states that holds.
package struct Standing: Hashable, Sendable {
    package var state: MachineState
    package var reasons: [String] = []
    package var services: [ServiceView] = []
    package var appliedRevision: Int?

    /// Synced means: the digest equals the target's, and every service that can be probed was seen to serve what it should.
    package init(of word: MemberWord, against wanted: MachineTarget, isConnected: Bool) throws(SettingError) {
        let isApplied = word.appliedDigest == wanted.target.digest
        // A later commit that left this machine's digest alone is applied as soon as it is committed.
        appliedRevision = isApplied ? wanted.target.revision : word.lastApplied?.target.revision
        let proofs = Dictionary(word.proofs.map { ($0.service, $0) }) { first, _ in first }
        services = try wanted.configuration.intendedServices().map { service in
            let proof = isApplied ? proofs[service.service] : nil
            var unprovable = proof?.unprovable
            if case .none(let reason) = service.probe { unprovable = reason }
            return ServiceView(
                service: service.service, certificate: service.certificate, fingerprint: service.fingerprint, served: proof?.served,
                unprovable: unprovable)
        }
        let unproved = services.filter { $0.unprovable == nil && $0.served != $0.fingerprint }
        if !isConnected {
            state = .offline
            reasons = ["no connection to this manager"]
        } else if let rejection = word.rejection(of: wanted.target.digest) {
            state = .rejected
            reasons = rejection
        } else if !isApplied {
            state = .pending
        } else if !unproved.isEmpty {
            state = .drifted
            reasons = unproved.map { "\($0.service) serves \($0.served?.short ?? "no certificate"), not \($0.fingerprint.short)" }
        } else {
            state = .synced
        }
    }
}

/// Keeps members' words across restarts: held in memory, written in batches.
final class ReceiptStore: Sendable {
    private let log: any ClusterLog
    private let waiting = Mutex<[MembershipID: MemberWord]>([:])
    private static let prefix = "word/"

    init(log: any ClusterLog) {
        self.log = log
    }

    func keep(_ word: MemberWord, of membership: MembershipID) {
        waiting.withLock { $0[membership] = word }
    }

    func load() async throws(Refusal) -> [MembershipID: MemberWord] {
        do throws(LogError) {
            var words: [MembershipID: MemberWord] = [:]
            for (key, bytes, _) in try await log.values(prefix: ReceiptStore.prefix) {
                // A word that does not read is a word that was not heard: the member says it again.
                words[MembershipID(rawValue: String(key.dropFirst(ReceiptStore.prefix.count)))] =
                    try? JSONValue(parsing: bytes).decode(MemberWord.self)
            }
            return words
        } catch {
            throw Refusal(error)
        }
    }

    func flush(_ logger: Logger) async {
        let batch = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
        for (membership, word) in batch {
            let key = ReceiptStore.prefix + membership.rawValue
            do {
                let version = try await log.value(key)?.version ?? 0
                _ = try await log.setValue(key, try JSONValue(encoding: word).canonicalBytes, expecting: version)
            } catch {
                logger.error("a member's status was not written", metadata: ["membership": "\(membership)", "reason": "\(error)"])
            }
        }
    }
}

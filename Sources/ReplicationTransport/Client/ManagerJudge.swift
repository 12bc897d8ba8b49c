import Certificates
import ClusterModel
import NIOSSL
import Replication

/// Decides whether whoever answers is a manager of the cluster that is meant.
struct ManagerJudge: Sendable {
    private enum Trust: Sendable {
        case authorities([TrustedAuthority])
        case fingerprints([Digest])
    }

    private let trust: Trust
    private let clusterID: String
    private let now: WallClock

    init(_ trust: ManagerTrust, now: @escaping WallClock) throws(Refusal) {
        self.now = now
        switch trust {
        case .authorities(let pem, let clusterID):
            self.trust = .authorities(try TransportTLS.authorities(pem))
            self.clusterID = clusterID
        case .fingerprints(let fingerprints, let clusterID):
            self.trust = .fingerprints(fingerprints)
            self.clusterID = clusterID
        }
    }

    /// - Throws: code `forbidden`, with what is wrong with the chain that was presented.
    func check(_ chain: [NIOSSLCertificate]) throws(Refusal) {
        do throws(Refusal) {
            var der: [[UInt8]] = []
            for certificate in chain { der.append(try TransportTLS.der(certificate)) }
            let authorities =
                switch trust {
                case .authorities(let authorities): authorities
                case .fingerprints(let fingerprints): try TrustedAuthority.pinned(fingerprints, in: der)
                }
            guard case .manager = try verifyIdentity(chainDER: der, trust: authorities, clusterID: clusterID, now: now()) else {
                throw Refusal(.forbidden, "It is a member of the cluster, not a manager.")
            }
        } catch {
            throw Refusal(.forbidden, "What answers is not a manager of this cluster. \(error.reason)")
        }
    }
}

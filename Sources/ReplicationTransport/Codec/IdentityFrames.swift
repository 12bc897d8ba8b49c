import ClusterModel
import FoundationEssentials
import Replication
import WireMessages

extension WireIdentityPapers {
    init(_ papers: IdentityPapers) {
        self.init()
        trusted = papers.trusted.map { Data($0.bytes) }
        issuer = Data(papers.issuer?.bytes ?? [])
        notBefore = papers.notBefore.seconds
        notAfter = papers.notAfter.seconds
    }
}

extension IdentityPapers {
    init(_ wire: WireIdentityPapers, _ field: String) throws(Refusal) {
        let trusted = try Field.list(wire.trusted, "\(field).trusted", limit: Limits.clusterAuthorities) { bytes, field throws(Refusal) in
            try Field.digest(bytes, "\(field)")
        }
        guard !trusted.isEmpty else { throw Field.invalid("\(field).trusted", "is missing") }
        self.init(
            trusted: trusted, issuer: try Field.optionalDigest(wire.issuer, "\(field).issuer"),
            notBefore: try Field.time(wire.notBefore, "\(field).not_before"), notAfter: try Field.time(wire.notAfter, "\(field).not_after"))
    }
}

extension WireRenewalRequest {
    init(_ certificateRequest: [UInt8]) {
        self.init()
        self.certificateRequest = Data(certificateRequest)
    }

    func read() throws(Refusal) -> [UInt8] {
        try Field.bytes(certificateRequest, "renewal.certificate_request", limit: Limits.certificateFileBytes)
    }
}

extension WireAuthorities {
    init(_ offer: AuthorityOffer) {
        self.init()
        trust = offer.trust
        issuing = Data(offer.issuing.bytes)
    }
}

extension AuthorityOffer {
    init(_ wire: WireAuthorities) throws(Refusal) {
        self.init(
            trust: try Field.text(wire.trust, "authorities.trust", limit: Limits.certificateFileBytes),
            issuing: try Field.digest(wire.issuing, "authorities.issuing"))
    }
}

extension WireRenewed {
    init(_ renewed: RenewedIdentity) {
        self.init()
        certificate = renewed.certificate
        trust = renewed.trust
    }
}

extension RenewedIdentity {
    init(_ wire: WireRenewed) throws(Refusal) {
        self.init(
            certificate: try Field.text(wire.certificate, "renewed.certificate", limit: Limits.certificateFileBytes),
            trust: try Field.text(wire.trust, "renewed.trust", limit: Limits.certificateFileBytes))
    }
}

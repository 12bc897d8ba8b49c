package import ClusterModel
import X509

extension CertificateChain {
    /// Reads a certificate file that an authority sent, for a key that is there: PEM, DER or PKCS#7, the leaf with intermediates or
    /// without, in any order, with what else is in the file.
    ///
    /// The leaf is the certificate with that key, and the intermediates follow as far as they link; what does not link comes last, and the
    /// findings say so.
    ///
    /// - Throws: `invalid` with the fingerprints of both keys when no certificate fits; `unreadable` or `limit` for what cannot be read.
    package init(upload file: [UInt8], forKey fingerprint: Digest) throws(Refusal) {
        let certificates = try CertificateChain.certificates(inFile: file)
        guard let ordered = try CertificateChain.ordered(certificates, forKey: fingerprint) else {
            let found = CertificateChain.keys(of: certificates)
            throw Refusal(
                .invalid,
                "No certificate in the file is for this key, whose fingerprint is \(fingerprint.hex). The file has "
                    + "\(found.joined(separator: ", ")). Upload the certificate that was issued for this key's request, or import it with "
                    + "its own key.",
                details: found)
        }
        try self.init(ordered)
    }

    /// The chain with intermediates that came later, in the order in which they link. Those that were there stay.
    ///
    /// - Throws: `invalid` when the file has another certificate for the leaf's own key, which is an upload and no intermediate.
    package func adding(intermediates file: [UInt8]) throws(Refusal) -> CertificateChain {
        let added = try CertificateChain.certificates(inFile: file)
        for certificate in added where certificate != leaf {
            // A key that cannot be encoded is not this one.
            guard (try? CertificateChain.keyFingerprint(ofLeaf: certificate)) != leafKey.fingerprint else {
                throw Refusal(
                    .invalid,
                    "\(certificate.subject.text) is no intermediate: it is for this certificate's own key \(leafKey.fingerprint.hex). Upload "
                        + "it as the signed certificate.")
            }
        }
        let kept = certificates.dropFirst().filter { !added.contains($0) }
        // The leaf stays the leaf, whatever else was kept with its key.
        return try CertificateChain(CertificateChain.ordered(behind: leaf, added.filter { $0 != leaf } + kept))
    }

    /// The certificates of a file in PEM, DER or PKCS#7.
    static func certificates(inFile file: [UInt8]) throws(Refusal) -> [Certificate] {
        guard file.count <= Limits.certificateFileBytes else {
            throw Refusal(.limit, "The certificate file has \(file.count) bytes; at most \(Limits.certificateFileBytes) are read.")
        }
        guard isBinary(file) else { return try certificates(inPEM: String(decoding: file, as: UTF8.self)) }
        return try certificates(inDER: try PKCS7.certificates(in: file) ?? [file])
    }

    static func certificates(inDER ders: [[UInt8]]) throws(Refusal) -> [Certificate] {
        var certificates: [Certificate] = []
        for der in ders { certificates.append(try certificate(inDER: der, number: certificates.count + 1)) }
        return certificates
    }

    /// Whether a file begins as a SEQUENCE with the length of a certificate, or with an indefinite one, as no text does.
    static func isBinary(_ file: [UInt8]) -> Bool { file.first == 0x30 && file.dropFirst().first ?? 0 >= 0x80 }

    /// Each certificate with its key's fingerprint, for a refusal.
    private static func keys(of certificates: [Certificate]) -> [String] {
        certificates.prefix(Limits.chainLength).map { certificate in
            // A key that cannot be encoded has no fingerprint to show.
            let key = (try? keyFingerprint(ofLeaf: certificate))?.hex ?? "one that cannot be read"
            return "\(certificate.subject.text) with the key \(key)"
        }
    }
}

package import ClusterModel
import FoundationEssentials
package import X509

/// A list of authorities that peers are verified against (mission D11): the system's, or one of the administrator's own.
package struct AuthorityList: Sendable {
    /// The certificates in the order of their file, repetitions left out.
    package let certificates: [Certificate]
    /// What is known of every certificate in the file, repetitions too: what ``findings(at:)`` goes by.
    package let facts: [CertificateFacts]
    /// Why certificates of the file were passed over: their keys or signatures are of a kind that is not read.
    package let unread: [String]
    /// The canonical text, as of a ``CertificateChain``. This is the blob that members lay out.
    package let pem: String

    /// The digest of ``pem``, which is the name of its blob.
    package var blob: Digest { Digest(hashing: pem.utf8) }

    /// Where the authorities are that a system trusts; the first that is there is the one. Debian and Alpine, Fedora and its kin, SUSE, the
    /// BSDs and macOS.
    package static let systemPaths = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    /// Reads a bundle: certificates in PEM with whatever text between them, PKCS#7, or one certificate in DER.
    ///
    /// A certificate that cannot be read does not spoil the others: it is named in ``unread``.
    ///
    /// - Throws: `unreadable` for no certificate at all, or a block that is cut off; `limit` for more than ``Limits/authorities``.
    package init(bundle: [UInt8]) throws(Refusal) {
        guard bundle.count <= Limits.certificateFileBytes else {
            throw Refusal(.limit, "The list of authorities has \(bundle.count) bytes; at most \(Limits.certificateFileBytes) are read.")
        }
        let ders = try AuthorityList.encodings(in: bundle)
        guard ders.count <= Limits.authorities else {
            throw Refusal(
                .limit,
                "There are \(ders.count) certificates; a list of authorities has at most \(Limits.authorities). Leave out what is not used."
            )
        }
        var certificates: [Certificate] = []
        var unread: [String] = []
        for (index, der) in ders.enumerated() {
            do throws(Refusal) {
                let certificate = try CertificateChain.certificate(inDER: der, number: index + 1)
                // Facts of one that has absurd names cannot be kept: why is said below.
                guard (try? CertificateFacts(certificate)) != nil else {
                    throw Refusal(.unreadable, "Certificate \(index + 1) has an extension or a name that cannot be read.")
                }
                certificates.append(certificate)
            } catch {
                unread.append(error.reason)
            }
        }
        guard !certificates.isEmpty else {
            throw Refusal(.unreadable, "The list of authorities has no certificate that can be read.", details: unread)
        }
        do {
            facts = try CertificateFacts.linked(certificates)
            var seen: Set<Certificate> = []
            self.certificates = certificates.filter { seen.insert($0).inserted }
            pem = try self.certificates.map { PEMBlock(label: "CERTIFICATE", bytes: try $0.derBytes).text }.joined()
        } catch {
            throw Refusal(.unreadable, "A certificate has an extension that cannot be read: \(cause(error)).")
        }
        self.unread = unread
    }

    /// Reads the bundle in a file, such as one of ``systemPaths``.
    package init(contentsOf path: String) throws(Refusal) {
        let bytes: [UInt8]
        do {
            let file = URL(filePath: path).resolvingSymlinksInPath().path
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            let size = (attributes[.size] as? UInt64).map(Int.init(clamping:)) ?? attributes[.size] as? Int ?? 0
            // Looked at first, so that neither a device nor a film is taken into memory.
            guard attributes[.type] as? FileAttributeType == .typeRegular, size <= Limits.certificateFileBytes else {
                throw Refusal(
                    .limit,
                    "\(path) has \(size) bytes or is no file; at most \(Limits.certificateFileBytes) are read as a list of authorities.")
            }
            bytes = Array(try Data(contentsOf: URL(filePath: path)))
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "The list of authorities \(path) cannot be read. Name a file that is there and may be read.")
        }
        try self.init(bundle: bytes)
    }

    /// What people should know of the list.
    package func findings(at now: Timestamp) -> [CertificateFinding] {
        authorityFindings(facts, at: now)
            + unread.map {
                CertificateFinding(
                    code: .unreadableCertificate, severity: .warning, text: "\($0) It is passed over.",
                    cure: "Leave it out, or have the authority's certificate with a key of today.")
            }
    }

    /// Refuses a list for an administrator's own use that has something in it which can only be a mistake: what is no authority's
    /// certificate. All else is told as ``findings(at:)``.
    ///
    /// - Throws: `invalid`, with every such certificate in the details; `limit` for more than one list may have.
    package func check(at now: Timestamp) throws(Refusal) {
        let errors = findings(at: now).filter { $0.code == .notAnAuthority }
        if let first = errors.first {
            throw Refusal(
                .invalid, "The list of authorities cannot be used: \(first.text) \(first.cure)",
                details: errors.map { "\($0.text) \($0.cure)" })
        }
        guard certificates.count <= Limits.ownAuthorities else {
            throw Refusal(
                .limit,
                "There are \(certificates.count) certificates; a list of your own has at most \(Limits.ownAuthorities). Leave out what is not used."
            )
        }
        // What was read can be written.
        guard let large = certificates.first(where: { ((try? $0.derBytes) ?? []).count > Limits.authorityBytes }) else { return }
        throw Refusal(
            .limit, "The certificate of \(large.subject.text) has more than \(Limits.authorityBytes) bytes, and is not taken into a list.")
    }

    /// The setting that names this list.
    package var setting: AuthoritySetting {
        var seen: Set<Digest> = []
        return AuthoritySetting(certificates: facts.filter { seen.insert($0.fingerprint).inserted }, blob: blob)
    }

    private static func encodings(in bundle: [UInt8]) throws(Refusal) -> [[UInt8]] {
        guard !CertificateChain.isBinary(bundle) else { return try PKCS7.certificates(in: bundle) ?? [bundle] }
        let blocks = try PEMReader.blocks(in: String(decoding: bundle, as: UTF8.self), of: "The list of authorities")
        return try CertificateChain.encodings(in: blocks, labels: CertificateChain.labels + ["TRUSTED CERTIFICATE"])
    }
}

extension TrustedAuthorities {
    /// The authorities of lists, with those of another set beside them.
    ///
    /// A certificate that another authority signed is no root: it leads a peer's chain on to one, if that is trusted.
    package init(_ lists: [AuthorityList], beside others: TrustedAuthorities? = nil) {
        let certificates = lists.flatMap(\.certificates)
        self.init(
            roots: (others?.roots ?? CertificateStore()).appending(contentsOf: certificates.filter { $0.signed($0) }),
            intermediates: (others?.intermediates ?? []) + certificates.filter { !$0.signed($0) })
    }
}

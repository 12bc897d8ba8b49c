/// A mail address: `local@domain`, the domain in lower case (RFC 5321, section 4.1.2, without quoted local parts).
package struct MailAddress: Hashable, Sendable, CustomStringConvertible {
    package let local: String
    package let domain: String

    /// Nil for what is no address.
    package init?(_ text: String) {
        guard let at = text.lastIndex(of: "@") else { return nil }
        let (local, domain) = (text[..<at], text[text.index(after: at)...])
        guard MailAddress.isLocalPart(local), HostName.accepts(domain), text.utf8.count <= Limits.mailAddressLength else { return nil }
        self.local = String(local)
        self.domain = domain.lowercased()
    }

    package var description: String { "\(local)@\(domain)" }

    /// Atoms with dots between them (RFC 5322, section 3.2.3), at most 64 bytes.
    static func isLocalPart(_ text: Substring) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.utf8.allSatisfy { isLetterOrDigit($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }
}

/// Envelope senders that a policy means: one address, a domain, all below a domain, or one local part everywhere.
package enum EnvelopeSender: Hashable, Sendable, CustomStringConvertible {
    case address(MailAddress)
    case domain(String)
    case below(String)
    case local(String)

    /// Reads `user@example.com`, `example.com`, `.example.com` or `user@`. `@example.com` and `@.example.com`, as the ESA writes domains,
    /// mean the domain. Nil for anything else.
    package init?(_ text: String) {
        let domain = text.hasPrefix("@") ? text.dropFirst() : text[...]
        if text.hasSuffix("@"), MailAddress.isLocalPart(text.dropLast()) {
            self = .local(String(text.dropLast()))
        } else if let address = MailAddress(text) {
            self = .address(address)
        } else if domain.hasPrefix("."), HostName.accepts(domain.dropFirst()) {
            self = .below(domain.dropFirst().lowercased())
        } else if HostName.accepts(domain) {
            self = .domain(domain.lowercased())
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .address(let address): address.description
        case .domain(let domain): domain
        case .below(let domain): ".\(domain)"
        case .local(let local): "\(local)@"
        }
    }
}

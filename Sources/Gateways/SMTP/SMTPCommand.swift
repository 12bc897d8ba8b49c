import ClusterModel

/// One command line of an SMTP client (RFC 5321, section 4.1), as far as the dialogue tells commands apart.
package enum SMTPCommand: Hashable, Sendable {
    /// EHLO or HELO.
    case hello(isExtended: Bool)
    case startTLS
    /// MAIL FROM with the envelope sender as it stood between the brackets; empty for `<>`.
    case mail(sender: String)
    case recipient
    case data
    case reset
    case noop
    case verify
    case help
    case quit
    /// A command whose parameters cannot be read.
    case malformed
    /// A command that exists and is not offered.
    case unavailable
    case unknown

    /// Reads a line without its end. Never fails: what cannot be read is ``malformed`` or ``unknown``.
    package init(line: [UInt8]) {
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            self = .unknown
            return
        }
        let text = String(decoding: line, as: UTF8.self)
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 == " " || $0 == "\t" })
        let rest = trimmed(parts.count > 1 ? parts[1] : "")
        switch parts.first?.uppercased() ?? "" {
        case "EHLO": self = rest.isEmpty ? .malformed : .hello(isExtended: true)
        case "HELO": self = rest.isEmpty ? .malformed : .hello(isExtended: false)
        case "STARTTLS": self = rest.isEmpty ? .startTLS : .malformed
        case "MAIL": self = path(after: "FROM:", in: rest).map { .mail(sender: String($0)) } ?? .malformed
        case "RCPT": self = (path(after: "TO:", in: rest) ?? "").isEmpty ? .malformed : .recipient
        case "DATA": self = rest.isEmpty ? .data : .malformed
        case "RSET": self = rest.isEmpty ? .reset : .malformed
        case "NOOP": self = .noop
        case "VRFY": self = rest.isEmpty ? .malformed : .verify
        case "HELP": self = .help
        case "QUIT": self = rest.isEmpty ? .quit : .malformed
        case "EXPN", "AUTH", "BDAT", "ETRN", "TURN", "ATRN", "BURL", "SEND", "SOML", "SAML": self = .unavailable
        default: self = .unknown
        }
    }
}

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
}

/// The path between the angle brackets behind a keyword; quoted strings in it may hold a bracket (RFC 5321, section 4.1.2).
private func path(after keyword: String, in text: Substring) -> Substring? {
    guard text.prefix(keyword.count).uppercased() == keyword else { return nil }
    let rest = text.dropFirst(keyword.count).drop { $0 == " " }
    guard rest.first == "<" else { return nil }
    let inner = rest.dropFirst()
    var isQuoted = false
    var isEscaped = false
    for index in inner.indices {
        let character = inner[index]
        if isEscaped {
            isEscaped = false
        } else if isQuoted, character == "\\" {
            isEscaped = true
        } else if character == "\"" {
            isQuoted.toggle()
        } else if character == ">", !isQuoted {
            let behind = inner[inner.index(after: index)...].first
            return behind == nil || behind == " " ? withoutRoute(inner[..<index]) : nil
        }
    }
    return nil
}

/// Drops a source route, which RFC 5321, section 4.1.1.3 asks servers to ignore.
private func withoutRoute(_ path: Substring) -> Substring {
    guard path.first == "@", let colon = path.firstIndex(of: ":") else { return path }
    return path[path.index(after: colon)...]
}

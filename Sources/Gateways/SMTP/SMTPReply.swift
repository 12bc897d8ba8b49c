/// What a server says to one command (RFC 5321, section 4.2). Never holds anything that a peer sent.
package struct SMTPReply: Hashable, Sendable {
    package var code: Int
    /// One or more lines; where the reply has an enhanced status code (RFC 3463), it begins each.
    package var lines: [String]

    package init(_ code: Int, _ lines: String...) {
        self.init(code, lines: lines)
    }

    package init(_ code: Int, lines: [String]) {
        self.code = code
        self.lines = lines
    }

    /// Whether it refuses the command, for now or for good.
    package var isRefusal: Bool { code >= 400 }

    /// The reply as it goes over the wire.
    package var text: String {
        lines.enumerated().map { index, line in
            "\(code)\(index == lines.count - 1 ? " " : "-")\(line)\r\n"
        }.joined()
    }
}

extension SMTPReply {
    static func banner(_ hostname: String) -> SMTPReply { SMTPReply(220, "\(hostname) ESMTP Muster") }
    static let readyForTLS = SMTPReply(220, "2.0.0 Ready to start TLS")
    static let bye = SMTPReply(221, "2.0.0 Bye")
    static let fine = SMTPReply(250, "2.0.0 Ok")
    static let senderTaken = SMTPReply(250, "2.1.0 Ok")
    static let cannotVerify = SMTPReply(252, "2.5.2 Recipients are not verified here")
    static let help = SMTPReply(214, "2.0.0 This gateway serves to try Muster")
    static let tooManyConnections = SMTPReply(421, "4.3.2 Too many connections, try again later")
    static let timedOut = SMTPReply(421, "4.4.2 Timeout, closing the connection")
    static let tooManyErrors = SMTPReply(421, "4.7.0 Too many errors, closing the connection")
    static let noCertificate = SMTPReply(454, "4.7.0 TLS is not available: no certificate is assigned")
    static let tooLong = SMTPReply(500, "5.5.2 Line too long")
    static let unknown = SMTPReply(500, "5.5.2 Command not recognized")
    static let badSyntax = SMTPReply(501, "5.5.4 Syntax error in parameters")
    static let notImplemented = SMTPReply(502, "5.5.1 Command not implemented")
    static let tlsNotOffered = SMTPReply(502, "5.5.1 STARTTLS is not offered to you")
    static let helloFirst = SMTPReply(503, "5.5.1 Send EHLO first")
    static let senderFirst = SMTPReply(503, "5.5.1 Send MAIL first")
    static let senderTwice = SMTPReply(503, "5.5.1 MAIL was sent already")
    static let noRecipients = SMTPReply(503, "5.5.1 No valid recipients")
    static let tlsTwice = SMTPReply(503, "5.5.1 TLS is active already")
    static let tlsPipelined = SMTPReply(503, "5.5.1 Nothing may follow STARTTLS before its reply")
    static let tlsFirst = SMTPReply(530, "5.7.0 Must issue a STARTTLS command first")
    static let senderNeedsTLS = SMTPReply(530, "5.7.1 This sender must use TLS: issue a STARTTLS command first")
    static let certificateNeeded = SMTPReply(550, "5.7.1 A client certificate that can be verified is needed")
    static let takesNoMail = SMTPReply(550, "5.7.1 This gateway takes no mail: it serves to try Muster")
}

import ClusterModel

/// One SMTP session as a value: a command line in, a reply and what to do out (RFC 5321, RFC 3207).
///
/// It takes no mail; it is there so that a real peer meets the policies and certificates of the configuration.
package struct SMTPDialogue: Sendable {
    package enum Action: Hashable, Sendable {
        case proceed
        /// Send the reply in clear text, then nothing but a TLS handshake. There is no way back.
        case startTLS
        /// Send the reply, then close.
        case close
    }

    package struct Answer: Hashable, Sendable {
        package var reply: SMTPReply
        package var action: Action

        package init(_ reply: SMTPReply, _ action: Action = .proceed) {
            self.reply = reply
            self.action = action
        }
    }

    private let terms: SMTPTerms
    private let errorLimit: Int
    /// What the client's handshake showed; nil while the session is in clear text.
    private var encryption: ClientCertificate?
    private var wasGreeted = false
    private var hasSender = false
    private var errors = 0

    package init(terms: SMTPTerms, errorLimit: Int = Limits.smtpErrors) {
        self.terms = terms
        self.errorLimit = errorLimit
    }

    /// What the server says first.
    package var banner: SMTPReply { .banner(terms.hostname) }

    /// Answers a command line.
    ///
    /// `isPipelined` says whether more bytes had arrived behind it: behind STARTTLS they would be taken for part of
    /// the encrypted session, which is how commands are injected, so that the session ends there.
    package mutating func answer(_ line: [UInt8], isPipelined: Bool = false) -> Answer {
        counted(reply(to: SMTPCommand(line: line), isPipelined: isPipelined))
    }

    /// Answers a line beyond the limit.
    package mutating func answerTooLong() -> Answer {
        counted(Answer(.tooLong))
    }

    /// The handshake succeeded: everything that was said before it is forgotten (RFC 3207, section 4.2).
    package mutating func tlsStarted(_ certificate: ClientCertificate) {
        encryption = certificate
        wasGreeted = false
        hasSender = false
    }

    private mutating func counted(_ answer: Answer) -> Answer {
        guard answer.reply.isRefusal else { return answer }
        errors += 1
        return errors < errorLimit ? answer : Answer(.tooManyErrors, .close)
    }

    private mutating func reply(to command: SMTPCommand, isPipelined: Bool) -> Answer {
        switch command {
        case .hello(let isExtended): return Answer(hello(isExtended: isExtended))
        case .noop: return Answer(.fine)
        case .quit: return Answer(.bye, .close)
        case .startTLS: return startTLS(isPipelined: isPipelined)
        default: break
        }
        guard encryption != nil || terms.tls != .required else { return Answer(.tlsFirst) }
        switch command {
        case .mail(let sender): return Answer(mail(from: sender))
        case .recipient: return Answer(hasSender ? .takesNoMail : .senderFirst)
        case .data: return Answer(hasSender ? .noRecipients : .senderFirst)
        case .reset:
            hasSender = false
            return Answer(.fine)
        case .verify: return Answer(.cannotVerify)
        case .help: return Answer(.help)
        case .malformed: return Answer(.badSyntax)
        case .unavailable: return Answer(.notImplemented)
        default: return Answer(.unknown)
        }
    }

    private mutating func hello(isExtended: Bool) -> SMTPReply {
        wasGreeted = true
        hasSender = false
        guard isExtended else { return SMTPReply(250, terms.hostname) }
        var lines = [terms.hostname, "PIPELINING", "ENHANCEDSTATUSCODES"]
        if terms.offersTLS, encryption == nil { lines.append("STARTTLS") }
        return SMTPReply(250, lines: lines)
    }

    private func startTLS(isPipelined: Bool) -> Answer {
        guard encryption == nil else { return Answer(.tlsTwice) }
        guard terms.tls != .off else { return Answer(.tlsNotOffered) }
        guard terms.hasCertificate else { return Answer(.noCertificate) }
        return isPipelined ? Answer(.tlsPipelined, .close) : Answer(.readyForTLS, .startTLS)
    }

    private mutating func mail(from sender: String) -> SMTPReply {
        guard wasGreeted else { return .helloFirst }
        guard !hasSender else { return .senderTwice }
        guard encryption != nil || !terms.demandsTLS(of: sender) else { return .senderNeedsTLS }
        guard !terms.refuses(encryption ?? .none) else { return .certificateNeeded }
        hasSender = true
        return .senderTaken
    }
}

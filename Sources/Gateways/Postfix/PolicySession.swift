import ClusterModel
import NIOCore
import NIOPosix

/// What a sender at a listener's own address must meet there before TLS.
package struct PolicyTerms: Hashable, Sendable {
    package var offersTLS: Bool
    /// Whether no recipient may be taken without TLS.
    package var requiresTLS: Bool

    package init(offersTLS: Bool, requiresTLS: Bool) {
        self.offersTLS = offersTLS
        self.requiresTLS = requiresTLS
    }
}

/// One session that sends nothing: what a listener offers, and what it answers to a recipient before TLS where that must be refused.
struct PolicyDialogue: Sendable {
    enum Action: Hashable, Sendable {
        case wait
        case send(String)
        /// It has been seen; nil for as it should be.
        case end(objection: String?)
    }

    private enum Step: Sendable {
        case banner
        case hello
        case sender
        case recipient
    }

    private let terms: PolicyTerms?
    private let name: String
    private var step = Step.banner
    private var offersTLS = false
    private var lines = 0

    /// `name` is what EHLO says. Where nobody knows the terms, a greeting is enough.
    init(_ terms: PolicyTerms?, name: String) {
        self.terms = terms
        self.name = name
    }

    /// Hears one line of a reply.
    mutating func hear(_ line: String) -> Action {
        lines += 1
        guard lines <= Limits.smtpReplyLines, let code = Int(line.prefix(3)) else {
            return .end(objection: "it does not speak SMTP to this machine")
        }
        if step == .hello, line.dropFirst(4).uppercased() == "STARTTLS" { offersTLS = true }
        guard line.dropFirst(3).first != "-" else { return .wait }
        switch step {
        case .banner:
            guard code == 220 else { return .end(objection: "it does not greet this machine") }
            guard terms != nil else { return .end(objection: nil) }
            step = .hello
            return .send("EHLO \(name)")
        case .hello:
            guard code == 250 else { return .end(objection: "it does not take EHLO from this machine") }
            guard let terms, offersTLS == terms.offersTLS else {
                return .end(
                    objection: "it \(offersTLS ? "offers TLS to this machine, and its policy is off" : "offers no TLS to this machine")")
            }
            guard terms.requiresTLS else { return .end(objection: nil) }
            step = .sender
            return .send("MAIL FROM:<>")
        case .sender:
            // A refusal so early is a filter's: then no recipient is taken either.
            guard code == 250 else { return .end(objection: nil) }
            step = .recipient
            // Not postmaster alone, whom Postfix takes before it asks what holds.
            return .send("RCPT TO:<postmaster@localhost>")
        case .recipient:
            guard code != 530 else { return .end(objection: nil) }
            return .end(
                objection: (200..<300).contains(code)
                    ? "it takes a recipient from this machine without TLS"
                    : "it answers \(code) and not 530 to a recipient from this machine without TLS")
        }
    }
}

/// Leads one session of a ``PolicyDialogue``.
final class PolicyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let found: EventLoopPromise<String?>
    private var dialogue: PolicyDialogue
    private var splitter = LineSplitter()

    init(_ dialogue: PolicyDialogue, found: EventLoopPromise<String?>) {
        self.dialogue = dialogue
        self.found = found
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        splitter.add(unwrapInboundIn(data).readableBytesView)
        while let item = splitter.next() {
            guard case .line(let line) = item else { return found.fail(ProbeHandler.Failure.noTLS(nil)) }
            switch dialogue.hear(String(decoding: line, as: UTF8.self)) {
            case .wait: break
            case .send(let line): send(line, context: context)
            case .end(let objection):
                send("QUIT", context: context)
                return found.succeed(objection)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        found.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        found.fail(ProbeHandler.Failure.closed)
        context.fireChannelInactive()
    }

    private func send(_ line: String, context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: line + "\r\n")), promise: nil)
    }
}

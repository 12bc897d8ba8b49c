/// The client's side of STARTTLS as a value (RFC 3207, section 4): a reply line in, what to do out.
package struct ProbeDialogue: Sendable {
    package enum Action: Hashable, Sendable {
        case wait
        /// Send this line.
        case send(String)
        /// Begin the handshake.
        case handshake
        /// The server does not get to TLS.
        case giveUp
    }

    private enum Step: Sendable {
        case banner
        case hello
        case startTLS
        case done
    }

    private let hello: String
    private var step = Step.banner
    private var offersTLS = false
    private var lines = 0
    /// The last line heard: where a dialogue gives up, what it gave up over.
    package private(set) var heard = ""

    /// `name` is what EHLO says: a host name or an address literal.
    package init(name: String) {
        hello = "EHLO \(name)"
    }

    /// Hears one line of a reply.
    package mutating func hear(_ line: String, limit: Int) -> Action {
        lines += 1
        heard = line
        guard lines <= limit, let code = Int(line.prefix(3)) else { return .giveUp }
        let isLast = line.dropFirst(3).first != "-"
        if step == .hello, line.dropFirst(4).uppercased() == "STARTTLS" { offersTLS = true }
        guard isLast else { return .wait }
        switch (step, code) {
        case (.banner, 220):
            step = .hello
            return .send(hello)
        case (.hello, 250) where offersTLS:
            step = .startTLS
            return .send("STARTTLS")
        case (.startTLS, 220):
            step = .done
            return .handshake
        default:
            return .giveUp
        }
    }
}

import ClusterModel
import Gateways
import Testing

/// A dialogue as lines said and what comes back; `TLS` stands for a finished handshake.
private func codes(
    _ tls: MailFlowPolicySetting.TLS, certificate: Bool = true, verifies: Bool = false, mandatory: [String] = [],
    client: ClientCertificate = .none, errorLimit: Int = 20, _ lines: [String]
) -> [String] {
    var policy = MailFlowPolicySetting(tls: tls, verifyClientCertificate: verifies)
    policy.tlsMandatorySenders = mandatory
    var dialogue = SMTPDialogue(
        terms: SMTPTerms(hostname: "mx1.example.com", policy: policy, hasCertificate: certificate), errorLimit: errorLimit)
    return lines.map { line in
        guard line != "TLS" else {
            dialogue.tlsStarted(client)
            return "-"
        }
        let answer = dialogue.answer(Array(line.utf8))
        return String(answer.reply.text.prefix(9)).split(separator: " ").prefix(2).joined(separator: " ")
    }
}

struct Exchange: Sendable, CustomTestStringConvertible {
    var said: String
    var heard: String
    var testDescription: String { said }

    init(_ said: String, _ heard: String) {
        self.said = said
        self.heard = heard
    }
}

@Suite struct SMTPDialogueTests {
    @Test(arguments: [
        Exchange("EHLO client.example", "250"), Exchange("HELO client.example", "250"), Exchange("NOOP", "250"),
        Exchange("noop with words", "250"), Exchange("STARTTLS", "220"), Exchange("QUIT", "221"),
        Exchange("MAIL FROM:<a@b.example>", "530"), Exchange("RCPT TO:<a@b.example>", "530"), Exchange("DATA", "530"),
        Exchange("RSET", "530"), Exchange("VRFY root", "530"), Exchange("EXPN list", "530"), Exchange("HELP", "530"),
        Exchange("AUTH PLAIN", "530"), Exchange("BDAT 3", "530"), Exchange("XYZZY", "530"), Exchange("", "530"),
        Exchange("EHLO", "530"), Exchange("STARTTLS now", "530"), Exchange("\u{0}\u{1}", "530"),
    ])
    func `before required TLS only NOOP, EHLO, HELO, STARTTLS and QUIT are answered`(_ exchange: Exchange) {
        #expect(codes(.required, [exchange.said]).first?.prefix(3) == exchange.heard[...])
    }

    @Test(arguments: [
        Exchange("EHLO client.example", "250"), Exchange("MAIL FROM:<a@b.example>", "503 5.5.1"), Exchange("RCPT TO:<a@b.example>", "503"),
        Exchange("DATA", "503"), Exchange("RSET", "250"), Exchange("VRFY root", "252"), Exchange("EXPN list", "502"),
        Exchange("HELP", "214"), Exchange("AUTH PLAIN", "502"), Exchange("XYZZY", "500"), Exchange("", "500"), Exchange("EHLO", "501"),
        Exchange("STARTTLS now", "501"), Exchange("MAIL FROM:a@b.example", "501"), Exchange("MAIL FROM:<a@b.example", "501"),
        Exchange("RCPT TO:<>", "501"), Exchange("MAIL\u{0}", "500"), Exchange("DATA now", "501"), Exchange("QUIT now", "501"),
    ])
    func `without required TLS each command has its own answer`(_ exchange: Exchange) {
        #expect(codes(.preferred, [exchange.said]).first?.hasPrefix(exchange.heard) == true)
    }

    @Test func `STARTTLS is offered as the policy says, and never twice`() {
        func offer(_ tls: MailFlowPolicySetting.TLS, certificate: Bool = true, secured: Bool = false) -> Bool {
            var dialogue = SMTPDialogue(
                terms: SMTPTerms(hostname: "mx1.example.com", policy: MailFlowPolicySetting(tls: tls), hasCertificate: certificate))
            if secured { dialogue.tlsStarted(.none) }
            return dialogue.answer(Array("EHLO c".utf8)).reply.lines.contains("STARTTLS")
        }
        #expect(!offer(.off) && offer(.preferred) && offer(.required))
        #expect(!offer(.preferred, certificate: false) && !offer(.required, certificate: false))
        #expect(!offer(.preferred, secured: true) && !offer(.required, secured: true))
        #expect(codes(.off, ["STARTTLS"]) == ["502 5.5.1"])
        #expect(codes(.required, certificate: false, ["STARTTLS"]) == ["454 4.7.0"])
        #expect(codes(.preferred, ["TLS", "STARTTLS"]) == ["-", "503 5.5.1"])
    }

    @Test func `TLS forgets what was said before it`() {
        let mail = "MAIL FROM:<a@b.example>"
        #expect(
            codes(.preferred, ["EHLO c", mail, "TLS", "RCPT TO:<c@d.example>", mail, "EHLO c", mail]).map { $0.prefix(3) }
                == ["250", "250", "-", "503", "503", "250", "250"])
    }

    @Test func `mail is refused at the recipient, and says why`() {
        var dialogue = SMTPDialogue(terms: SMTPTerms(hostname: "mx1.example.com", policy: nil, hasCertificate: false))
        for line in ["EHLO c", "MAIL FROM:<\"odd> one\"@b.example> SIZE=3"] {
            #expect(dialogue.answer(Array(line.utf8)).reply.code == 250)
        }
        #expect(
            dialogue.answer(Array("RCPT TO:<c@d.example>".utf8)).reply.text
                == "550 5.7.1 This gateway takes no mail: it serves to try Muster\r\n")
        #expect(dialogue.answer(Array("DATA".utf8)).reply.code == 503)
    }

    @Test func `anything behind STARTTLS ends the session`() {
        var dialogue = SMTPDialogue(
            terms: SMTPTerms(hostname: "mx1.example.com", policy: MailFlowPolicySetting(tls: .preferred), hasCertificate: true))
        let answer = dialogue.answer(Array("STARTTLS".utf8), isPipelined: true)
        #expect(answer.action == .close && answer.reply.code == 503)
        #expect(dialogue.answer(Array("STARTTLS".utf8)).action == .startTLS)
    }

    @Test(arguments: [
        ("boss@example.com", true), ("BOSS@Example.COM", true), ("other@example.com", false), ("a@bank.example", true),
        ("a@sub.bank.example", false), ("a@sub.deep.example", true), ("a@deep.example", false), ("a@esa.example", true), ("", false),
        ("bank.example", false), ("root@anywhere.example", true), ("notbank.example@x.example", false),
    ])
    func `a sender that must use TLS gets nowhere in clear text`(_ sender: String, _ isMandatory: Bool) {
        let entries = ["boss@example.com", "Bank.example", ".deep.example", "@esa.example", "root@"]
        let lines = ["EHLO c", "MAIL FROM:<\(sender)>", "TLS", "EHLO c", "MAIL FROM:<\(sender)>"]
        #expect(
            codes(.preferred, mandatory: entries, lines) == [
                "250-mx1.e", isMandatory ? "530 5.7.1" : "250 2.1.0", "-", "250-mx1.e", "250 2.1.0",
            ])
    }

    @Test(arguments: [
        (MailFlowPolicySetting.TLS.required, ClientCertificate.none, "550 5.7.1"), (.required, .unverified, "550 5.7.1"),
        (.required, .verified, "250 2.1.0"), (.preferred, .none, "250 2.1.0"), (.preferred, .unverified, "550 5.7.1"),
        (.preferred, .verified, "250 2.1.0"),
    ])
    func `a policy that verifies clients refuses mail from those it cannot verify`(
        _ tls: MailFlowPolicySetting.TLS, _ client: ClientCertificate, _ heard: String
    ) {
        #expect(codes(tls, verifies: true, client: client, ["TLS", "EHLO c", "MAIL FROM:<>"]).last == heard)
        #expect(codes(tls, verifies: false, client: client, ["TLS", "EHLO c", "MAIL FROM:<>"]).last == "250 2.1.0")
    }

    @Test func `the last error that is allowed ends the session`() {
        #expect(codes(.preferred, errorLimit: 3, ["X", "NOOP", "X", "X"]) == ["500 5.5.2", "250 2.0.0", "500 5.5.2", "421 4.7.0"])
    }
}

@Suite struct LineSplitterTests {
    @Test func `lines come out whole however the bytes come in`() {
        let text = Array("EHLO a\r\nNOOP\n\r\nQUIT".utf8)
        for size in 1...text.count {
            var splitter = LineSplitter(limit: 64)
            var lines: [String] = []
            for start in stride(from: 0, to: text.count, by: size) {
                splitter.add(text[start..<min(start + size, text.count)])
                while case .line(let line) = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(lines == ["EHLO a", "NOOP", ""])
            #expect(!splitter.isEmpty)
        }
    }

    @Test(arguments: [1, 7, 100]) func `a line beyond the limit is told once and the next one is heard`(_ size: Int) {
        let text = Array((String(repeating: "x", count: 30) + "\n" + String(repeating: "y", count: 9) + "\nok\n").utf8)
        var splitter = LineSplitter(limit: 10)
        var items: [LineSplitter.Item] = []
        for start in stride(from: 0, to: text.count, by: size) {
            splitter.add(text[start..<min(start + size, text.count)])
            while let item = splitter.next() { items.append(item) }
        }
        #expect(items == [.tooLong, .line(Array(repeating: UInt8(ascii: "y"), count: 9)), .line(Array("ok".utf8))])
        #expect(splitter.isEmpty)
    }
}

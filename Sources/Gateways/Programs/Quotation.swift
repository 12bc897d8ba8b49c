import Certificates
import ClusterModel

/// What a program says, for people who read a rejection: its last lines, without what a terminal might obey and without a private key.
struct Quotation: Sendable {
    /// The lines of the keys' texts; a program that prints one of them prints the key.
    private let secrets: [Substring]

    init(hiding configuration: GatewayConfiguration) {
        // As it came, and as it is laid out. A key that cannot be read is laid out nowhere.
        let texts = configuration.keys.values.flatMap { [$0] + [(try? PrivateKey(pem: $0))?.pem].compactMap(\.self) }
        // The last line of a key may be a few letters that stand anywhere; without the others it tells nothing.
        secrets = texts.flatMap { $0.split(whereSeparator: \.isNewline) }.filter { $0.count >= 16 && !$0.hasPrefix("-----") }
    }

    /// The last lines, the last at the end.
    func lines(of output: String) -> [String] {
        output.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }.suffix(Limits.quotedLines).map { line in
            guard !secrets.contains(where: { line.contains($0) }) else { return "(a line that has a part of a private key)" }
            return String(line.unicodeScalars.filter { (32...126).contains($0.value) }.map(Character.init).prefix(Limits.quotedLineLength))
        }
    }
}

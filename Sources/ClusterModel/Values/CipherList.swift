/// A list of ciphers as OpenSSL writes it, taken apart: `ECDHE+AESGCM:!aNULL:@STRENGTH`.
///
/// What each word stands for is the TLS library's to know; here is what every library reads alike.
package struct CipherList: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// Adds what has all these properties to the end.
        case add([String])
        /// Moves what is there already and has them to the end.
        case move([String])
        /// Takes it away; it may be added again.
        case remove([String])
        /// Takes it away for good.
        case kill([String])
        /// `@STRENGTH` and the like.
        case command(String)
    }

    package let steps: [Step]

    /// Nil for what is no list: without a word, or with a character that no name of a cipher has.
    package init?(_ text: String) {
        var steps: [Step] = []
        for word in text.split(whereSeparator: { ":, ".contains($0) }) {
            guard let step = CipherList.step(word) else { return nil }
            steps.append(step)
        }
        guard !steps.isEmpty else { return nil }
        self.steps = steps
    }

    private static func step(_ word: Substring) -> Step? {
        if word.first == "@" {
            let command = word.dropFirst()
            return !command.isEmpty && command.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "=") }
                ? .command(String(command)) : nil
        }
        let sign = word.first.flatMap { "!-+".contains($0) ? $0 : nil }
        let properties = (sign == nil ? word : word.dropFirst()).split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        guard properties.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { isLetterOrDigit($0) || "-_.".utf8.contains($0) } }) else {
            return nil
        }
        return switch sign {
        case "!": .kill(properties)
        case "-": .remove(properties)
        case "+": .move(properties)
        default: .add(properties)
        }
    }

    /// What the list lets in that nobody should want, a sentence each. A cipher that is killed anywhere in the list is not let in.
    package var weaknesses: [String] {
        var added: [String] = []
        var killed: Set<String> = []
        for step in steps {
            switch step {
            case .add(let properties): added += properties
            case .kill(let properties) where properties.count == 1: killed.insert(properties[0])
            case .kill, .move, .remove, .command: break
            }
        }
        return Weakness.all.compactMap { weakness in
            guard killed.isDisjoint(with: weakness.killedBy),
                let word = added.first(where: { weakness.isNamed(by: $0) && !killed.contains($0) })
            else { return nil }
            let cure = weakness.killedBy.first.map { ", or add !\($0)" } ?? ""
            return "the cipher list has \(word), which lets in ciphers \(weakness.consequence); leave it out\(cure)"
        }
    }

    /// A kind of cipher that should not be used.
    private struct Weakness {
        var consequence: String
        /// Words that let them in, by themselves or as part of a cipher's name.
        var words: Set<String>
        /// Words that keep all of them out behind a `!`, the best first.
        var killedBy: [String]

        func isNamed(by word: String) -> Bool {
            words.contains(word) || word.split(separator: "-").contains { words.contains(String($0)) && $0 != "ALL" }
        }

        static let all = [
            Weakness(
                consequence: "without encryption", words: ["NULL", "eNULL", "COMPLEMENTOFALL"], killedBy: ["eNULL", "NULL"]),
            Weakness(
                consequence: "without authentication", words: ["aNULL", "ADH", "AECDH", "ALL", "COMPLEMENTOFDEFAULT"], killedBy: ["aNULL"]),
            Weakness(
                consequence: "made weak for export", words: ["EXPORT", "EXP", "EXPORT40", "EXPORT56"], killedBy: ["EXPORT", "EXP"]),
            Weakness(consequence: "that were broken long ago", words: ["LOW", "RC4", "RC2", "DES", "MD5"], killedBy: []),
        ]
    }
}

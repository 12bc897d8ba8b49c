package import ClusterModel

/// The logical lines of a Postfix file, as postconf(5) reads them: comments and empty lines left out, a line that begins with a space
/// goes on with the one before.
private func logicalLines(of text: String) -> [(number: Int, text: String)] {
    var lines: [(number: Int, text: String)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let content = line.drop(while: \.isWhitespace)
        guard let first = content.first, first != "#" else { continue }
        if line.first?.isWhitespace == true, let last = lines.indices.last {
            lines[last].text += " " + content.trimmed
        } else {
            lines.append((index + 1, content.trimmed))
        }
    }
    return lines
}

extension Substring {
    fileprivate var trimmed: String {
        let end = lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? startIndex
        return String(self[..<end].drop(while: \.isWhitespace))
    }
}

/// The parameters of a `main.cf`, in the order of their first line; the last word on one holds.
package struct PostfixParameters: Hashable, Sendable {
    package private(set) var names: [String] = []
    private var values: [String: String] = [:]

    package init() {}

    /// Throws for a line that sets nothing, with its number.
    package init(parsing text: String) throws(Refusal) {
        for (number, line) in logicalLines(of: text) {
            guard let equals = line.firstIndex(of: "=") else {
                throw Refusal(.unreadable, "line \(number) sets nothing: a name, = and a value are expected")
            }
            let name = line[..<equals].trimmed
            guard !name.isEmpty, name.utf8.allSatisfy({ isNameByte($0) }) else {
                throw Refusal(.unreadable, "line \(number) sets \"\(name.prefix(60))\", which is no name of a parameter")
            }
            self[name] = line[line.index(after: equals)...].trimmed
        }
    }

    package subscript(_ name: String) -> String? {
        get { values[name] }
        set {
            if values[name] == nil, newValue != nil { names.append(name) }
            if newValue == nil { names.removeAll { $0 == name } }
            values[name] = newValue
        }
    }

    package var text: String { names.map { "\($0) = \(values[$0] ?? "")\n" }.joined() }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || (0x30...0x39).contains(byte)
        || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}

/// An entry of a `master.cf`: a process that Postfix runs, and where it listens.
package struct PostfixProcess: Hashable, Sendable {
    package var name: String
    package var type: String
    /// private, unpriv, chroot, wakeup and maxproc.
    package var columns: [String]
    package var command: String
    /// Options by `-o`, in order.
    package var options: [Option]
    /// All other arguments, in order.
    package var arguments: [String] = []

    /// A parameter that holds for this process alone.
    package struct Option: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(
        _ name: String, _ type: String, _ command: String, columns: [String] = ["-", "-", "n", "-", "-"], options: [Option] = []
    ) {
        self.name = name
        self.type = type
        self.columns = columns
        self.command = command
        self.options = options
    }

    /// Throws for a line that is no entry, with its number.
    package static func all(parsing text: String) throws(Refusal) -> [PostfixProcess] {
        var processes: [PostfixProcess] = []
        for (number, line) in logicalLines(of: text) {
            let words = line.postfixWords(alsoBy: "")
            guard words.count >= 8 else {
                throw Refusal(
                    .unreadable, "line \(number) has \(words.count) fields; an entry has eight: name, type, five more and a command")
            }
            var process = PostfixProcess(words[0], words[1], words[7], columns: Array(words[2...6]))
            try process.take(words[8...], line: number)
            processes.append(process)
        }
        return processes
    }

    private mutating func take(_ words: ArraySlice<String>, line: Int) throws(Refusal) {
        var words = words
        while let word = words.popFirst() {
            guard word.hasPrefix("-o") else {
                arguments.append(word)
                continue
            }
            var setting = word == "-o" ? words.popFirst() ?? "" : String(word.dropFirst(2))
            if setting.hasPrefix("{"), setting.hasSuffix("}") { setting = setting.dropFirst().dropLast().trimmed }
            guard let equals = setting.firstIndex(of: "=") else {
                throw Refusal(.unreadable, "line \(line) has the option -o without name=value")
            }
            options.append(Option(setting[..<equals].trimmed, setting[setting.index(after: equals)...].trimmed))
        }
    }

    package var text: String {
        let lines = options.map { option in
            option.value.contains(" ") ? "-o { \(option.name) = \(option.value) }" : "-o \(option.name)=\(option.value)"
        }
        return (["\(([name, type] + columns + [command]).joined(separator: " "))"] + lines + arguments).joined(separator: "\n  ") + "\n"
    }

    package subscript(_ option: String) -> String? { options.last { $0.name == option }?.value }

    /// Where an entry of type `inet` listens. Nil for a port that nobody here knows.
    package var socket: PostfixSocket? {
        guard type == "inet" else { return nil }
        let ports = ["smtp": 25, "submission": 587, "smtps": 465, "submissions": 465, "urd": 465]
        let colon = name.hasSuffix("]") ? nil : name.lastIndex(of: ":")
        let port = colon.map { String(name[name.index(after: $0)...]) } ?? name
        guard let number = Int(port) ?? ports[port] else { return nil }
        let host = colon.map { name[..<$0].filter { $0 != "[" && $0 != "]" } } ?? ""
        return PostfixSocket(address: IPAddress(host), port: number)
    }
}

/// Where a Postfix instance listens.
package struct PostfixSocket: Hashable, Sendable {
    /// Nil for all addresses.
    package var address: IPAddress?
    package var port: Int

    /// Whether the two cannot be open at once, unless they are one.
    func overlaps(_ other: PostfixSocket) -> Bool {
        port == other.port && (address == nil || other.address == nil || address == other.address)
    }
}

extension Endpoint {
    var postfixSocket: PostfixSocket { PostfixSocket(address: address, port: port) }
}

/// What was in a configuration directory before Muster came: hand-made settings, which stay where they do not contradict.
package struct PostfixBase: Hashable, Sendable {
    package var parameters: PostfixParameters
    package var processes: [PostfixProcess]

    /// Nil is a file that is not there: the usual processes, and no parameter but the level of compatibility that needs no warning.
    package init(main: String? = nil, master: String? = nil) throws(Refusal) {
        do throws(Refusal) {
            parameters = try PostfixParameters(parsing: main ?? "compatibility_level = 3.6")
        } catch {
            throw Refusal(.unreadable, "original/main.cf: \(error.reason)")
        }
        do throws(Refusal) {
            processes = try master.map { text throws(Refusal) in try PostfixProcess.all(parsing: text) } ?? PostfixBase.usual
        } catch {
            throw Refusal(.unreadable, "original/master.cf: \(error.reason)")
        }
    }

    /// Postfix's own `master.cf` without services for the network, nothing in a chroot.
    private static let usual: [PostfixProcess] = [
        PostfixProcess("pickup", "unix", "pickup", columns: ["n", "-", "n", "60", "1"]),
        PostfixProcess("cleanup", "unix", "cleanup", columns: ["n", "-", "n", "-", "0"]),
        PostfixProcess("qmgr", "unix", "qmgr", columns: ["n", "-", "n", "300", "1"]),
        PostfixProcess("tlsmgr", "unix", "tlsmgr", columns: ["-", "-", "n", "1000?", "1"]),
        PostfixProcess("rewrite", "unix", "trivial-rewrite"),
        PostfixProcess("bounce", "unix", "bounce", columns: ["-", "-", "n", "-", "0"]),
        PostfixProcess("defer", "unix", "bounce", columns: ["-", "-", "n", "-", "0"]),
        PostfixProcess("trace", "unix", "bounce", columns: ["-", "-", "n", "-", "0"]),
        PostfixProcess("verify", "unix", "verify", columns: ["-", "-", "n", "-", "1"]),
        PostfixProcess("flush", "unix", "flush", columns: ["n", "-", "n", "1000?", "0"]),
        PostfixProcess("proxymap", "unix", "proxymap"),
        PostfixProcess("proxywrite", "unix", "proxymap", columns: ["-", "-", "n", "-", "1"]),
        PostfixProcess("smtp", "unix", "smtp"),
        PostfixProcess("relay", "unix", "smtp", options: [.init("syslog_name", "postfix/$service_name")]),
        PostfixProcess("showq", "unix", "showq", columns: ["n", "-", "n", "-", "-"]),
        PostfixProcess("error", "unix", "error"),
        PostfixProcess("retry", "unix", "error"),
        PostfixProcess("discard", "unix", "discard"),
        PostfixProcess("local", "unix", "local", columns: ["-", "n", "n", "-", "-"]),
        PostfixProcess("virtual", "unix", "virtual", columns: ["-", "n", "n", "-", "-"]),
        PostfixProcess("lmtp", "unix", "lmtp"),
        PostfixProcess("anvil", "unix", "anvil", columns: ["-", "-", "n", "-", "1"]),
        PostfixProcess("scache", "unix", "scache", columns: ["-", "-", "n", "-", "1"]),
        PostfixProcess("postlog", "unix-dgram", "postlogd", columns: ["n", "-", "n", "-", "1"]),
    ]
}

extension String {
    /// Words as Postfix separates them in lists: by commas and white space, those in braces whole.
    var postfixWords: [String] { postfixWords(alsoBy: ",") }

    /// The same, separated by white space and these characters.
    func postfixWords(alsoBy separators: String) -> [String] {
        var words: [String] = []
        var (word, depth) = ("", 0)
        for character in self {
            if depth == 0, character.isWhitespace || separators.contains(character) {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            if character == "{" { depth += 1 }
            if character == "}" { depth -= 1 }
            word.append(character)
        }
        return word.isEmpty ? words : words + [word]
    }
}

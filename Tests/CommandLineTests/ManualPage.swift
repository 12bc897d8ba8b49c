import ClusterModel

/// A page of the manual, in the man macros of roff, made of what a command says of itself (`--experimental-dump-help`).
struct ManualPage {
    /// `muster-cert`
    let name: String
    let text: String

    /// The page of `muster` itself, and one for each command below it with everything that is below that.
    static func all(of command: JSONValue, version: String) -> [ManualPage] {
        let below = subcommands(of: command)
        let names = below.compactMap { $0["commandName"]?.text }
        return [ManualPage("muster", command, version: version, isWhole: false, seeAlso: names)]
            + below.map { ManualPage("muster", $0, version: version, isWhole: true, seeAlso: []) }
    }

    private init(_ root: String, _ command: JSONValue, version: String, isWhole: Bool, seeAlso: [String]) {
        let own = command["commandName"]?.text ?? ""
        let path = isWhole ? [root, own] : [own]
        name = path.joined(separator: "-")
        var roff = Roff()
        roff.macro(".TH \(name.uppercased()) 1 \"\" \"Muster \(version)\" \"Muster's manual\"")
        roff.macro(".SH NAME")
        roff.text("\(name) \\- \(Roff.escaped(command["abstract"]?.text ?? ""))", isEscaped: true)
        if isWhole {
            roff.command(command, path: path, heading: ".SH")
        } else {
            roff.macro(".SH DESCRIPTION")
            roff.prose(command["discussion"]?.text ?? "")
            roff.macro(".SH COMMANDS")
            for part in ManualPage.subcommands(of: command) {
                roff.item("\\fBmuster \(Roff.escaped(part["commandName"]?.text ?? ""))\\fR", part["abstract"]?.text ?? "")
            }
            roff.environment()
        }
        roff.macro(".SH SEE ALSO")
        roff.text(
            (seeAlso.isEmpty ? ["muster"] : seeAlso.map { "muster-\($0)" }).map { "\\fB\(Roff.escaped($0))\\fR(1)" }.joined(
                separator: ", "),
            isEscaped: true)
        text = roff.text
    }

    fileprivate static func subcommands(of command: JSONValue) -> [JSONValue] {
        (command["subcommands"]?.items ?? []).filter { $0["commandName"]?.text != "help" && $0["shouldDisplay"] != false }
    }
}

private struct Roff {
    private(set) var text = ""

    mutating func macro(_ line: String) { text += line + "\n" }

    mutating func text(_ line: String, isEscaped: Bool = false) { text += (isEscaped ? line : Roff.escaped(line)) + "\n" }

    mutating func item(_ head: String, _ body: String) {
        macro(".TP")
        text(head, isEscaped: true)
        text(body)
    }

    /// A command, its arguments and options, and everything below it.
    mutating func command(_ command: JSONValue, path: [String], heading: String) {
        let arguments = (command["arguments"]?.items ?? []).filter { argument in
            argument["shouldDisplay"] != false && !Roff.names(of: argument).contains { ["--help", "--version"].contains($0) }
        }
        let below = ManualPage.subcommands(of: command)
        if heading == ".SH" {
            macro(".SH SYNOPSIS")
        } else {
            macro(".SS \(Roff.escaped(path.joined(separator: " ")))")
            text(command["abstract"]?.text ?? "")
            macro(".PP")
        }
        if below.isEmpty {
            text(synopsis(path, arguments), isEscaped: true)
        } else {
            text("\\fB\(path.joined(separator: " "))\\fR \\fIcommand\\fR", isEscaped: true)
        }
        if let aliases = command["aliases"]?.items?.compactMap(\.text), !aliases.isEmpty {
            macro(".PP")
            text("Also called \(aliases.joined(separator: ", ")).")
        }
        if heading == ".SH" { macro(".SH DESCRIPTION") } else { macro(".PP") }
        prose(command["discussion"]?.text ?? command["abstract"]?.text ?? "")
        for argument in arguments { item(Roff.head(of: argument), Roff.explanation(of: argument)) }
        if heading == ".SH", !below.isEmpty { macro(".SH COMMANDS") }
        for part in below { self.command(part, path: path + [part["commandName"]?.text ?? ""], heading: ".SS") }
    }

    private func synopsis(_ path: [String], _ arguments: [JSONValue]) -> String {
        let parts = arguments.map { argument in
            let head = Roff.head(of: argument) + (argument["isRepeating"] == true ? " ..." : "")
            return argument["isOptional"] == true ? "[\(head)]" : head
        }
        return (["\\fB\(path.joined(separator: " "))\\fR"] + parts).joined(separator: " ")
    }

    mutating func environment() {
        macro(".SH ENVIRONMENT")
        item("\\fBMUSTER_PROFILE\\fR", "The file that says how to reach the manager, where --profile does not.")
        macro(".SH FILES")
        item("\\fI~/.config/muster/profile.json\\fR", "The profile, where neither --profile nor MUSTER_PROFILE names one.")
    }

    /// Paragraphs; lines that are indented stand as they are, for they are commands and tables.
    mutating func prose(_ discussion: String) {
        var isVerbatim = false
        for line in discussion.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = line.hasPrefix("  ")
            if isIndented != isVerbatim, !line.isEmpty {
                text += isIndented ? ".PP\n.nf\n" : ".fi\n.PP\n"
                isVerbatim = isIndented
            }
            if line.isEmpty { text += isVerbatim ? "\n" : ".PP\n" } else { text(String(line)) }
        }
        if isVerbatim { macro(".fi") }
    }

    /// `\fB--key\fR \fIkind\fR`
    private static func head(of argument: JSONValue) -> String {
        let value = "\\fI\(escaped(argument["valueName"]?.text ?? ""))\\fR"
        switch argument["kind"]?.text {
        case "positional": return value
        case "flag": return names(of: argument).map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
        default: return names(of: argument).map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ") + " \(value)"
        }
    }

    private static func explanation(of argument: JSONValue) -> String {
        var text = argument["abstract"]?.text ?? ""
        if let values = argument["allValues"]?.items?.compactMap(\.text), !values.isEmpty {
            text += " One of \(values.joined(separator: ", "))."
        }
        if let standard = argument["defaultValue"]?.text { text += " Default: \(standard)." }
        return text.isEmpty ? "See above." : text
    }

    private static func names(of argument: JSONValue) -> [String] {
        (argument["names"]?.items ?? []).map { name in
            (name["kind"]?.text == "short" ? "-" : "--") + (name["name"]?.text ?? "")
        }
    }

    /// Text as roff prints it: no word of it is an instruction, and hyphens can be copied into a shell.
    static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&\(plain)" : plain
    }
}

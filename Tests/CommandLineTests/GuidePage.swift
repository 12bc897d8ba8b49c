import FoundationEssentials
import Subprocess
import SystemPackage
import Testing

/// The commands of a page under Docs/guides, and what they are said to print.
///
/// A block marked `sh` is run; one marked `sh refused` is run, and must fail with 1. A block marked `text` right after either shows lines of
/// what it prints, in order, with `…` for what differs from run to run. Blocks without a mark are not looked at.
struct GuidePage {
    struct Step: CustomTestStringConvertible {
        var commands: String
        var isRefused: Bool
        var lines: [String] = []

        var testDescription: String { commands }
    }

    let steps: [Step]

    init(_ name: String) throws {
        let file = URL(filePath: #filePath).appending(path: "../../../Docs/guides/\(name).md").standardized
        self.init(text: try String(contentsOf: file, encoding: .utf8))
    }

    init(text: String) {
        var steps: [Step] = []
        var fence: String?
        var block: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            guard line.hasPrefix("```") else {
                block.append(line)
                continue
            }
            switch fence {
            case nil: fence = String(line.dropFirst(3))
            case "sh", "sh refused":
                steps.append(Step(commands: block.joined(separator: "\n"), isRefused: fence != "sh"))
                fence = nil
            case "text":
                if !steps.isEmpty { steps[steps.count - 1].lines += block }
                fence = nil
            default: fence = nil
            }
            block = []
        }
        self.steps = steps
    }

    /// What is wrong with what a step printed; nil when it is as the page says.
    static func difference(between step: Step, and result: Result) -> String? {
        let failed = result.failures.map { "exit status \($0)" }
        guard step.isRefused ? failed == ["exit status 1"] : failed.isEmpty else {
            return step.isRefused ? "it should be refused" : failed.joined(separator: ", ")
        }
        var printed = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
        for line in step.lines {
            guard let found = printed.firstIndex(where: { matches(line, $0) }) else { return "it does not print \"\(line)\"" }
            printed = printed[(found + 1)...]
        }
        return nil
    }

    /// Whether a line is what a page's line says, `…` standing for anything. White space at the end does not count.
    private static func matches(_ pattern: String, _ line: String) -> Bool {
        let parts = pattern.split(separator: "…", omittingEmptySubsequences: false)
        guard var rest = line.hasPrefix(parts[0]) ? line.dropFirst(parts[0].count) : nil else { return false }
        for part in parts.dropFirst() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return parts.last?.isEmpty == true && parts.count > 1 || rest.allSatisfy { $0 == " " }
    }

    /// What a step did.
    struct Result {
        var output: String
        /// The exit status of each command that failed.
        var failures: [Int]
    }
}

extension GuidePage {
    /// Runs all steps in one shell, in a directory of their own, and answers what each did. Commands that take a level and name none get one;
    /// `DEMO` is the directory of the demo's machines.
    func run(in cluster: KeptCluster, level: String) async throws -> [Result] {
        try await withScratch { directory in
            try FileManager.default.createDirectory(atPath: "\(directory)/bin", withIntermediateDirectories: true)
            try GuidePage.wrapper.write(toFile: "\(directory)/bin/muster", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(directory)/bin/muster")
            let environment: [Environment.Key: String] = [
                "HOME": directory, "PATH": "\(directory)/bin:/usr/bin:/bin", "DEMO": cluster.directory,
                "MUSTER_PROFILE": "\(cluster.directory)/manager/admin.profile.json", "GUIDE_LEVEL": level,
                "GUIDE_MUSTER": musterBinary.path(),
            ]
            let run = try await Subprocess.run(
                .path("/bin/bash"), arguments: ["-c", script], environment: .custom(environment), workingDirectory: FilePath(directory),
                input: .none, output: .string(limit: 4 << 20), error: .combinedWithOutput)
            return GuidePage.results(in: run.standardOutput)
        }
    }

    private static let mark = "@@step"
    private static let failureMark = "@@failed "

    private var script: String {
        "trap 'failed=$?; echo; echo \"\(GuidePage.failureMark)$failed\"' ERR\n"
            + steps.map { "echo; echo '\(GuidePage.mark)'\n\($0.commands)\n" }.joined()
    }

    private static func results(in output: String) -> [Result] {
        var results: [Result] = []
        for line in output.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == mark {
                results.append(Result(output: "", failures: []))
            } else if line.hasPrefix(failureMark), !results.isEmpty {
                results[results.count - 1].failures.append(Int(line.dropFirst(failureMark.count)) ?? -1)
            } else if !results.isEmpty {
                results[results.count - 1].output += line + "\n"
            }
        }
        return results
    }

    /// Stands in the place of `muster`, and adds the level.
    private static let wrapper = """
        #!/bin/bash
        arguments=("$@")
        takes_level=
        case $1 in
            cert) [[ $2 == check && $# == 2 ]] || takes_level=1 ;;
            listener | policy | destination | delivery | authority | ldap | web-security | service | tls-profile | show) takes_level=1 ;;
            alert) [[ $2 == list || $2 == acknowledge ]] || takes_level=1 ;;
        esac
        for argument; do
            case $argument in --cluster | --group | --machine | --from | --help) takes_level= ;; esac
        done
        # More words than one.
        if [[ $takes_level ]]; then arguments+=($GUIDE_LEVEL); fi
        exec "$GUIDE_MUSTER" "${arguments[@]}"
        """
}

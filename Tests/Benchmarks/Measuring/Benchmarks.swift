import Foundation

/// Measures a manager with many members beside the floor: the same bytes over NIO TLS without Muster.
@main
struct Benchmarks {
    static let usage = """
        usage: run [--members N,N,…] [--only MEASURE,…] [--rounds N] [--json FILE] [--scratch DIR]
        measures: \(Measure.allCases.map(\.rawValue).joined(separator: ", "))
        """

    static func main() async {
        Machine.raiseFileLimit()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("manager", 4):
                try await ManagerRole.run(scratch: arguments[1], name: arguments[2], expecting: Int(arguments[3]) ?? 0)
            case ("members", 3): try await MembersRole.run(scratch: arguments[1], name: arguments[2])
            case ("floor-server", 3): try await FloorServerRole.run(scratch: arguments[1], name: arguments[2])
            case ("floor-clients", 3): try await FloorClientsRole.run(scratch: arguments[1], name: arguments[2])
            case ("workload", 2): try Workload(arguments[1])
            case ("cold", 3): try await ColdStart.run(scratch: arguments[1], name: arguments[2])
            default: try await measure(Options(arguments))
            }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func measure(_ options: Options) async throws {
        var report = Report(machine: Machine.description(), date: Date().formatted(.iso8601), arguments: options.words)
        for measure in Measure.allCases where options.only.contains(measure) {
            report.figures += try await measure.figures(options)
        }
        FileHandle.standardOutput.write(Data("\n\(report.machine), \(report.date)\n\n\(report.table)\n".utf8))
        if let file = options.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(report).write(to: URL(fileURLWithPath: file))
        }
    }
}

/// What the command line asks for.
struct Options {
    var members = [100, 1000, 10_000]
    var only = Measure.allCases
    /// How often each thing is measured, besides the first time, which warms up.
    var rounds = 9
    var json: String?
    var scratch = "/tmp/muster-benchmarks"
    var words: [String]

    init(_ words: [String]) throws {
        self.words = words
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchmarkError(Benchmarks.usage) }
            switch option {
            case "--members": members = value.split(separator: ",").compactMap { Int($0) }
            case "--only": only = value.split(separator: ",").compactMap { Measure(rawValue: String($0)) }
            case "--rounds": rounds = Int(value) ?? rounds
            case "--json": json = value
            case "--scratch": scratch = value
            default: throw BenchmarkError(Benchmarks.usage)
            }
        }
        guard !members.isEmpty, !only.isEmpty else { throw BenchmarkError(Benchmarks.usage) }
    }
}

/// The measures, in the order of the report.
enum Measure: String, CaseIterable {
    case commits
    case storm
    case stalled
    case restart
    case sqlite
    case cold
    case resolving
    case postfix

    func figures(_ options: Options) async throws -> [Figure] {
        switch self {
        case .commits: try await options.each { try await CommitMeasure(options: options, members: $0).figures() }
        case .storm: try await options.each { try await StormMeasure(options: options, members: $0).figures() }
        case .stalled: try await options.each { try await StalledMeasure(options: options, members: $0).figures() }
        case .restart: try await options.each { try await RestartMeasure(options: options, members: $0).figures() }
        case .sqlite: try await SQLiteMeasure(options: options).figures()
        case .cold: try await ColdStart.figures(options)
        case .resolving: try await options.each { try ResolvingMeasure(options: options, machines: $0).figures() }
        case .postfix: try await PostfixMeasure(options: options).figures()
        }
    }
}

extension Options {
    /// The figures of each number of members; what is going on is said on standard error.
    fileprivate func each(_ body: (Int) async throws -> [Figure]) async throws -> [Figure] {
        var figures: [Figure] = []
        for count in members { figures += try await body(count) }
        return figures
    }

    /// Says what is going on.
    func note(_ text: String) { FileHandle.standardError.write(Data("==> \(text)\n".utf8)) }

    /// The cluster of so many machines, made if it is not there.
    func fixture(_ machines: Int, entries: Int = 0) async throws -> String {
        let name = entries > 0 ? "log-\(entries)" : "cluster-\(machines)"
        try await Fixture(scratch: scratch, name: name).make(machines: machines, entries: entries)
        return name
    }

    /// What goes on in the background (receipts are written to disk every second) is over after this.
    func settle() async throws { try await ContinuousClock().sleep(for: .milliseconds(1500)) }
}

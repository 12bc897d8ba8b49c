import ClusterModel
import Subprocess
import SystemPackage

/// Runs Postfix's programs: each bounded in time and output, none with a secret in its arguments or environment.
struct PostfixTools: Sendable {
    let commands: String
    let clock: any Clock<Duration>

    struct Answer: Sendable {
        /// Nil for a program that a signal ended.
        var status: Int?
        var output = ""
        var error = ""

        var isFine: Bool { status == 0 }
        var errorLines: [String] { error.split(separator: "\n").map(String.init) }
    }

    /// Runs a program and takes what it says. A name without a slash is one of the instance's commands.
    func ask(
        _ program: String, _ arguments: [String], configuration: String? = nil, input: String = ""
    ) async throws(Refusal) -> Answer {
        let (path, environment) = (path(program), environment(configuration))
        return try await inTime(program) {
            let result = try await run(
                .path(path), arguments: Arguments(arguments), environment: environment, input: .string(input),
                output: .string(limit: Limits.postfixOutputBytes), error: .string(limit: Limits.postfixOutputBytes))
            return Answer(status: result.terminationStatus.code, output: result.standardOutput, error: result.standardError)
        }
    }

    /// Runs a program for what it does. It may leave processes behind that hold on to what they were given, so it is given nothing.
    func tell(_ program: String, _ arguments: [String]) async throws(Refusal) -> Answer {
        let (path, environment) = (path(program), environment(nil))
        return try await inTime(program) {
            let result = try await run(
                .path(path), arguments: Arguments(arguments), environment: environment, input: .none, output: .discarded,
                error: .discarded)
            return Answer(status: result.terminationStatus.code)
        }
    }

    private func path(_ program: String) -> FilePath { FilePath(program.contains("/") ? program : "\(commands)/\(program)") }

    private func environment(_ configuration: String?) -> Environment {
        var values: [Environment.Key: String] = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"]
        if let configuration { values["MAIL_CONFIG"] = configuration }
        return .custom(values)
    }

    private func inTime(_ program: String, _ body: @escaping @Sendable () async throws -> Answer) async throws(Refusal) -> Answer {
        let name = program.split(separator: "/").last ?? ""
        do {
            return try await withThrowingTaskGroup(of: Answer?.self) { [clock] tasks in
                tasks.addTask { try await body() }
                tasks.addTask {
                    try await clock.sleep(for: .seconds(Limits.postfixCommandSeconds))
                    return nil
                }
                defer { tasks.cancelAll() }
                guard let answer = try await tasks.next() ?? nil else {
                    throw Refusal(.unavailable, "\(name) did not end within \(Limits.postfixCommandSeconds) seconds.")
                }
                return answer
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "\(name) could not be run: \(error)")
        }
    }
}

extension TerminationStatus {
    fileprivate var code: Int? {
        if case .exited(let code) = self { Int(code) } else { nil }
    }
}

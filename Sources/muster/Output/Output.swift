import AdminContract
import ArgumentParser
import ClusterLog
import ClusterModel
import ClusterService
import Glibc

/// Where commands write: lines for people and programs on standard output, what went wrong on standard error.
enum Output {
    /// Writes one line, or several, to standard output.
    static func line(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// Writes text to standard output as it is.
    static func text(_ text: String) {
        write(text, to: STDOUT_FILENO)
    }

    /// Writes one line to standard error.
    static func error(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Writes text to standard error as it is: progress on a terminal.
    static func progress(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }  // nobody reads any more, and there is nowhere else to say so
            rest = rest.dropFirst(count)
        }
    }
}

/// Runs a command's work; what was refused is said on standard error and becomes the exit status.
func exiting<Result>(_ work: () async throws -> Result) async throws -> Result {
    do {
        return try await work()
    } catch let refusal as Refusal {
        throw exit(refusal)
    } catch let error as LogError {
        throw exit(Refusal(error))
    }
}

private func exit(_ refusal: Refusal) -> ExitCode {
    Output.error("Error: \(refusal)".printable(keepingLines: true))
    return ExitCode(Outcome.of(refusal.code).exitStatus)
}

extension String {
    /// Without control characters: text that others wrote must not steer a terminal.
    func printable(keepingLines: Bool = false) -> String {
        String(
            unicodeScalars.map { scalar in
                if keepingLines, scalar == "\n" { return Character(scalar) }
                let isControl = scalar.value < 32 || (127..<160).contains(scalar.value)
                return Character(isControl ? " " : scalar)
            })
    }
}

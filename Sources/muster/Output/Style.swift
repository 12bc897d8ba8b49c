import ClusterModel
import AdminContract
import FoundationEssentials
import Glibc

/// Colours, where they are wanted: on a terminal, and not when NO_COLOR is set (https://no-color.org).
struct Style: Sendable {
    var hasColor: Bool

    static func standardOutput() -> Style {
        let environment = ProcessInfo.processInfo.environment
        let isRefused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return Style(hasColor: isatty(STDOUT_FILENO) == 1 && !isRefused && environment["TERM"] != "dumb")
    }

    static let plain = Style(hasColor: false)

    /// What a text means, from which its colour follows.
    enum Tone: Sendable {
        case plain
        case heading
        case good
        case waiting
        case bad
        case faint
    }

    func paint(_ text: String, _ tone: Tone) -> String {
        guard hasColor, let code = Style.code(of: tone) else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private static func code(of tone: Tone) -> String? {
        switch tone {
        case .plain: nil
        case .heading: "1"
        case .good: "32"
        case .waiting: "33"
        case .bad: "31"
        case .faint: "2"
        }
    }
}

extension MachineState {
    var tone: Style.Tone {
        switch self {
        case .synced: .good
        case .pending: .waiting
        case .rejected, .drifted: .bad
        case .offline, .disconnected: .faint
        }
    }
}

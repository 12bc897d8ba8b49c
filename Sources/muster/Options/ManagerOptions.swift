import AdminClient
import ArgumentParser
import ClusterModel
import FoundationEssentials

/// What every command that talks to a manager takes.
struct ManagerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How to reach the manager. (default: $MUSTER_PROFILE, else ~/.config/muster/profile.json)", valueName: "file"))
    var profile: String?

    @OptionGroup var rendering: RenderingOptions

    var renderer: Renderer { rendering.renderer }

    /// Whether people read the answer.
    var isForPeople: Bool { rendering.isForPeople }

    /// Calls the manager; a refusal is said and becomes the exit status.
    func withManager<Result>(_ calls: (AdminClient) async throws -> Result) async throws -> Result {
        try await exiting {
            try await AdminClient.with(try Profile(file: profilePath()), calls)
        }
    }

    /// The profile that was named, if one was: by the option, or in the environment.
    static func namedProfile(_ option: String?) -> String? {
        guard let path = option ?? ProcessInfo.processInfo.environment["MUSTER_PROFILE"], !path.isEmpty else { return nil }
        return path
    }

    private func profilePath() throws(Refusal) -> String {
        if let path = ManagerOptions.namedProfile(profile) { return path }
        guard let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty else {
            throw Refusal(.notFound, "There is no profile: name one with --profile FILE or MUSTER_PROFILE.")
        }
        return "\(home)/.config/muster/profile.json"
    }
}

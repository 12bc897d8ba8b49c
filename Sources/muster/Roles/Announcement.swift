import AdminClient
import ClusterModel
import ClusterService

/// Keeps the ports that were picked, and says once that the manager is ready.
actor Announcement {
    private let directory: ManagerDirectory
    private let places: Places
    private var settings: ManagerDirectory.Settings
    private var admin: Endpoint?
    private var members: Endpoint?
    /// The CAs that a profile has to trust, PEM; nil until it is known.
    private var trust: String?

    init(directory: ManagerDirectory, places: Places, settings: ManagerDirectory.Settings) {
        self.directory = directory
        self.places = places
        self.settings = settings
    }

    func adminReady(_ port: Int) {
        admin = endpoint(settings.adminListen, port)
        sayWhenBothAre()
    }

    func memberReady(_ port: Int) {
        members = endpoint(settings.memberListen, port)
        if let members { places.bound(members) }
        sayWhenBothAre()
    }

    /// The first administrator's profile trusts whoever may vouch for the manager, from the step of a rotation on in which that may change.
    func trusts(_ pem: String) {
        guard pem != trust else { return }
        trust = pem
        do {
            try rewriteProfile { $0.ca = pem }
        } catch {
            Output.error("The profile \(directory.profile) could not be kept: \(error)")
        }
    }

    private func rewriteProfile(_ change: (inout Profile) -> Void) throws {
        // The profile may have been moved away: then it is somebody's own.
        guard let before = try? Profile(file: directory.profile) else { return }
        var profile = before
        change(&profile)
        if profile != before { try PrivateFile.write(Array(try profile.fileContent.utf8), to: directory.profile) }
    }

    private func endpoint(_ text: String, _ port: Int) -> Endpoint? {
        (try? Endpoint(parsing: text)).map { Endpoint(host: $0.host, port: port) }  // it was read before it was bound
    }

    private func sayWhenBothAre() {
        guard let admin, let members else { return }
        do {
            settings.adminListen = "\(admin)"
            settings.memberListen = "\(members)"
            try directory.save(settings)
            try rewriteProfile { $0.url = "https://\(admin)" }
        } catch {
            Output.error("The ports could not be kept: \(error)")
        }
        Output.line("muster manager ready admin=https://\(admin) members=\(members)")
        SystemNotice.ready.send()
    }
}

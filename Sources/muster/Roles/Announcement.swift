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

    private func endpoint(_ text: String, _ port: Int) -> Endpoint? {
        (try? Endpoint(parsing: text)).map { Endpoint(host: $0.host, port: port) }  // it was read before it was bound
    }

    private func sayWhenBothAre() {
        guard let admin, let members else { return }
        do {
            settings.adminListen = "\(admin)"
            settings.memberListen = "\(members)"
            try directory.save(settings)
            // The profile may have been moved away: then it is somebody's own.
            if var profile = try? Profile(file: directory.profile) {
                profile.url = "https://\(admin)"
                try PrivateFile.write(Array(try profile.fileContent.utf8), to: directory.profile)
            }
        } catch {
            Output.error("The ports could not be kept: \(error)")
        }
        Output.line("muster manager ready admin=https://\(admin) members=\(members)")
    }
}

import AdminClient
import AdminContract
import ClusterModel

/// An administrator's credentials on a machine that joins: they ask for the invitation that the machine then uses (mission C2).
struct JoinCredentials {
    private let profile: Profile
    private let group: String?
    private let machine: String

    /// Seconds that the invitation is good for: it is used at once, and a join that was interrupted can be repeated.
    private static let seconds = 600

    init(profile path: String, group: String?, machine: String) throws(Refusal) {
        profile = try Profile(file: path)
        self.group = group
        self.machine = machine
    }

    /// Where invitations come from, and to what: without the token.
    var source: String { "\(profile.url) \(group ?? "")" }

    /// An invitation for this machine alone.
    func invite() async throws(Refusal) -> InvitationToken {
        let request = InvitationRequest(group: group, expiresSeconds: JoinCredentials.seconds, machine: machine)
        let view: InvitationView
        do {
            view = try await AdminClient.with(profile) { try await $0.invite(request) }
        } catch let refusal as Refusal where refusal.code == .forbidden {
            throw Refusal(
                .forbidden,
                "\(refusal.reason) Nothing has changed. Let an administrator join it, or make an invitation: muster invite --machine \(machine)"
            )
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "The manager at \(profile.url) could not be asked: \(error)")
        }
        return try InvitationToken(parsing: view.invitation)
    }
}

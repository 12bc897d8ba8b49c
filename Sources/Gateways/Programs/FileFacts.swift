import ClusterModel
import Glibc
import SystemPackage

/// What the system knows of a file.
struct FileFacts: Sendable {
    let kind: FileType
    let permissions: FilePermissions
    let owner: UInt32
    let size: Int64

    /// Nil where there is none. `ofLink` says that a link itself is meant, not what it leads to.
    init?(_ path: String, ofLink: Bool = false) {
        // Why it cannot be looked at does not matter here.
        guard let facts = try? Stat(FilePath(path), followTargetSymlink: !ofLink) else { return nil }
        (kind, permissions, owner, size) = (facts.type, facts.permissions, facts.userID.rawValue, facts.size)
    }

    /// Refuses what somebody else than root and this process's user could change.
    func checkOwner(_ what: String, at path: String) throws(Refusal) {
        guard owner == 0 || owner == geteuid() else {
            throw Refusal(
                .forbidden, "\(what) belongs to user \(owner), who could change it. It must belong to root or to the agent's user.")
        }
        guard permissions.isDisjoint(with: [.groupWrite, .otherWrite]) else {
            throw Refusal(.forbidden, "\(what) can be changed by others. Run: chmod go-w \(path)")
        }
    }
}

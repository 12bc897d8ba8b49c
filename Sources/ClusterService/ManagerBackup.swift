package import Certificates
package import ClusterLog
package import ClusterModel

/// What a backup says about the manager that it was made of, sealed so that nobody can alter it unnoticed.
package struct BackupNote: Codable, Sendable {
    package var made: Timestamp
    package var settings: ManagerDirectory.Settings

    package init(made: Timestamp, settings: ManagerDirectory.Settings) {
        self.made = made
        self.settings = settings
    }

    /// The note's bytes with their seal.
    package func sealed(by master: MasterKey) throws(Refusal) -> (bytes: [UInt8], seal: Digest) {
        do {
            let bytes = try JSONValue(encoding: self).canonicalBytes
            return (bytes, BackupNote.key(master).seal(bytes))
        } catch {
            throw Refusal(.invalid, "The backup's note cannot be written down: \(error)")
        }
    }

    /// Reads a note; refuses one that was sealed under another master key, or altered.
    package init(bytes: [UInt8], seal: Digest, master: MasterKey) throws(Refusal) {
        guard BackupNote.key(master).accepts(seal, over: bytes) else {
            throw Refusal(
                .unreadable,
                "The backup was made under another master key than \(master.id), or was altered. The key that was in use then is needed: give it with --master-key."
            )
        }
        do {
            self = try JSONValue(parsing: bytes).decode(BackupNote.self)
        } catch {
            throw Refusal(.version, "The backup's note is in a form that this version does not read: \(error)")
        }
    }

    private static func key(_ master: MasterKey) -> LogKey {
        ManagerFoundation.sealingKey(master, for: "backup/1")
    }
}

/// Lets a cluster go on from a log that is older than what its machines have seen (mission G5).
package struct ManagerRecovery: Sendable {
    /// Begins a new epoch; what machines have seen of the one before, and this log lacks, is given up.
    ///
    /// - Returns: the state before and after.
    package static func recover(log: any ClusterLog, master: MasterKey, now: @escaping WallClock) async throws
        -> (before: ClusterState, after: ClusterState)
    {
        let ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: now)
        let before = await ledger.state
        guard before.created != nil else { throw Refusal(.notFound, "The log holds no cluster. Make one: muster manager init") }
        let after = try await ledger.append(by: "recover") { state, _ throws(Refusal) in
            .managerRecovered(ManagerRecovered(epoch: state.epoch + 1))
        }
        return (before, after)
    }

    /// A new token for an administrator, for whoever has the manager's disk and master key.
    package static func token(for user: String, log: any ClusterLog, master: MasterKey, now: @escaping WallClock) async throws
        -> (token: String, state: ClusterState)
    {
        let user = try NameRule.plain.check(user, as: "The administrator's name")
        let ledger = try await Ledger.open(log: log, key: ManagerFoundation.logKey(master), now: now)
        try await ledger.append(by: "restore") { state, _ throws(Refusal) in
            guard let known = state.users.byName[user] else { return .userAdded(UserAdded(user: user, role: .administrator)) }
            guard known.role == .administrator else {
                throw Refusal(
                    .forbidden, "\(user) is \(known.role.rawValue) in this cluster, and no administrator. Name another with --admin.")
            }
            return nil
        }
        let (token, event) = Tokens.make(for: user, expires: now().adding(seconds: Int64(ManagerFoundation.tokenHours) * 3600))
        let state = try await ledger.append(by: "restore") { _, _ throws(Refusal) in .tokenCreated(event) }
        return (token, state)
    }
}

package import Certificates
package import ClusterLog
package import ClusterModel

/// Everything that a manager keeps, checked without changing it: the log's chain and seals, the state that it folds to, every sealed
/// key and archive, every chain and list of authorities, and what is not history.
package struct ManagerVerification: Sendable {
    private let log: any ClusterLog
    private let master: MasterKey
    private static let page = 1000

    package init(log: any ClusterLog, master: MasterKey) {
        self.log = log
        self.master = master
    }

    /// What was looked at, and what is wrong with it.
    package struct Report: Sendable, Encodable {
        package var cluster = ""
        /// The newest entry that is as it was written.
        package var position = 0
        package var hash = LogHead.empty.hash
        package var epoch = 0
        package var revision = 0
        package var machines = 0
        package var keys = 0
        package var chains = 0
        /// One sentence each: what is wrong, where, what to do.
        package var problems: [String] = []

        package var isSound: Bool { problems.isEmpty }
    }

    /// Looks at everything; a problem ends the part that it is in, and the next part is looked at all the same.
    package func verify() async throws(Refusal) -> Report {
        var report = Report()
        guard let state = await fold(&report) else { return report }
        report.cluster = state.cluster
        (report.epoch, report.revision, report.machines) = (state.epoch, state.revision, state.memberships.count)
        guard let created = state.created else {
            report.problems.append("The log is empty. Restore a backup with `muster manager restore`.")
            return report
        }
        guard created.masterKey == master.id else {
            report.problems.append(
                "The log's keys are sealed under the master key \(created.masterKey), and this is \(master.id). Give the right one with --master-key."
            )
            return report
        }
        try await checkMaterial(of: state, &report)
        await checkValues(&report)
        return report
    }

    /// Nil when the log cannot be read at all.
    private func fold(_ report: inout Report) async -> ClusterState? {
        var verifier = LogVerifier(key: ManagerFoundation.logKey(master))
        var state = ClusterState()
        do {
            while true {
                let entries = try await log.entries(after: verifier.head.position, limit: ManagerVerification.page)
                for stored in entries {
                    let entry = try verifier.verify(stored)
                    do {
                        try state.fold(ClusterEvent(entry.event), head: stored.head, time: entry.time, author: entry.author)
                    } catch {
                        throw LogError(.corrupt, "Entry \(stored.position) of the log cannot be taken in: \(error)")
                    }
                    (report.position, report.hash) = (stored.position, stored.head.hash)
                }
                if entries.count < ManagerVerification.page { return state }
            }
        } catch {
            report.problems.append("\(error)")
            return nil
        }
    }

    private func checkMaterial(of state: ClusterState, _ report: inout Report) async throws(Refusal) {
        let vault = KeyVault(log: log, master: master, clusterID: state.clusterID)
        var (keys, chains) = ManagerVerification.material(of: state)
        for archive in state.allArchives {
            do throws(Refusal) {
                let content = try ArchivedLayer(bytes: try await vault.archive(archive.note.digest))
                ManagerVerification.add(content.layer, "in the archive \(archive.id)", &keys, &chains)
            } catch {
                report.problems.append("\(error.reason) It is of the machine \(archive.note.machine).")
            }
        }
        for (fingerprint, users) in keys.sorted(by: { $0.key < $1.key }) {
            do throws(Refusal) {
                _ = try await vault.keyPEM(fingerprint)
                report.keys += 1
            } catch {
                report.problems.append("\(error.reason) It belongs to \(users.joined(separator: ", ")).")
            }
        }
        for (digest, users) in chains.sorted(by: { $0.key < $1.key }) {
            do throws(Refusal) {
                let pem = try await vault.chainPEM(digest)
                guard Digest(hashing: pem) == digest else {
                    throw Refusal(.unreadable, "The certificate chain \(digest.short) is not as it was stored.")
                }
                report.chains += 1
            } catch {
                report.problems.append("\(error.reason) It belongs to \(users.joined(separator: ", ")).")
            }
        }
    }

    private func checkValues(_ report: inout Report) async {
        do throws(LogError) {
            _ = try await log.values(prefix: "")
        } catch {
            report.problems.append(error.reason)
        }
    }

    /// The keys, chains and lists of authorities that the state names, each with whose they are.
    private static func material(of state: ClusterState) -> (keys: [Digest: [String]], chains: [Digest: [String]]) {
        var keys: [Digest: [String]] = [:]
        var chains: [Digest: [String]] = [:]
        for ca in state.rotation?.accepted ?? [] { keys[ca.key] = ["the cluster's certificate authority"] }
        for level in AdminDesk.levels(of: state) {
            // A level that the state itself lists is one that it has.
            guard let id = try? state.layerID(of: level), let layer = state.layer(id) else { continue }
            add(layer, "at \(level)", &keys, &chains)
        }
        return (keys, chains)
    }

    private static func add(_ layer: Layer, _ place: String, _ keys: inout [Digest: [String]], _ chains: inout [Digest: [String]]) {
        for (name, entry) in layer[.certificates].entries {
            // What does not read names nothing; the fold would have refused it.
            guard let value = entry.state.value, let setting = try? CertificateSetting(value) else { continue }
            keys[setting.key.fingerprint, default: []].append("certificate \(name) \(place)")
            chains[setting.chainBlob, default: []].append("certificate \(name) \(place)")
        }
        for (name, entry) in layer[.authorities].entries {
            // As above; the operating system's list has no blob.
            guard let value = entry.state.value, let blob = (try? AuthoritySetting(value))?.blob else { continue }
            chains[blob, default: []].append("authorities \(name) \(place)")
        }
    }
}

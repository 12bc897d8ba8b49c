package import AdminContract
package import ClusterLog
package import ClusterModel

/// The log as people read and check it: the audit list, and the proof that it is what was written (mission B8).
package struct LogVerification: Sendable {
    private let log: any ClusterLog
    private let key: LogKey
    private static let page = 1000

    package init(log: any ClusterLog, key: LogKey) {
        self.log = log
        self.key = key
    }

    /// Entries behind a position, one line each.
    package func list(after position: Int, limit: Int, state: ClusterState) async throws(Refusal) -> [AuditView] {
        var views: [AuditView] = []
        for stored in try await entries(after: position, limit: limit) {
            // What cannot be read is listed as such: an audit leaves nothing out.
            guard let json = try? JSONValue(parsing: stored.bytes), let event = try? ClusterEvent(json["event"] ?? .null) else {
                views.append(
                    AuditView(
                        position: stored.position, time: Timestamp(seconds: 0), author: "?", kind: "unreadable",
                        summary: "this entry cannot be read; run muster audit verify", hash: stored.head.hash))
                continue
            }
            views.append(
                AuditView(
                    position: stored.position, time: json["time"]?.text.flatMap(Timestamp.init) ?? Timestamp(seconds: 0),
                    author: json["author"]?.text ?? "?", kind: event.kind, summary: event.summary(in: state), hash: stored.head.hash))
        }
        return views
    }

    /// Reads the whole log again and checks every position, hash and seal.
    package func verify() async throws(Refusal) -> AuditVerification {
        var verifier = LogVerifier(key: key)
        while true {
            let entries = try await entries(after: verifier.head.position, limit: LogVerification.page)
            for entry in entries {
                do throws(LogError) {
                    _ = try verifier.verify(entry)
                } catch {
                    return AuditVerification(
                        intact: false, position: verifier.head.position, hash: verifier.head.hash, problem: error.reason)
                }
            }
            if entries.count < LogVerification.page {
                return AuditVerification(intact: true, position: verifier.head.position, hash: verifier.head.hash)
            }
        }
    }

    private func entries(after position: Int, limit: Int) async throws(Refusal) -> [StoredEntry] {
        do throws(LogError) {
            return try await log.entries(after: position, limit: limit)
        } catch {
            throw Refusal(error)
        }
    }
}

extension ClusterEvent {
    /// One line for people. No secrets: events hold none.
    func summary(in state: ClusterState) -> String {
        switch self {
        case .clusterCreated(let event): return "created the cluster \(event.cluster)"
        case .userAdded(let event):
            let limit = event.group.map { ", in the group \(state.name(of: $0) ?? "that is gone") only" } ?? ""
            return "added \(event.user) as \(event.role.rawValue)\(limit)"
        case .userRemoved(let event): return "removed the user \(event.user), and ended the tokens"
        case .tokenCreated(let event): return "made a token for \(event.user), until \(event.expires)"
        case .groupAdded(let event): return "added the group \(event.name)"
        case .groupRenamed(let event): return "renamed the group \(event.former) to \(event.name)"
        case .groupDeleted(let event): return "deleted the group \(event.name)\(LossReport.sentence(event.loss))"
        case .invitationCreated(let event):
            let machine = event.machine.map { " for \($0)" } ?? ""
            let approval = event.approval == true ? ", with approval" : ""
            return
                "made the invitation \(event.id)\(machine) to \(state.name(of: event.group) ?? "a group that is gone"), until \(event.expires)\(approval)"
        case .joinDecided(let event):
            return
                "\(event.isApproved ? "approved" : "denied") the join of \(event.machine) with the key \(event.identityKey.short), invitation \(event.invitation)"
        case .machineJoined(let event):
            let lost = event.loss.map(LossReport.sentence) ?? ""
            return
                "\(event.machine) joined \(state.name(of: event.group) ?? "a group that is gone") with invitation \(event.invitation)\(lost)"
        case .machineMoved(let event):
            let machine = state.ended[event.membership]?.machine ?? state.memberships[event.membership]?.machine ?? "a machine"
            return
                "moved \(machine) from the group \(state.name(of: event.from) ?? "that is gone") to \(state.name(of: event.group) ?? "one that is gone")"
        case .machineRenamed(let event): return "renamed the machine \(event.former) to \(event.name)"
        case .managerRecovered(let event):
            return "went on from an older backup, as epoch \(event.epoch); open invitations were closed"
        case .caRotated(let event): return event.sentence(in: state)
        case .readmissionGranted(let event):
            return "let \(state.name(of: event.membership)) return once although its certificate expired, until \(event.expires)"
        case .machineReadmitted(let event): return "\(state.name(of: event.membership)) returned with its old key; the grant is used"
        case .keyExported(let event):
            let level = state.level(of: event.layer)?.description ?? "a level that is gone"
            return "exported the certificate \(event.certificate) of \(level) with its key \(event.key.short)"
        case .documentExported(let event):
            return
                "saved the document of revision \(event.revision) with \(event.keys) \(event.keys == 1 ? "private key" : "private keys"), sealed under a password"
        case .machineRemoved(let event):
            let machine = state.name(of: event.membership)
            guard let archive = event.archive else { return "removed \(machine)\(LossReport.sentence(event.loss))" }
            return
                "removed \(machine), and archived its \(archive.entries == 1 ? "entry" : "\(archive.entries) entries") as \(archive.digest.short)"
        case .archiveForgotten(let event): return "forgot the archive \(event.digest.short) of \(event.machine)"
        case .machineDisconnected(let event): return "disconnected \(state.name(of: event.membership))"
        case .machineReconnected(let event): return "reconnected \(state.name(of: event.membership))"
        case .settingsCommitted(let event):
            let comment = event.comment.isEmpty ? "" : ": \(event.comment.prefix(80))"
            let edits = "\(event.edits.count) \(event.edits.count == 1 ? "edit" : "edits")"
            let back = event.rolledBackTo.map { ", back to revision \($0)" } ?? ""
            return "committed revision \(event.revision)\(back), \(edits)\(comment)"
        }
    }
}

extension ClusterState {
    /// A machine's name, be it a former one.
    fileprivate func name(of membership: MembershipID) -> String {
        ended[membership]?.machine ?? memberships[membership]?.machine ?? "a machine"
    }
}

extension CARotated {
    fileprivate func sentence(in state: ClusterState) -> String {
        switch move {
        case .prepare: return "prepared the next CA \(prepared?.fingerprint.short ?? "")"
        case .trust: return "had machines trust the next CA beside the one before"
        case .activate:
            let names = (without ?? []).map { state.name(of: $0) }.sorted()
            return "activated the next CA" + (names.isEmpty ? "" : ", without \(names.joined(separator: ", "))")
        case .retire: return "retired the CA from before; invitations that know no other were closed"
        case .abort: return "gave up the next CA"
        }
    }
}

extension LossReport {
    fileprivate static func sentence(_ loss: LossReport) -> String {
        guard !loss.isEmpty else { return "" }
        let names = loss.certificates.map { "\($0.name) (\($0.fingerprint.short))" }
        let settings = loss.settings.map { "\($0.key) \($0.value.joined(separator: ", "))" }.sorted()
        return "; lost: " + (names.map { "certificate \($0)" } + settings).joined(separator: "; ")
    }
}

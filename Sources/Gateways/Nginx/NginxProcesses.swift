import FoundationEssentials
import Glibc

/// The processes of one nginx, as /proc shows them.
struct NginxProcesses: Sendable {
    /// What the master was started with.
    let configuration: String
    let run: String

    struct Worker: Hashable, Sendable {
        let id: pid_t
        let parent: pid_t
        /// It accepts nothing more, and ends with its last connection.
        let isLeaving: Bool
    }

    /// The one that reads the configuration; nil when there is none. A number that is another program's by now is not taken for it.
    var master: pid_t? {
        guard let text = FileManager.default.contents(atPath: "\(run)/nginx.pid").map({ String(decoding: $0, as: UTF8.self) }),
            let id = pid_t(text.trimmingSuffix { $0.isWhitespace }), id > 0,
            let title = title(of: id), title.hasPrefix("nginx: master process"), title.contains(configuration)
        else { return nil }
        return id
    }

    func workers(of master: pid_t) -> [Worker] { workers.filter { $0.parent == master } }

    /// Workers of this nginx that a master left behind when it was killed: they hold its sockets, and serve what they were told last.
    var orphans: [Worker] {
        guard master == nil else { return [] }
        return workers.filter { worker in
            !worker.isLeaving && links(of: worker.id).contains("\(run)/error.log")
        }
    }

    private var workers: [Worker] {
        // A process may end while it is looked at.
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.compactMap { id in
            guard let title = title(of: id), title.hasPrefix("nginx: worker process"), let parent = parent(of: id) else { return nil }
            return Worker(id: id, parent: parent, isLeaving: title.contains("shutting down"))
        }
    }

    private func title(of id: pid_t) -> String? {
        FileManager.default.contents(atPath: "/proc/\(id)/cmdline").map { String(decoding: $0, as: UTF8.self) }
    }

    private func parent(of id: pid_t) -> pid_t? {
        let status = FileManager.default.contents(atPath: "/proc/\(id)/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }
        return line.flatMap { pid_t($0.dropFirst("PPid:".count).drop(while: \.isWhitespace)) }
    }

    private func links(of id: pid_t) -> [String] {
        // As above.
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")) ?? []).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/fd/\($0)")
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(while isGone: (Character) -> Bool) -> Substring {
        var text = self[...]
        while let last = text.last, isGone(last) { text.removeLast() }
        return text
    }
}

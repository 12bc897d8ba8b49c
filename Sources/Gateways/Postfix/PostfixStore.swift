import ClusterModel
import FoundationEssentials
import Glibc

/// The configuration directory of a Postfix instance as Muster keeps it. Calls come one at a time.
///
/// ```
/// main.cf      -> current/main.cf      what Postfix and its commands read
/// master.cf    -> current/master.cf
/// current      -> gen/17               switched by one rename
/// gen/17/      one generation, whole; the one before stays beside it, without its keys. `written` lists its files by digest
/// original/    what was there before Muster; hand-made settings belong here
/// replaced/    files that somebody put in the place of the links since
/// ```
struct PostfixStore: Sendable {
    let directory: String

    static let linked = ["main.cf", "master.cf"]

    func generation(_ number: Int) -> String { "\(directory)/gen/\(number)" }

    // MARK: - What is there

    /// The number of the generation that the directory points to; nil before the first.
    var current: Int? {
        target(of: "current").flatMap { $0.hasPrefix("gen/") ? Int($0.dropFirst("gen/".count)) : nil }
    }

    var next: Int { (numbers.max() ?? 0) + 1 }

    private var numbers: [Int] {
        // None before the first.
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/gen")) ?? []).compactMap { Int($0) }
    }

    /// Whether Postfix reads the current generation, and this is all of it.
    func isCurrent(_ plan: PostfixPlan, _ number: Int) -> Bool {
        guard current == number, PostfixStore.linked.allSatisfy(isLinked) else { return false }
        return plan.files.allSatisfy { name, file in
            // What cannot be read is not the same.
            (try? read("gen/\(number)/\(name)")) == file.text
        }
    }

    /// What was written for a generation: its files, each by its digest.
    struct Written: Hashable, Sendable {
        var number: Int
        var files: [String: Digest]
    }

    /// Each file of a generation, and the links through which Postfix reads it, held against what was written. Hand-made settings and the
    /// system's authorities may be others by now: they come with the next change.
    func observations(of written: Written) -> [GatewayObservation] {
        let links = [("current", "gen/\(written.number)")] + PostfixStore.linked.map { ($0, "current/\($0)") }
        return written.files.sorted { $0.key < $1.key }.map { name, digest in
            // What cannot be read is not there.
            let found = (try? read("gen/\(written.number)/\(name)")) ?? nil
            return GatewayObservation(
                subject: "\(generation(written.number))/\(name)", entries: [], meant: digest,
                found: found.map { Digest(hashing: Array($0.utf8)) })
        }
            + links.map { name, destination in
                let found = exists(name) ? target(of: name) ?? "a file" : nil
                return GatewayObservation(
                    subject: absolute(name), entries: [], meant: Digest(hashing: Array(destination.utf8)),
                    found: found.map { Digest(hashing: Array($0.utf8)) })
            }
    }

    /// Where a link leads; nil for what is none.
    private func target(of name: String) -> String? {
        // Why there is none does not matter here.
        try? FileManager.default.destinationOfSymbolicLink(atPath: absolute(name))
    }

    private func isLinked(_ name: String) -> Bool { target(of: name) == "current/\(name)" }

    /// The hand-made settings: kept aside already, or as they lie there now.
    func base() throws(Refusal) -> PostfixBase {
        let folder = exists("original") ? "original/" : ""
        return try PostfixBase(main: try read("\(folder)main.cf"), master: try read("\(folder)master.cf"))
    }

    /// Where Postfix listens by the files that it reads; what cannot be read says nothing.
    func sockets() -> Set<PostfixSocket> {
        // Why not does not matter here.
        guard let text = try? read("master.cf"), let processes = try? PostfixProcess.all(parsing: text) else { return [] }
        return Set(processes.compactMap(\.socket))
    }

    // MARK: - Changing

    /// Keeps what is in Muster's way: at the first time as the original, later beside it, files of the current generation that somebody
    /// edited among it, as far as `known` or the list beside them tells. Answers what it set aside.
    func keepHandMade(_ known: Written?) throws(Refusal) -> [String] {
        let found = PostfixStore.linked.filter { exists($0) && !isLinked($0) }
        guard exists("original") else {
            try remove("original.new")
            try makeDirectory("original.new")
            for name in found { try create("original.new/\(name)", try read(name) ?? "") }
            try sync("original.new")
            try move("original.new", to: "original")
            return []
        }
        guard let current else { return [] }
        let written = known.flatMap { $0.number == current ? $0 : nil } ?? written(current)
        var kept: [String] = []
        for (name, path) in found.map({ ($0, $0) }) + (try edited(written).map { ($0, "gen/\(current)/\($0)") }) {
            try makeDirectory("replaced")
            var number = 1
            while exists("replaced/\(name).\(number)") { number += 1 }
            try create("replaced/\(name).\(number)", try read(path) ?? "")
            kept.append("\(directory)/replaced/\(name).\(number)")
        }
        return kept
    }

    /// The files of a generation that are not as they were written. Those with keys are not worth a copy.
    private func edited(_ written: Written) throws(Refusal) -> [String] {
        var names: [String] = []
        for (name, digest) in written.files.sorted(by: { $0.key < $1.key }) {
            guard !name.hasPrefix("tls/"), let text = try read("gen/\(written.number)/\(name)") else { continue }
            if Digest(hashing: Array(text.utf8)) != digest { names.append(name) }
        }
        return names
    }

    /// What a generation's files were when they were written, by the list beside them. Who edits that too is not found out by it.
    func written(_ number: Int) -> Written {
        // A list that cannot be read names none.
        let lines = ((try? read("gen/\(number)/written")) ?? "").split(separator: "\n")
        let files = lines.compactMap { line in
            Digest(hex: String(line.prefix { $0 != " " })).map { (String(line.drop { $0 != " " }.dropFirst()), $0) }
        }
        return Written(number: number, files: Dictionary(files) { first, _ in first })
    }

    /// Writes a generation aside, then gives it its name: half of it is never seen under that.
    func write(_ plan: PostfixPlan, _ number: Int) throws(Refusal) {
        let aside = "gen/\(number).new"
        try makeDirectory("gen")
        try remove(aside)
        try makeDirectory(aside)
        try makeDirectory("\(aside)/tls")
        let files = plan.files.sorted { $0.key < $1.key }
        for (name, file) in files { try create("\(aside)/\(name)", file.text, mode: file.isSecret ? 0o600 : 0o644) }
        try create("\(aside)/written", files.map { "\(Digest(hashing: Array($1.text.utf8)).hex) \($0)\n" }.joined())
        try sync("\(aside)/tls")
        try sync(aside)
        try move(aside, to: "gen/\(number)")
    }

    /// Makes Postfix read a generation from its next look on.
    func point(to number: Int) throws(Refusal) {
        try link("current", to: "gen/\(number)")
        for name in PostfixStore.linked where !isLinked(name) { try link(name, to: "current/\(name)") }
        try sync("")
    }

    /// Puts the hand-made files back, as they were before the first generation.
    func pointToOriginal() throws(Refusal) {
        for name in PostfixStore.linked {
            try remove(name)
            if let text = try read("original/\(name)") { try create(name, text) }
        }
        try remove("current")
        try sync("")
    }

    func discard(_ number: Int) throws(Refusal) { try remove("gen/\(number)") }

    /// Leaves the generation in force, and the one before it without its keys.
    func tidy(keeping number: Int) throws(Refusal) {
        let before = numbers.filter { $0 < number }.max()
        for old in numbers where old != number && old != before { try discard(old) }
        if let before { try remove("gen/\(before)/tls") }
    }

    // MARK: - Files

    private func absolute(_ path: String) -> String { path.isEmpty ? directory : "\(directory)/\(path)" }

    private func exists(_ path: String) -> Bool {
        // Of a link itself, whatever it leads to.
        (try? FileManager.default.attributesOfItem(atPath: absolute(path))) != nil
    }

    /// What a file holds; nil when there is none.
    private func read(_ path: String) throws(Refusal) -> String? {
        guard FileManager.default.fileExists(atPath: absolute(path)) else { return nil }
        guard let data = FileManager.default.contents(atPath: absolute(path)), data.count <= Limits.postfixFileBytes else {
            throw Refusal(.unreadable, "\(absolute(path)) cannot be read, or has over \(Limits.postfixFileBytes) bytes.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private func makeDirectory(_ path: String) throws(Refusal) {
        guard unsafe mkdir(absolute(path), 0o755) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
    }

    private func create(_ path: String, _ text: String, mode: mode_t = 0o644) throws(Refusal) {
        let file = unsafe open(absolute(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw failure("create", path) }
        defer { _ = close(file) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure("write", path) }
            rest = rest.dropFirst(max(0, count))
        }
        // Whatever the process's mask says. And older: a program of Postfix that meets a file of this second waits until it has aged.
        let then = timespec(tv_sec: time(nil) - PostfixStore.age, tv_nsec: 0)
        guard fchmod(file, mode) == 0, unsafe futimens(file, [then, then]) == 0, fsync(file) == 0 else { throw failure("write", path) }
    }

    private static let age = 10

    private func link(_ path: String, to destination: String) throws(Refusal) {
        try remove("\(path).new")
        guard unsafe symlink(destination, absolute("\(path).new")) == 0 else { throw failure("create", path) }
        try move("\(path).new", to: path)
    }

    private func move(_ path: String, to new: String) throws(Refusal) {
        guard unsafe rename(absolute(path), absolute(new)) == 0 else { throw failure("put in place", new) }
        try sync(String(new[..<(new.lastIndex(of: "/") ?? new.startIndex)]))
    }

    private func remove(_ path: String) throws(Refusal) {
        guard exists(path) else { return }
        do { try FileManager.default.removeItem(atPath: absolute(path)) } catch {
            throw Refusal(.unavailable, "Muster cannot remove \(absolute(path)): \(error)")
        }
    }

    /// Waits until the names in a directory are on the disk.
    private func sync(_ path: String) throws(Refusal) {
        let folder = unsafe open(absolute(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open", path) }
        defer { _ = close(folder) }
        guard fsync(folder) == 0 else { throw failure("write", path) }
    }

    private func failure(_ attempt: String, _ path: String) -> Refusal {
        let reason = unsafe String(cString: strerror(errno))
        return Refusal(.unavailable, "Muster cannot \(attempt) \(absolute(path)): \(reason).")
    }
}

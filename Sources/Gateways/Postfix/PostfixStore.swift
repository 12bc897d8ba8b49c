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
struct PostfixStore: DurableDirectory {
    let directory: String

    static let directoryMode: mode_t = 0o755
    static let fileMode: mode_t = 0o644
    /// A program of Postfix that meets a file of this second waits until it has aged.
    static let age = 10

    static let linked = ["main.cf", "master.cf"]

    func generation(_ number: Int) -> String { "\(directory)/gen/\(number)" }

    // MARK: - What is there

    /// The number of the generation that the directory points to; nil before the first.
    var current: Int? {
        destination(of: "current").flatMap { $0.hasPrefix("gen/") ? Int($0.dropFirst("gen/".count)) : nil }
    }

    var next: Int { (numbers.max() ?? 0) + 1 }

    private var numbers: [Int] { numbers(in: "gen") }

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
            + links.map { name, leadsTo in
                let found = exists(name) ? destination(of: name) ?? "a file" : nil
                return GatewayObservation(
                    subject: absolute(name), entries: [], meant: Digest(hashing: Array(leadsTo.utf8)),
                    found: found.map { Digest(hashing: Array($0.utf8)) })
            }
    }

    private func isLinked(_ name: String) -> Bool { destination(of: name) == "current/\(name)" }

    /// The hand-made settings: kept aside already, or as they lie there now.
    func base() throws(Refusal) -> PostfixBase {
        let folder = exists("original") ? "original/" : ""
        return try PostfixBase(main: try read("\(folder)main.cf"), master: try read("\(folder)master.cf"))
    }

    /// The settings of a generation.
    func base(of number: Int) throws(Refusal) -> PostfixBase {
        try PostfixBase(main: try read("gen/\(number)/main.cf"), master: try read("gen/\(number)/master.cf"))
    }

    /// A file of a generation as it lies there; nil when there is none.
    func text(_ name: String, of number: Int) throws(Refusal) -> String? { try read("gen/\(number)/\(name)") }

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
            try makeWhole("original") { (aside) throws(Refusal) in
                for name in found { try create("\(aside)/\(name)", try read(name) ?? "") }
            }
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
        try makeDirectory("gen")
        try makeWhole("gen/\(number)") { (aside) throws(Refusal) in
            try makeDirectory("\(aside)/tls")
            try makeDirectory("\(aside)/tls/ldap")
            let files = plan.files.sorted { $0.key < $1.key }
            for (name, file) in files {
                try create("\(aside)/\(name)", file.text, mode: file.isSecret ? 0o600 : 0o644)
                if let owner = file.owner { try give("\(aside)/\(name)", to: owner) }
            }
            try create("\(aside)/written", files.map { "\(Digest(hashing: Array($1.text.utf8)).hex) \($0)\n" }.joined())
            try sync("\(aside)/tls/ldap")
            try sync("\(aside)/tls")
        }
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
            guard let text = try read("original/\(name)") else {
                try remove(name)
                continue
            }
            try remove("\(name).new")
            try create("\(name).new", text)
            try move("\(name).new", to: name)
        }
        try remove("current")
        try sync("")
    }

    /// A directory in which Postfix's programs find parameters, to be asked about them and no more, while the body runs.
    func asking<Answer>(
        _ parameters: PostfixParameters, _ body: (String) async throws(Refusal) -> Answer
    ) async throws(Refusal) -> Answer {
        try remove("ask")
        // What stays is removed at the next time.
        defer { try? remove("ask") }
        try makeDirectory("ask")
        for name in PostfixStore.linked { try create("ask/\(name)", name == "main.cf" ? parameters.text : "") }
        return try await body(absolute("ask"))
    }

    func discard(_ number: Int) throws(Refusal) { try remove("gen/\(number)") }

    /// Leaves the generation in force, and the one before it without its keys.
    func tidy(keeping number: Int) throws(Refusal) {
        let before = numbers.filter { $0 < number }.max()
        for old in numbers where old != number && old != before { try discard(old) }
        if let before { try remove("gen/\(before)/tls") }
    }

    // MARK: - Files

    /// What a file holds; nil when there is none.
    private func read(_ path: String) throws(Refusal) -> String? {
        guard FileManager.default.fileExists(atPath: absolute(path)) else { return nil }
        guard let data = FileManager.default.contents(atPath: absolute(path)), data.count <= Limits.postfixFileBytes else {
            throw Refusal(.unreadable, "\(absolute(path)) cannot be read, or has over \(Limits.postfixFileBytes) bytes.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private func give(_ path: String, to owner: String) throws(Refusal) {
        // One thread asks: calls of the store come one at a time.
        guard let user = unsafe getpwnam(owner) else {
            throw Refusal(.notFound, "There is no user \(owner), to whom Postfix's processes belong (mail_owner).")
        }
        guard unsafe chown(absolute(path), user.pointee.pw_uid, 0) == 0 else { throw failure("give away", path, errno) }
    }
}

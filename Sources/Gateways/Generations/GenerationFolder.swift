import ClusterModel
import FoundationEssentials
import Glibc
import SystemPackage

/// A directory in which configurations lie as files, one generation each. Calls come one at a time.
///
/// ```
/// current -> generations/17    what is to be read; switched by one rename
/// proved  -> generations/17    the last one that came into force whole
/// generations/17/              one generation; the proved one before stays beside it
/// ```
///
/// Files are 0600 and directories 0700.
struct GenerationFolder: DurableDirectory {
    let directory: String

    static let directoryMode: mode_t = 0o700
    static let fileMode: mode_t = 0o600
    static let age = 0

    /// The files of one generation, by their paths in it.
    typealias Files = [String: String]

    private static let place = "generations"

    func path(of number: Int) -> String { "\(directory)/\(GenerationFolder.place)/\(number)" }

    // MARK: - What is there

    /// The generation that is to be read; nil before the first.
    var current: Int? { number(behind: "current") }

    /// The generation that came into force last.
    var proved: Int? { number(behind: "proved") }

    var next: Int { (numbers.max() ?? 0) + 1 }

    private var numbers: [Int] { numbers(in: GenerationFolder.place) }

    private func number(behind link: String) -> Int? {
        guard let target = destination(of: link), target.hasPrefix("\(GenerationFolder.place)/"),
            let number = Int(target.dropFirst(GenerationFolder.place.count + 1)), exists("\(GenerationFolder.place)/\(number)")
        else { return nil }
        return number
    }

    /// Whether a generation consists of these files, and no others.
    func holds(_ files: Files, _ number: Int) -> Bool {
        Set(names(in: "\(GenerationFolder.place)/\(number)")) == Set(files.keys)
            && files.allSatisfy { name, text in
                FileManager.default.contents(atPath: "\(path(of: number))/\(name)").map { $0.elementsEqual(text.utf8) } ?? false
            }
    }

    /// Each file of the generation in force, held against what it should be.
    func observations(_ files: (Int) -> Files) -> [GatewayObservation] {
        guard let current else {
            return [GatewayObservation(subject: absolute("current"), entries: [], meant: Digest(hashing: []), found: nil)]
        }
        return files(current).sorted { $0.key < $1.key }.map { name, text in
            GatewayObservation(
                subject: "\(path(of: current))/\(name)", entries: [], meant: Digest(hashing: Array(text.utf8)),
                found: self.text(of: name, current).map { Digest(hashing: Array($0.utf8)) })
        }
    }

    /// What a file of a generation holds; nil where there is none.
    func text(of name: String, _ number: Int) -> String? {
        FileManager.default.contents(atPath: "\(path(of: number))/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    /// The files below a folder, by their paths in it.
    private func names(in folder: String) -> [String] {
        // What cannot be looked into holds nothing that could be read.
        ((try? FileManager.default.contentsOfDirectory(atPath: absolute(folder))) ?? []).flatMap { name in
            FileFacts("\(absolute(folder))/\(name)", ofLink: true)?.kind == .directory
                ? names(in: "\(folder)/\(name)").map { "\(name)/\($0)" } : [name]
        }
    }

    // MARK: - Changing

    /// Makes the directory if it is not there, and refuses one that others could put files into, or that somebody else uses.
    func prepare() throws(Refusal) {
        try makeDirectory("")
        guard let facts = FileFacts(directory), facts.kind == .directory else {
            throw Refusal(.invalid, "\(directory) is not a directory.")
        }
        try facts.checkOwner("\(directory), where configurations are laid out,", at: directory)
        for link in ["current", "proved"] where exists(link) && !isLink(link) {
            throw Refusal(.exists, "\(absolute(link)) is not Muster's. Give the gateway a directory of its own.")
        }
        try makeDirectory(GenerationFolder.place)
    }

    /// Writes a generation aside, then gives it its name: half of it is never seen under that.
    func write(_ files: Files, _ number: Int) throws(Refusal) {
        try makeWhole("\(GenerationFolder.place)/\(number)") { (aside) throws(Refusal) in
            var made: Set<String> = []
            for (name, text) in files.sorted(by: { $0.key < $1.key }) {
                var folder = aside
                for part in name.split(separator: "/").dropLast() {
                    folder += "/\(part)"
                    if made.insert(folder).inserted { try makeDirectory(folder) }
                }
                try create("\(aside)/\(name)", text)
            }
            for folder in made { try sync(folder) }
        }
    }

    /// Makes `current` lead to a generation, or to none.
    func point(to number: Int?) throws(Refusal) { try link("current", to: number) }

    /// Keeps in mind that a generation is in force whole, and removes all but it and the one before.
    func prove(_ number: Int) throws(Refusal) {
        let before = proved.flatMap { $0 == number ? numbers.filter { $0 < number }.max() : $0 }
        if proved != number { try link("proved", to: number) }
        for old in numbers where old != number && old != before { try discard(old) }
    }

    func discard(_ number: Int) throws(Refusal) { try remove("\(GenerationFolder.place)/\(number)") }

    private func isLink(_ path: String) -> Bool { FileFacts(absolute(path), ofLink: true)?.kind == .symbolicLink }

    private func link(_ path: String, to number: Int?) throws(Refusal) {
        if let number { return try link(path, to: "\(GenerationFolder.place)/\(number)") }
        try remove(path)
        try sync("")
    }
}

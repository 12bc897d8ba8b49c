import SeededRandomness

/// The process ended at this operation.
struct Crash: Error {}
/// The disk is full.
struct DiskFull: Error {}

/// A disk that keeps after a crash only what was synced; of the rest, anything may be left.
///
/// Contents and names are two things: a file's bytes are safe after `sync`, its name after `syncDirectory`.
final class SimulatedDisk {
    private final class File {
        var content: [UInt8]
        /// What is safe; nil before the first sync.
        var safe: [UInt8]?

        init(_ content: [UInt8]) { self.content = content }
    }

    private var files: [String: File] = [:]
    private var safeFiles: [String: File] = [:]
    /// Called before every change; throws to end the process or fail the operation there.
    var beforeChange: () throws -> Void = {}

    func read(_ name: String) -> [UInt8]? { files[name]?.content }

    var names: [String] { files.keys.sorted() }

    func write(_ name: String, _ content: [UInt8]) throws {
        try beforeChange()
        files[name] = File(content)
    }

    func sync(_ name: String) throws {
        try beforeChange()
        files[name]?.safe = files[name]?.content
    }

    func rename(_ name: String, to other: String) throws {
        try beforeChange()
        files[other] = files.removeValue(forKey: name)
    }

    func delete(_ name: String) throws {
        try beforeChange()
        files[name] = nil
    }

    func syncDirectory() throws {
        try beforeChange()
        safeFiles = files
    }

    /// The steps that make a file's new content safe and never half there: aside, sync, rename, sync.
    func replace(_ name: String, _ content: [UInt8]) throws {
        try write(".new-\(name)", content)
        try sync(".new-\(name)")
        try rename(".new-\(name)", to: name)
        try syncDirectory()
    }

    /// What is there before anything can go wrong.
    func install(_ contents: [String: [UInt8]]) {
        for (name, content) in contents {
            files[name] = File(content)
            files[name]?.safe = content
        }
        safeFiles = files
    }

    func crash(_ random: inout SplitMix64) {
        var left: [String: File] = [:]
        for name in Set(files.keys).union(safeFiles.keys).sorted() {
            left[name] = random.chance(500) ? files[name] : safeFiles[name]
        }
        for name in left.keys.sorted() {
            guard let file = left[name], file.safe != file.content else { continue }
            let rest = File(file.safe ?? Array(file.content.prefix(random.between(0, file.content.count))))
            rest.safe = rest.content
            left[name] = rest
        }
        files = left
        safeFiles = left
    }
}

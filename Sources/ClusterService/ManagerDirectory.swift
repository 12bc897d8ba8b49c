package import Certificates
package import ClusterModel

import FoundationEssentials
import Glibc

/// A manager's data directory: the database, where it listens, and the first administrator's profile.
///
/// The directory is 0700 and its files 0600. The master key is a file beside it, which backups leave out.
package struct ManagerDirectory: Sendable {
    package let path: String
    package let keyPath: String

    /// What a manager keeps about itself, outside the log.
    package struct Settings: Codable, Sendable {
        package var manager: String
        package var cluster: String
        package var adminListen: String
        package var memberListen: String
        package var advertise: [String]

        package init(manager: String, cluster: String, adminListen: String, memberListen: String, advertise: [String]) {
            self.manager = manager
            self.cluster = cluster
            self.adminListen = adminListen
            self.memberListen = memberListen
            self.advertise = advertise
        }
    }

    /// `keyPath` is the master key's file; `DIR.key` when nil.
    package init(path: String, keyPath: String?) {
        self.path = path
        self.keyPath = keyPath ?? (path.hasSuffix("/") ? String(path.dropLast()) : path) + ".key"
    }

    package var database: String { "\(path)/muster.db" }
    package var profile: String { "\(path)/admin.profile.json" }
    private var settingsFile: String { "\(path)/manager.json" }

    /// Makes the directory and the master key; refuses to touch a cluster that is already there.
    package func create(_ settings: Settings, key: MasterKey) throws(Refusal) {
        let files = FileManager.default
        guard !files.fileExists(atPath: settingsFile) else {
            throw Refusal(
                .exists,
                "\(path) holds a manager already. Choose another --data-dir, or run that one: muster manager run --data-dir \(path)")
        }
        guard !files.fileExists(atPath: keyPath) else {
            throw Refusal(
                .exists,
                "There is a master key at \(keyPath) already, and it may be all that opens another cluster. Choose another --master-key.")
        }
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
            try PrivateFile.write(Array(key.fileContents.utf8), to: keyPath)
            try save(settings)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "The directory \(path) cannot be made: \(error)")
        }
    }

    /// Makes the directory for a manager that is restored into it; refuses one that has anything in it. The key is there already.
    package func prepare() throws(Refusal) {
        let files = FileManager.default
        let names = (try? files.contentsOfDirectory(atPath: path)) ?? []  // not there yet: nothing in it
        guard names.allSatisfy({ $0.hasPrefix("muster.db.new") }) else {
            throw Refusal(
                .exists, "\(path) is not empty, and a restore replaces nothing. Move it away, or choose another --data-dir.")
        }
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        } catch {
            throw Refusal(.unavailable, "The directory \(path) cannot be made: \(error)")
        }
    }

    package func save(_ settings: Settings) throws(Refusal) {
        let json: JSONValue
        do { json = try JSONValue(encoding: settings) } catch { throw Refusal(.invalid, "The manager's settings cannot be written down.") }
        try PrivateFile.write(json.canonicalBytes + [UInt8(ascii: "\n")], to: settingsFile)
    }

    package func settings() throws(Refusal) -> Settings {
        let bytes = try PrivateFile.read(
            settingsFile, orElse: "\(path) holds no manager. Make one: muster manager init --name NAME --data-dir \(path)")
        do { return try JSONValue(parsing: bytes).decode(Settings.self) } catch {
            throw Refusal(.unreadable, "\(settingsFile) is damaged: \(error)")
        }
    }

    package func masterKey() throws(Refusal) -> MasterKey {
        let bytes = try PrivateFile.read(
            keyPath, orElse: "There is no master key at \(keyPath). Without it nothing sealed opens; give its place with --master-key.")
        return try MasterKey(file: String(decoding: bytes, as: UTF8.self))
    }
}

/// Files that only their owner reads: written aside, synced, renamed.
package enum PrivateFile {
    package static func write(_ bytes: [UInt8], to path: String) throws(Refusal) {
        let aside = path + ".new"
        let descriptor = unsafe open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { _ = close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count) }
            guard count > 0 else { throw failure(path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, unsafe rename(aside, path) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String) -> Refusal {
        Refusal(.unavailable, "\(path) cannot be written: \(unsafe String(cString: strerror(errno))).")
    }

    package static func read(_ path: String, orElse missing: String) throws(Refusal) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { throw Refusal(.notFound, missing) }
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw Refusal(.unavailable, "\(path) cannot be read: \(error)")
        }
    }
}

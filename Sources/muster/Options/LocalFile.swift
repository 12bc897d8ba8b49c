import ClusterModel
import FoundationEssentials
import Glibc

/// Files that the person at the command line names.
enum LocalFile {
    /// Reads a whole file, or standard input for `-`, unless it is larger than a limit.
    static func read(_ path: String, limit: Int) throws(Refusal) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { space in
                unsafe Glibc.read(descriptor, space.baseAddress, space.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw Refusal(.limit, "\(path) has more than \(limit) bytes.") }
        }
    }

    /// Reads a file as text.
    static func text(_ path: String, limit: Int) throws(Refusal) -> String {
        guard let text = String(validating: try read(path, limit: limit), as: UTF8.self) else {
            throw Refusal(.unreadable, "\(path) is not text: it is not UTF-8.")
        }
        return text
    }

    /// Reads a password: the file's first line.
    static func password(_ path: String) throws(Refusal) -> String {
        let text = try text(path, limit: passwordBytes)
        return String(text.prefix { $0 != "\n" && $0 != "\r\n" })
    }

    /// Bytes of a password's file. Generated passwords are shorter by far.
    private static let passwordBytes = 4096

    private static func unreadable(_ path: String, _ code: Int32) -> Refusal {
        Refusal(.unreadable, "\(path) cannot be read: \(unsafe String(cString: strerror(code))).")
    }
}

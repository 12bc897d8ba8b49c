import Certificates
import ClusterDocuments
import ClusterModel

/// A cluster document and the files beside it, as the person at the command line names them.
enum DocumentFile {
    /// Reads a document and opens the keys that are sealed in it; the password is the first line of its file.
    static func read(_ file: String, passwordFile: String?) async throws(Refusal) -> ClusterDocument {
        let document = try read(file)
        guard document.isSealed else { return document }
        guard let passwordFile else {
            throw Refusal(
                .invalid, "\(name(of: file)) holds sealed keys. Give the password that they were saved under: --password-file FILE")
        }
        return try await document.opened(password: try LocalFile.password(passwordFile))
    }

    private static func name(of file: String) -> String { file == "-" ? "standard input" : file }

    /// Reads a document; every fault is listed with its line.
    private static func read(_ file: String) throws(Refusal) -> ClusterDocument {
        let text = try LocalFile.text(file, limit: Limits.documentBytes)
        let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        do throws(DocumentErrors) {
            return try DocumentReader.read(text: text, named: name(of: file)) { path in
                try LocalFile.read(path.hasPrefix("/") ? path : directory + path, limit: Limits.certificateFileBytes)
            }
        } catch {
            throw error.refusal
        }
    }
}

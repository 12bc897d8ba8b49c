import ClusterDocuments
import ClusterModel

/// A cluster document and the files beside it, as the person at the command line names them.
enum DocumentFile {
    /// Reads a document; every fault is listed with its line.
    static func read(_ file: String) throws(Refusal) -> ClusterDocument {
        let text = try LocalFile.text(file, limit: Limits.documentBytes)
        let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        do throws(DocumentErrors) {
            return try DocumentReader.read(text: text, named: file == "-" ? "standard input" : file) { path in
                try LocalFile.read(path.hasPrefix("/") ? path : directory + path, limit: Limits.certificateFileBytes)
            }
        } catch {
            throw error.refusal
        }
    }
}

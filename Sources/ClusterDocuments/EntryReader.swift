package import ClusterModel

/// Reads a single value by the rules that documents are read by.
package enum EntryReader {
    /// Reads one YAML or JSON value, such as what follows `set SECTION/ENTRY`.
    ///
    /// Errors call the text `file`: a file's name, or `the command line`.
    package static func readValue(text: String, named file: String) throws(DocumentErrors) -> JSONValue {
        try YAMLReader.read(text, named: file).json
    }
}

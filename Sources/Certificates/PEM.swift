import ClusterModel
import FoundationEssentials

/// One block of a PEM text (RFC 7468): what stands between `-----BEGIN label-----` and `-----END label-----`.
struct PEMBlock {
    var label: String
    var bytes: [UInt8]
    /// Whether the block's headers say that OpenSSL encrypted it in the manner of RFC 1421.
    var isEncrypted = false

    /// The text of the block: lines of 64 characters, each ended by a line feed.
    var text: String {
        let encoded = Array(Data(bytes).base64EncodedString().utf8)
        let lines = stride(from: 0, to: encoded.count, by: 64).map { start in
            String(decoding: encoded[start..<min(start + 64, encoded.count)], as: UTF8.self)
        }
        return (["-----BEGIN \(label)-----"] + lines + ["-----END \(label)-----", ""]).joined(separator: "\n")
    }
}

/// Reads PEM texts as people have them: any line length, either line end, white space, explanations between the blocks.
///
/// SwiftASN1's own reader asks for lines of exactly 64 characters, and silently stops at a marker that is followed by a space.
struct PEMReader {
    private var blocks: [PEMBlock] = []
    private var label: String?
    private var base64 = ""
    private var isEncrypted = false

    /// All blocks of the text in its order. For the refusal, `what` says what the text is: `The certificate file`.
    static func blocks(in text: String, of what: String) throws(Refusal) -> [PEMBlock] {
        guard text.utf8.count <= Limits.certificateFileBytes else {
            throw Refusal(.limit, "\(what) has \(text.utf8.count) bytes; at most \(Limits.certificateFileBytes) are read.")
        }
        var reader = PEMReader()
        let lineEnds: [UInt8] = [0x0A, 0x0D]
        for line in text.utf8.split(whereSeparator: lineEnds.contains) {
            try reader.take(line: trimmed(String(decoding: line, as: UTF8.self)), of: what)
        }
        if let label = reader.label { throw Refusal(.unreadable, "\(what) ends in the middle of a \(label) block.") }
        return reader.blocks
    }

    private mutating func take(line: Substring, of what: String) throws(Refusal) {
        if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----"), line.utf8.count > 16 {
            if let label { throw Refusal(.unreadable, "\(what) has a \(label) block without its end.") }
            label = String(line.dropFirst(11).dropLast(5))
        } else if let label, line.hasPrefix("-----END ") {
            guard line == "-----END \(label)-----" else {
                throw Refusal(.unreadable, "\(what) has a \(label) block with the end of another.")
            }
            guard let data = Data(base64Encoded: base64), !data.isEmpty || isEncrypted else {
                throw Refusal(.unreadable, "\(what) has a \(label) block that is not Base64.")
            }
            blocks.append(PEMBlock(label: label, bytes: Array(data), isEncrypted: isEncrypted))
            self.label = nil
            base64 = ""
            isEncrypted = false
        } else if label != nil {
            // A colon is in the headers of RFC 1421 and never in Base64.
            if line.contains(":") { isEncrypted = isEncrypted || line.contains("ENCRYPTED") } else { base64 += line }
        }
    }

    /// The line without white space at its ends and without a byte order mark.
    private static func trimmed(_ line: String) -> Substring {
        let blank: [Unicode.Scalar] = [" ", "\t", "\u{FEFF}"]
        var scalars = line.unicodeScalars[...]
        while let first = scalars.first, blank.contains(first) { scalars.removeFirst() }
        while let last = scalars.last, blank.contains(last) { scalars.removeLast() }
        return Substring(scalars)
    }
}

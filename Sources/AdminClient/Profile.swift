package import ClusterModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How to reach a manager and who to be there: what `manager init` and `login` write, and commands read.
package struct Profile: Hashable, Sendable, Codable {
    /// `https://HOST:PORT`, without a path.
    package var url: String
    /// The certificate authority to trust, and no other, in PEM.
    package var ca: String
    /// The bearer token. A secret.
    package var token: String

    package init(url: String, ca: String, token: String) {
        self.url = url
        self.ca = ca
        self.token = token
    }

    /// Reads a profile's file.
    package init(file path: String) throws(Refusal) {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw Refusal(
                .notFound,
                "There is no profile to read at \(path). Name one with --profile FILE or MUSTER_PROFILE; \"muster manager init\" "
                    + "writes one beside the cluster's data, and \"muster login\" another."
            )
        }
        guard bytes.count <= Profile.fileBytes,
            let profile = try? JSONDecoder().decode(Profile.self, from: bytes)  // the decoder's own words could quote the token
        else {
            throw Refusal(.unreadable, "\(path) is not a profile: a JSON file with \"url\", \"ca\" and \"token\".")
        }
        self = profile
    }

    /// Bytes of a profile's file: a CA's certificate takes about one thousand.
    private static let fileBytes = 64 << 10

    /// The file's content.
    package var fileContent: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }
}

extension Profile: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "profile for \(url) <redacted>" }
    package var debugDescription: String { description }
}

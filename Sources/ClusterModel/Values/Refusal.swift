/// A clear no: what was asked for, why it is not done, and what to do instead.
///
/// The one error that the services and the model answer with. Equality is by code, so that a test can say
/// `throws: Refusal(.conflict, "")`.
package struct Refusal: Error, Sendable, CustomStringConvertible {
    /// What programs switch on. Open: a code from a newer peer stays what it is.
    package struct Code: RawRepresentable, Hashable, Sendable, Codable {
        package var rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// Input that breaks a rule of its own: a name, a field, a size.
        package static let invalid = Code(rawValue: "invalid")
        /// A machine, group, entry, revision or invitation that does not exist.
        package static let notFound = Code(rawValue: "not-found")
        /// A name that is taken.
        package static let exists = Code(rawValue: "exists")
        /// Something changed since the caller looked at it.
        package static let conflict = Code(rawValue: "conflict")
        /// The change would leave a machine with a configuration that does not hold together.
        package static let wouldBreak = Code(rawValue: "would-break")
        /// The setting does not exist at that level.
        package static let wrongLevel = Code(rawValue: "wrong-level")
        /// Something still uses what was to be deleted.
        package static let inUse = Code(rawValue: "in-use")
        /// Who asks is not known.
        package static let unauthenticated = Code(rawValue: "unauthenticated")
        /// Who asks may not.
        package static let forbidden = Code(rawValue: "forbidden")
        /// An invitation that is used, expired, altered or of another cluster.
        package static let invitation = Code(rawValue: "invitation")
        /// A join that an administrator has to approve first. The machine may ask again with the same key.
        package static let awaitingApproval = Code(rawValue: "awaiting-approval")
        /// A membership that ended: the machine was removed.
        package static let membershipEnded = Code(rawValue: "membership-ended")
        /// A machine's own certificate is over, and nobody has said that it may return.
        package static let certificateExpired = Code(rawValue: "certificate-expired")
        /// A second live connection of one membership: a cloned disk.
        package static let duplicateMember = Code(rawValue: "duplicate-member")
        /// A join that would lose something, without the word that it may.
        package static let lossNotAccepted = Code(rawValue: "loss-not-accepted")
        /// A limit of ``Limits`` was met.
        package static let limit = Code(rawValue: "limit")
        /// The other side speaks a version that this side does not.
        package static let version = Code(rawValue: "version")
        /// A file or a password that cannot be read as what it should be.
        package static let unreadable = Code(rawValue: "unreadable")
        /// Something that worked before does not now: a disk, a network.
        package static let unavailable = Code(rawValue: "unavailable")
        /// DNS did not answer what it was asked.
        package static let lookup = Code(rawValue: "lookup")
    }

    package var code: Code
    /// One or two sentences for people. No secrets.
    package var reason: String
    /// The single items behind the reason, each on its own: every finding, every conflict.
    package var details: [String]

    package init(_ code: Code, _ reason: String, details: [String] = []) {
        self.code = code
        self.reason = reason
        self.details = details
    }

    package var description: String {
        details.isEmpty ? reason : ([reason] + details.map { "  - \($0)" }).joined(separator: "\n")
    }
}

extension Refusal: Equatable {
    package static func == (left: Refusal, right: Refusal) -> Bool { left.code == right.code }
}

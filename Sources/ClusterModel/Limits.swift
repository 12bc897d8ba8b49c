/// Every limit on what Muster accepts, in one place, each with the reason for its number.
package enum Limits {
    /// Bytes of one event in the log. Under etcd's 1.5 MiB request limit, with room for the envelope.
    package static let eventBytes = 1 << 20
    /// Bytes of one frame on the member port: an update with a full event's worth of settings and its key material.
    package static let frameBytes = 8 << 20
    /// Bytes of one frame from a stranger on the member port: a join request is a few KiB.
    package static let strangerFrameBytes = 64 << 10
    /// Bytes of one canonical entry value. A thousand sender groups fit; a mistake does not.
    package static let entryBytes = 256 << 10
    /// Nesting of a JSON value. The deepest setting uses four levels.
    package static let jsonDepth = 32
    /// Bytes of a cluster document, files inlined. The largest fleet on our benches needs a tenth.
    package static let documentBytes = 8 << 20
    /// Bytes of an API request's body: a document, and the base64 of the files beside it.
    package static let requestBytes = 12 << 20
    /// Bytes of one uploaded certificate, key or PKCS#12 file.
    package static let certificateFileBytes = 1 << 20
    /// Iterations that the password-based key derivations of one uploaded file may ask for, together: some seconds.
    package static let derivationIterations = 5_000_000
    /// Bytes of a password. Longer than anybody types; each try hashes all of it.
    package static let passwordBytes = 1024
    /// Certificates in one chain. The longest public chains have four.
    package static let chainLength = 10
    /// Names (subject alternative names) asked for in one certificate.
    package static let certificateNames = 100
    /// Days that a self-signed certificate may be valid: ten years, and the leap days.
    package static let certificateDays = 3653
    /// Characters of a cluster, group, machine or entry name that is not a domain: a DNS label.
    package static let nameLength = 63
    /// Characters of a domain name (RFC 1035, section 2.3.4).
    package static let domainLength = 253
    /// Characters of a free text field such as an organization.
    package static let textLength = 256
    /// Characters of a commit's comment: a page.
    package static let commentLength = 4096
    /// Items of one list setting (sender groups, senders, names).
    package static let listItems = 1000
    /// Entries of one section at one level.
    package static let entries = 5000
    /// Edits in one administrator's uncommitted changes.
    package static let edits = 10_000
    /// Machines of one cluster.
    package static let machines = 20_000
    /// Groups of one cluster.
    package static let groups = 1000
    /// Hours that an invitation may stay open: a week.
    package static let invitationHours = 168
    /// Reasons carried by one receipt, and the characters of each.
    package static let receiptReasons = 20
    package static let reasonLength = 1000
    /// Services one machine may prove: listeners and HTTPS interfaces.
    package static let services = 500
    /// Seconds a gateway has to apply and prove one configuration before the receipt says `timed out`.
    package static let applySeconds = 60
    /// Seconds of clock difference between member and manager that raise an alarm.
    package static let clockSkewSeconds = 120
    /// Seconds between pings on an idle connection, and silent seconds after which the peer is dropped.
    package static let pingSeconds = 20
    package static let silenceSeconds = 60
    /// Seconds a new connection has for the TLS handshake and its first frame.
    package static let helloSeconds = 10
    /// SMTP command line, RFC 5321 section 4.5.3.1.4 plus room for extensions (the RFC asks for at least 512).
    package static let smtpLineBytes = 2048
}

/// Every limit on what Muster accepts, in one place, each with the reason for its number.
package enum Limits {
    /// Bytes of one event in the log. Under etcd's 1.5 MiB request limit, with room for the envelope.
    package static let eventBytes = 1 << 20
    /// Bytes of one blob in the log: an uploaded certificate file, sealed. Under etcd's request limit, too.
    package static let blobBytes = (1 << 20) + (64 << 10)
    /// Bytes of one value in the log: uncommitted changes, which become an event, with what they build on. Under etcd's limit, too.
    package static let valueBytes = (1 << 20) + (256 << 10)
    /// Characters of a blob's name or a value's key: a few words and a digest or a name.
    package static let logNameLength = 256
    /// Bytes of one frame on the member port: an update with a full event's worth of settings and its key material.
    package static let frameBytes = 8 << 20
    /// Bytes of one frame from a member: a receipt that says of 500 services why they cannot be proved.
    package static let memberFrameBytes = 1 << 20
    /// Bytes of one frame from a stranger on the member port: a join request is a few KiB, and the names of all that the machine gives up.
    package static let strangerFrameBytes = 256 << 10
    /// Bytes that wait for one peer of the member port to read them: one update of the largest size, and control frames beside it.
    package static let queuedBytes = 9 << 20
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
    /// Bytes of memory that scrypt may take for one key, as libcrypto itself allows; what openssl writes takes half of it.
    package static let scryptBytes = 32 << 20
    /// Bytes of a password. Longer than anybody types; each try hashes all of it.
    package static let passwordBytes = 1024
    /// Certificates in one chain. The longest public chains have four.
    package static let chainLength = 10
    /// Certificates of one name that are tried as the signer of another: an authority has two or three, and each try costs a verification.
    package static let signerCandidates = 10
    /// CAs of one cluster that a machine trusts at a time: one, and the next while they are being exchanged.
    package static let clusterAuthorities = 2
    /// Certificates that a member may ask for on one connection: it needs one in some months, and one more in a rotation of the CA.
    package static let renewalsPerConnection = 10
    /// Hours that a grant to return may stay open, as an invitation: a week.
    package static let readmissionHours = 168
    /// Certificates in one list of authorities. What systems trust is some 150.
    package static let authorities = 500
    /// Certificates in one list of an administrator's own. What is known of each is nearly a KiB, and an entry has 256; all that a
    /// system trusts fits.
    package static let ownAuthorities = 200
    /// Bytes of one certificate in such a list, in DER. The largest authorities' have two KiB.
    package static let authorityBytes = 8 << 10
    /// Certificates in all such lists of one machine: in PEM at most 5.5 MiB, which one frame takes with the settings beside them.
    package static let machineAuthorities = 500
    /// Names (subject alternative names) asked for in one certificate.
    package static let certificateNames = 100
    /// Days that a self-signed certificate may be valid: ten years, and the leap days.
    package static let certificateDays = 3653
    /// Entries that somebody at a disconnected machine may have edited at a time: what a person decides about one by one.
    package static let localEdits = 200
    /// Bytes of all that those edits hold, keys and chains included: one frame from the machine takes it, and, with the keys sealed, one
    /// value in the log.
    package static let localEditBytes = 512 << 10
    /// Characters of a cluster, group, machine or entry name that is not a domain: a DNS label.
    package static let nameLength = 63
    /// Names that a refusal spells out; how many more there are is said.
    package static let namesInRefusal = 20
    /// Characters of a domain name (RFC 1035, section 2.3.4).
    package static let domainLength = 253
    /// Characters of a mail address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
    package static let mailAddressLength = 254
    /// Bytes of a list of ciphers. The longest that vendors recommend have some 600.
    package static let cipherListBytes = 2048
    /// Recipients of alerts at one level: distribution lists exist.
    package static let alertRecipients = 100
    /// Remarks on one entry: who has more reads these first.
    package static let remarks = 10
    /// Characters of a free text field such as an organization.
    package static let textLength = 256
    /// Characters of a commit's comment: a page.
    package static let commentLength = 4096
    /// Items of one list setting (sender groups, senders, names).
    package static let listItems = 1000
    /// Entries of one section at one level.
    package static let entries = 5000
    /// Archives of removed machines in one cluster: years of replaced machines. Each is one blob.
    package static let archives = 1000
    /// Bytes of one archive: a restore puts all of it into uncommitted changes, which are one value, and an event when committed.
    package static let archiveBytes = eventBytes
    /// Edits in one administrator's uncommitted changes.
    package static let edits = 10_000
    /// Machines of one cluster.
    package static let machines = 20_000
    /// Users of one cluster: every administrator of a large company, and their scripts.
    package static let users = 1000
    /// Tokens of one user that have not expired: one for each script and workplace.
    package static let tokensPerUser = 100
    /// Hours that a token may be good for: a year, and the leap day.
    package static let tokenHours = 366 * 24
    /// Groups of one cluster.
    package static let groups = 1000
    /// Machines that wait to be let in, and decisions on one invitation: more than people compare fingerprints of in a week.
    package static let pendingJoins = 100
    /// Hours that an invitation may stay open: a week.
    package static let invitationHours = 168
    /// Reasons carried by one receipt, and the characters of each.
    package static let receiptReasons = 20
    package static let reasonLength = 1000
    /// Names by which one listener may be asked for: each is looked at after every change, and counts as a service.
    package static let serverNames = 100
    /// Services one machine may prove: listeners and HTTPS interfaces.
    package static let services = 500
    /// Seconds a gateway has to apply and prove one configuration before the receipt says `timed out`.
    package static let applySeconds = 60
    /// Seconds between an agent's looks at whether what it applied is still so, anywhere in this range: often enough that people hear of it
    /// before they notice by themselves, and cheap enough.
    package static let lookSeconds = 24...36
    /// Times that a machine mends by itself what changes again: whoever changes it five times is a program, and goes on doing so.
    package static let mends = 5
    /// Seconds after the first such time before the next, and twice as many after each further one: 15 minutes in all.
    package static let mendPauseSeconds = 60
    /// Seconds that what was mended has to stay so before the times are counted anew: longer than any of those waits, and as often as
    /// programs that set machines up usually come.
    package static let mendHeldSeconds = 3600
    /// Frames of one answer to a question: the inventory of the largest configuration that one update can bring.
    package static let inventoryFrames = 16
    /// Bytes of an inventory that go into one frame, as counted while it is cut: half of what a frame may have.
    package static let inventoryBytes = memberFrameBytes / 2
    /// Entries of one section in one frame of an inventory: as many as fit.
    package static let heldEntries = 50_000
    /// Things of a gateway that one inventory observes, and entries named with each: a mail server is set up by some twenty files.
    package static let observations = 1000
    package static let observedEntries = 100
    /// Values that one question asks for. Who has more differences is shown these first.
    package static let questionValues = 1000
    /// Seconds a machine has to answer a question: to read its store, and to probe a service that does not answer.
    package static let answerSeconds = 20
    /// Seconds that checking the whole fleet may take; a client waits for its answer a little longer.
    package static let checkSeconds = 90
    /// Machines that are asked at once: with the largest inventories, some 100 MiB.
    package static let parallelQuestions = 64
    /// Differences of one machine that are listed; the rest is counted.
    package static let differences = 200
    /// Characters of a value shown in a list of differences: enough to see what it is about.
    package static let shownValueLength = 200
    /// Seconds of clock difference between member and manager that raise an alarm.
    package static let clockSkewSeconds = 120
    /// Seconds between pings on an idle connection, and silent seconds after which the peer is dropped.
    package static let pingSeconds = 20
    package static let silenceSeconds = 60
    /// Seconds a new connection has for the TLS handshake and its first frame.
    package static let helloSeconds = 10
    /// Seconds that a stranger's connection to the member port may last: a join takes one or two, a person who reads a loss report more.
    package static let strangerSeconds = 300
    /// Seconds that what is queued for a peer has to be written when its connection is closed.
    package static let drainSeconds = 10
    /// Strangers on the member port at once; machines join one after the other. With the limit on a frame, 16 MiB.
    package static let strangers = 64
    /// Connections to the member port before the end of their handshake: some 64 MiB. Members that find no place come again.
    package static let handshakes = 2048
    /// Open connections of the member port: every machine of the largest cluster, and those that are coming and going.
    package static let memberConnections = machines + 4096
    /// Seconds for the body of a request to the admin port, and for taking its answer: a client waits no longer either.
    package static let transferSeconds = 120
    /// Bytes of a request's head on the admin port, and its fields: a client sends half a KiB in ten.
    package static let headBytes = 16 << 10
    package static let headFields = 100
    /// Connections to the admin port without a valid token: some 32 MiB. The oldest ends when there are more, so that a flood of them
    /// leaves an administrator, who needs a few round trips, the time to show one.
    package static let adminStrangers = 512
    /// Connections to the admin port with a valid token: every administrator of a large company, and their scripts.
    package static let adminCallers = 512
    /// Open files that a manager needs: its connections, and some for its own.
    package static let openFiles = memberConnections + adminStrangers + adminCallers + 256
    /// Alerts that are kept, those that are over included. Together they are one value, which the largest fit into.
    package static let alerts = 1000
    /// Services that one alert names; how many more there are is said.
    package static let alertServices = 5
    /// Reasons that one alert gives; the machine's status has all.
    package static let alertReasons = 3
    /// Seconds that a machine is away before that is an alert: a server that starts anew, with its self-tests, takes less.
    package static let offlineSeconds = 300
    /// Seconds that an alert stays of what a machine mended by itself: whoever comes to work in the morning sees it.
    package static let mendedSeconds = 86_400
    /// Refused attempts of users, and of machines that wanted to join, that are kept. Together they are one value,
    /// which the largest fit into.
    package static let refusedAttempts = 200
    package static let refusedJoins = 50
    /// Characters of what was asked, and of why not.
    package static let refusedTextLength = 300
    /// Seconds between looks at the wall clock while the watch waits for the next day: the clock may be set, and the machine may sleep.
    package static let watchSeconds = 300
    /// SMTP command line, RFC 5321 section 4.5.3.1.4 plus room for extensions (the RFC asks for at least 512).
    package static let smtpLineBytes = 2048
    /// Seconds the embedded gateway waits for a command: what RFC 5321, section 4.5.3.2.7 asks for at least.
    package static let smtpIdleSeconds = 300
    /// Seconds a peer has for a TLS handshake with the embedded gateway: slow links need a few, nobody needs more.
    package static let handshakeSeconds = 30
    /// Commands that may be refused in one SMTP session before it is ended, as in Postfix (smtpd_hard_error_limit).
    package static let smtpErrors = 20
    /// Open connections of one service of the embedded gateway: five busy services stay under the usual 1024 open files.
    package static let serviceConnections = 200
    /// Seconds one HTTPS connection to the embedded gateway may last: its one answer is a line of text.
    package static let httpsSeconds = 30
    /// Seconds the reverse and forward lookups of a sender's host name may take before it counts as having none.
    package static let hostNameSeconds = 5
    /// Seconds the proof of one service may take: a handshake on one machine takes milliseconds, a busy one is forgiven.
    package static let probeSeconds = 10
    /// Services that are probed at once: enough to prove a machine in one go, few enough to spare small ones.
    package static let parallelProbes = 16
    /// Seconds one of Postfix's commands may take: a second is usual, and several follow each other within ``applySeconds``.
    package static let postfixCommandSeconds = 15
    /// Bytes that one of Postfix's commands may say: a table of every sender of a thousand groups fits.
    package static let postfixOutputBytes = 16 << 20
    /// Bytes of one file in Postfix's configuration directory: all authorities of one machine, and as much again.
    package static let postfixFileBytes = 16 << 20
    /// Services at port 25 of a Postfix that is adopted: each is asked about by itself, and a machine has a handful.
    package static let adoptedServices = 64
    /// Addresses that become listeners without being named when a Postfix is adopted: who has more knows which take mail.
    package static let adoptedAddresses = 16
    /// Seconds that Postfix has to be seen to serve a configuration after it was told of it: the slowest of hundreds took 1.2.
    package static let postfixProofSeconds = 5
    /// Seconds that services have to be seen to serve after a server was told of new files: a reload takes tenths of one.
    package static let serviceSightSeconds = 5
    /// Seconds a hook may take where the machine says nothing else: a reload of any server, with room.
    package static let hookSeconds = 20
    /// The most that a machine may give its hook: it runs twice when a configuration is refused, and services are looked at each time,
    /// within ``applySeconds``.
    package static let longestHookSeconds = 24
    /// Seconds one of nginx's commands may take: tenths of one are usual.
    package static let nginxCommandSeconds = 10
    /// Bytes that are kept of what a hook or a command says; what it says beyond is an error where it is written.
    package static let programOutputBytes = 1 << 20
    /// Lines of a program's output that a rejection quotes, the last: they say what went wrong, and fit into a receipt.
    package static let quotedLines = 5
    /// Letters of each of them.
    package static let quotedLineLength = 200
    /// Bytes of a hand-made file that goes into a server's configuration: an interface's locations, with comments.
    package static let ownFileBytes = 1 << 20
    /// Lines of one SMTP reply that the prober reads: EHLO replies have some twenty.
    package static let smtpReplyLines = 100
    /// Hosts of one domain's MX records that are looked at: large providers have seven.
    package static let mailExchangers = 20
    /// Addresses of one such host; more do not fit into one datagram.
    package static let hostAddresses = 30
    /// Seconds that a look-up of a domain's mail hosts may take in all: a person waits for it.
    package static let lookupSeconds = 10
    /// Seconds a DNS server has for one answer, and how often it is asked: a lost datagram is made up for.
    package static let lookupTrySeconds = 2
    package static let lookupAttempts = 2
    /// Look-ups that a manager makes at once, a thread each, and in a minute: many times what people ask.
    package static let lookups = 4
    package static let lookupsPerMinute = 60
}

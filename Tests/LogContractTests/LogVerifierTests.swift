import ClusterLog
import ClusterModel
import Testing

@Suite("A log that was tampered with is found out")
struct LogVerifierTests {
    /// The reason for which a chain does not verify.
    private func fault(_ entries: [StoredEntry], key: LogKey = key) throws -> String {
        var verifier = LogVerifier(key: key)
        do throws(LogError) {
            for entry in entries { _ = try verifier.verify(entry) }
        } catch {
            #expect(error.code == .corrupt)
            #expect(error.reason.contains("muster manager restore") && error.reason.contains("muster manager verify"))
            return error.reason
        }
        Issue.record("nothing was found")
        return ""
    }

    @Test func `an entry is written as canonical JSON and read back`() throws {
        let entry = LogEntry(
            position: 1, previous: LogHead.empty.hash, time: Timestamp(seconds: 0), author: "anna",
            event: ["kind": "noted", "a": [1, .null, true]])
        let text = """
            {"author":"anna","event":{"a":[1,null,true],"kind":"noted"},"position":1,\
            "previous":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","time":"1970-01-01T00:00:00Z"}
            """
        #expect(String(decoding: entry.canonicalBytes, as: UTF8.self) == text)
        #expect(try LogEntry(canonical: entry.canonicalBytes) == entry)
        var verifier = LogVerifier(key: key)
        #expect(try verifier.verify(entry.stored(sealedBy: key)) == entry)
        #expect(verifier.head == entry.stored(sealedBy: key).head)
    }

    @Test func `the seal is HMAC-SHA256 (RFC 4231, test case 2)`() {
        let seal = LogKey(bytes: Array("Jefe".utf8)).seal(Array("what do ya want for nothing?".utf8))
        #expect(seal.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test func `a key says nothing of itself`() {
        var text = "\(key) \(String(reflecting: key))"
        dump(key, to: &text)
        #expect(!text.contains("7") && text.contains("<redacted>"))
    }

    @Test func `an event as deep as events may be is read back`() throws {
        var event: JSONValue = 1
        for _ in 0..<Limits.jsonDepth { event = [event] }
        _ = try JSONValue(parsing: event.canonicalBytes)
        let entry = LogEntry(position: 1, previous: LogHead.empty.hash, time: Timestamp(seconds: 0), author: "a", event: event)
        #expect(try LogEntry(canonical: entry.canonicalBytes) == entry)
    }

    @Test func `every flipped bit is found`() throws {
        let entries = chain(2)
        for byte in entries[1].bytes.indices {
            for bit in 0..<8 {
                var altered = entries
                altered[1].bytes[byte] ^= 1 << bit
                var verifier = LogVerifier(key: key, after: entries[0].head)
                #expect(throws: LogError(.corrupt, "")) { _ = try verifier.verify(altered[1]) }
                #expect(verifier.head == entries[0].head)
            }
        }
    }

    @Test func `a flipped bit that breaks the form is called damage`() throws {
        var entries = chain(3)
        entries[1].bytes[0] ^= 0x40
        #expect(try fault(entries).contains("Entry 2 of the log is damaged"))
    }

    @Test func `a flipped bit in the seal is told from another key's seal`() throws {
        var entries = chain(3)
        var seal = entries[1].seal.bytes
        seal[9] ^= 4
        entries[1].seal = try #require(Digest(bytes: seal))
        #expect(try fault(entries).contains("Entry 2 of the log has a damaged seal: 1 of its 256 bits are wrong"))
    }

    @Test func `a changed text under the old seal is called altered`() throws {
        var entries = chain(3)
        var read = try LogEntry(canonical: entries[1].bytes)
        read.author = "eve"
        entries[1].bytes = read.canonicalBytes
        #expect(try fault(entries).contains("Entry 2 of the log was not sealed by this cluster: it was altered, or forged"))
    }

    @Test func `an entry forged under another key is found`() throws {
        var entries = chain(3)
        entries[2] = entry(after: entries[1].head, "forged").stored(sealedBy: otherKey)
        let reason = try fault(entries)
        #expect(reason.contains("Entry 3 of the log was not sealed by this cluster") && !reason.contains("master key"))
    }

    @Test func `another cluster's key is suspected at the first entry`() throws {
        #expect(try fault(chain(2), key: otherKey).contains("Entry 1 of the log was not sealed by this cluster"))
        #expect(try fault(chain(2), key: otherKey).contains("the master key in use is another cluster's"))
    }

    @Test func `a removed entry leaves a gap`() throws {
        var entries = chain(6)
        entries.remove(at: 2)
        #expect(try fault(entries).contains("Entry 3 of the log is missing: the next one stored is 4"))
        entries.remove(at: 2)
        #expect(try fault(entries).contains("Entry 3 of the log and those up to 4 are missing: the next one stored is 5"))
    }

    @Test func `a removed entry whose gap was closed is found`() throws {
        var entries = chain(4)
        entries.remove(at: 1)
        for index in entries.indices { entries[index].position = index + 1 }
        #expect(
            try fault(entries).contains("Entry 2 of the log holds what was written as entry 3: entries were removed, or put in another"))
    }

    @Test func `exchanged and repeated entries are found`() throws {
        var entries = chain(4)
        entries.swapAt(1, 2)
        (entries[1].position, entries[2].position) = (2, 3)
        #expect(try fault(entries).contains("Entry 2 of the log holds what was written as entry 3"))
        let twice = chain(2) + chain(1)
        #expect(try fault(twice).contains("Entry 3 of the log was to come next, but entry 1 comes again"))
    }

    @Test func `an entry of another history of this cluster is found`() throws {
        var entries = chain(3)
        let other = entry(after: entries[0].head, "what came after an old backup").stored(sealedBy: key)
        entries[2] = entry(after: other.head).stored(sealedBy: key)
        #expect(try fault(entries).contains("Entry 3 of the log was written to follow another entry"))
    }

    @Test(arguments: [
        #"{"author":"a","event":1,"position":1,"previous":"PREVIOUS","time":"1970-01-01T00:00:00Z"} "#,
        #"{"event":1,"author":"a","position":1,"previous":"PREVIOUS","time":"1970-01-01T00:00:00Z"}"#,
        #"{"author":"a","event":1,"more":2,"position":1,"previous":"PREVIOUS","time":"1970-01-01T00:00:00Z"}"#,
        #"{"author":"a","event":1,"position":1,"previous":"PREVIOUS","time":"1970-01-01 00:00:00Z"}"#,
        #"{"author":"a","event":1,"position":1,"previous":"PREVIOUS"}"#,
        #"{"author":"a","position":1,"previous":"PREVIOUS","time":"1970-01-01T00:00:00Z"}"#,
        #"{"author":"a","event":1,"position":"1","previous":"PREVIOUS","time":"1970-01-01T00:00:00Z"}"#,
        "[]", "",
    ])
    func `what is sealed but not in canonical form does not pass`(_ text: String) throws {
        let bytes = Array(text.replacing("PREVIOUS", with: LogHead.empty.hash.hex).utf8)
        let stored = StoredEntry(position: 1, bytes: bytes, seal: key.seal(bytes))
        #expect(try fault([stored]).contains("Entry 1 of the log was sealed in a form that this version does not read"))
    }

    @Test func `an entry over the limit does not pass`() throws {
        let large = entry(after: .empty, String(repeating: "x", count: Limits.eventBytes)).stored(sealedBy: key)
        #expect(try fault([large]).contains("no manager writes more than \(Limits.eventBytes)"))
    }

    @Test func `verifying goes on from a place that was verified before`() throws {
        let entries = chain(5)
        var verifier = LogVerifier(key: key, after: entries[2].head)
        for entry in entries[3...] { _ = try verifier.verify(entry) }
        #expect(verifier.head == entries[4].head)
    }
}

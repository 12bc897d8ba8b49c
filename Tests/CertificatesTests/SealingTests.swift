import Certificates
import ClusterModel
import Testing

@Suite struct SealingTests {
    let master = MasterKey.generate()
    let secret = Array("the private key".utf8)
    let name = Digest(hashing: [1])

    @Test func `what was sealed opens with the key read from its file`() throws {
        let sealed = try master.seal(secret, clusterID: "c", fingerprint: name)
        let read = try MasterKey(file: master.fileContents)
        #expect(try read.open(sealed, clusterID: "c", fingerprint: name) == secret)
        #expect(read.id == master.id && read.id != MasterKey.generate().id && read.id.count == 12)
        #expect(sealed.count == secret.count + 29)
        #expect(try master.seal([], clusterID: "c", fingerprint: name) != master.seal([], clusterID: "c", fingerprint: name))
    }

    @Test func `nothing else opens it`() throws {
        let sealed = try master.seal(secret, clusterID: "c", fingerprint: name)
        let other = MasterKey.generate()
        #expect(throws: Refusal(.unreadable, "")) { try other.open(sealed, clusterID: "c", fingerprint: name) }
        #expect(throws: Refusal(.unreadable, "")) { try master.open(sealed, clusterID: "d", fingerprint: name) }
        #expect(throws: Refusal(.unreadable, "")) { try master.open(sealed, clusterID: "c", fingerprint: Digest(hashing: [2])) }
        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 1
            let code: Refusal.Code = index == 0 ? .version : .unreadable
            #expect(throws: Refusal(code, "")) { try master.open(altered, clusterID: "c", fingerprint: name) }
            #expect(throws: Refusal(.unreadable, "")) { try master.open(Array(sealed[..<index]), clusterID: "c", fingerprint: name) }
        }
    }

    @Test func `keys for different purposes differ`() {
        #expect(master.derived(for: "log") == master.derived(for: "log"))
        #expect(master.derived(for: "log") != master.derived(for: "seal/1"))
    }

    @Test(arguments: [
        "", "muster-master-key-1:", "muster-master-key-1:AAAA", "muster-master-key-2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ])
    func `a file that holds no master key is refused`(_ text: String) {
        #expect(throws: Refusal(.unreadable, "")) { try MasterKey(file: text) }
    }
}

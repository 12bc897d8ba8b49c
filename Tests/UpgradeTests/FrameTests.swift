import ClusterModel
import Replication
import ReplicationTransport
import Testing

/// Frames as versions sent them, and what they said.
@Suite("The frames of every version are read as they were meant")
struct FrameTests {
    /// The frames of a version, each under its name.
    private static func frames(of version: Version) throws -> [(name: String, bytes: [UInt8])] {
        try version.text("frames.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ").map(String.init)
            return (words[0], try #require(words.last.flatMap(bytes(hex:)), "\(line)"))
        }
    }

    private static func bytes(hex: String) -> [UInt8]? {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).reduce([UInt8]?.some([])) { bytes, index in
            guard index + 1 < digits.count, let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            return bytes.map { $0 + [byte] }
        }
    }

    @Test func `the first version's frames say what was said then`() throws {
        let frames = try FrameTests.frames(of: Version(number: 1))
        let members = Dictionary(uniqueKeysWithValues: Version1Messages.ofMembers)
        let managers = Dictionary(uniqueKeysWithValues: Version1Messages.ofManagers)
        #expect(Set(frames.map(\.name)) == Set(members.keys).union(managers.keys))
        for (name, bytes) in frames {
            if let message = members[name] {
                #expect(try WireCodec.decodeMember(bytes) == message, "\(name)")
            } else {
                #expect(try WireCodec.decodeManager(bytes) == managers[name], "\(name)")
            }
        }
    }

    /// What the frames of the version that is being written are.
    static func text() throws -> String {
        func hex(_ bytes: [UInt8]) -> String {
            bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        }
        let lines =
            try Version1Messages.ofMembers.map { "\($0.0) \(hex(try WireCodec.encode($0.1)))" }
            + Version1Messages.ofManagers.map { "\($0.0) \(hex(try WireCodec.encode($0.1)))" }
        return "# The bytes of one frame of every kind, without its length, in hexadecimal digits.\n" + lines.joined(separator: "\n") + "\n"
    }
}

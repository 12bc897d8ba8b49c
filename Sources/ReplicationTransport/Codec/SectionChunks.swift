package import ClusterModel
package import NIOCore
package import Replication
import SwiftProtobuf
import Synchronization
import WireMessages

/// Encoded sections, kept so that what many members get is encoded once.
///
/// A chunk is one `sections` field of an `Update`, complete with tag and length: protobuf lets encoded fields be appended to each other.
/// Kept by instance, not by digest: two sections of one digest may come from different levels, and say so.
package final class SectionChunks: Sendable {
    /// The section is held too, so that no other can come to have its identity.
    private struct Chunk: Sendable {
        let section: EffectiveSection
        let bytes: ByteBuffer
    }

    /// Two generations: when the young one is full it becomes the old one, and what was not used since is forgotten.
    private struct Generations {
        var young: [ObjectIdentifier: Chunk] = [:]
        var youngBytes = 0
        var old: [ObjectIdentifier: Chunk] = [:]
    }

    private let generations = Mutex(Generations())
    private let limit: Int

    /// `limit`: the bytes of one generation.
    package init(limit: Int = 2 * Limits.frameBytes) {
        self.limit = limit
    }

    /// The section as one encoded field of an update.
    package func chunk(of section: EffectiveSection) throws(Refusal) -> ByteBuffer {
        // What a machine's own layer has a say in, no other machine gets.
        guard section.isShared else { return try SectionChunks.encode(section) }
        if let known = known(section) { return known }
        let bytes = try SectionChunks.encode(section)
        generations.withLock { keep(Chunk(section: section, bytes: bytes), in: &$0) }
        return bytes
    }

    /// The parts of a `ManagerFrame` with this update: those of the shared sections are shared.
    package func parts(of update: Update) throws(Refusal) -> [ByteBuffer] {
        let head = try WireCodec.bytes(of: WireUpdate(headOf: update))
        var chunks: [ByteBuffer] = []
        for section in update.sections { chunks.append(try chunk(of: section)) }
        let count = chunks.reduce(head.count) { $0 + $1.readableBytes }
        var first = ByteBuffer()
        // The tag of `ManagerFrame.update`: field 2, length-delimited.
        first.writeInteger(UInt8(2 << 3 | 2))
        first.writeVarint(count)
        first.writeBytes(head)
        return [first] + chunks
    }

    private func known(_ section: EffectiveSection) -> ByteBuffer? {
        generations.withLock { generations in
            if let chunk = generations.young[ObjectIdentifier(section)] { return chunk.bytes }
            guard let chunk = generations.old.removeValue(forKey: ObjectIdentifier(section)) else { return nil }
            keep(chunk, in: &generations)
            return chunk.bytes
        }
    }

    private func keep(_ chunk: Chunk, in generations: inout Generations) {
        if generations.youngBytes + chunk.bytes.readableBytes > limit {
            generations = Generations(old: generations.young)
        }
        guard generations.young.updateValue(chunk, forKey: ObjectIdentifier(chunk.section)) == nil else { return }
        generations.youngBytes += chunk.bytes.readableBytes
    }

    private static func encode(_ section: EffectiveSection) throws(Refusal) -> ByteBuffer {
        ByteBuffer(bytes: try WireCodec.bytes(of: WireUpdate.with { $0.sections = [WireSection(section)] }))
    }
}

extension ByteBuffer {
    /// A number of protobuf: seven bits a byte, the least significant first.
    fileprivate mutating func writeVarint(_ number: Int) {
        var rest = UInt64(number)
        while rest > 0x7F {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }
}

package import ClusterModel
package import NIOCore
package import Replication
import SwiftProtobuf
import Synchronization
import WireMessages

/// Encoded sections and changes of sections, kept so that what many members get is encoded once.
///
/// A chunk is one `sections` or `changes` field of an `Update`, complete with tag and length: protobuf lets encoded fields be appended to
/// each other. Kept by instance, not by digest: two sections of one digest may come from different levels, and say so.
package final class SectionChunks: Sendable {
    /// The section or change is held too, so that no other can come to have its identity.
    private struct Chunk: Sendable {
        let source: any AnyObject & Sendable
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
        try chunk(of: section, isShared: section.isShared) { $0.sections = [WireSection(section)] }
    }

    /// The change as one encoded field of an update.
    package func chunk(of change: SectionChange) throws(Refusal) -> ByteBuffer {
        try chunk(of: change, isShared: change.isShared) { $0.changes = [WireSectionChange(change)] }
    }

    private func chunk(
        of source: any AnyObject & Sendable, isShared: Bool, _ fill: (inout WireUpdate) -> Void
    ) throws(Refusal) -> ByteBuffer {
        if isShared, let known = known(ObjectIdentifier(source)) { return known }
        let bytes = ByteBuffer(bytes: try WireCodec.bytes(of: WireUpdate.with(fill)))
        if isShared { generations.withLock { keep(Chunk(source: source, bytes: bytes), in: &$0) } }
        return bytes
    }

    /// The parts of a `ManagerFrame` with this update: those of shared sections and changes are shared.
    package func parts(of update: Update) throws(Refusal) -> [ByteBuffer] {
        let head = try WireCodec.bytes(of: WireUpdate(headOf: update))
        var chunks: [ByteBuffer] = []
        // In the order of their numbers, as a plain encoding has them.
        for change in update.changes { chunks.append(try chunk(of: change)) }
        for section in update.sections { chunks.append(try chunk(of: section)) }
        let count = chunks.reduce(head.count) { $0 + $1.readableBytes }
        var first = ByteBuffer()
        // The tag of `ManagerFrame.update`: field 2, length-delimited.
        first.writeInteger(UInt8(2 << 3 | 2))
        first.writeVarint(count)
        first.writeBytes(head)
        return [first] + chunks
    }

    private func known(_ source: ObjectIdentifier) -> ByteBuffer? {
        generations.withLock { generations in
            if let chunk = generations.young[source] { return chunk.bytes }
            guard let chunk = generations.old.removeValue(forKey: source) else { return nil }
            keep(chunk, in: &generations)
            return chunk.bytes
        }
    }

    private func keep(_ chunk: Chunk, in generations: inout Generations) {
        if generations.youngBytes + chunk.bytes.readableBytes > limit {
            generations = Generations(old: generations.young)
        }
        guard generations.young.updateValue(chunk, forKey: ObjectIdentifier(chunk.source)) == nil else { return }
        generations.youngBytes += chunk.bytes.readableBytes
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

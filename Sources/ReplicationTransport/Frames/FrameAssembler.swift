package import ClusterModel
package import NIOCore

/// Cuts a stream of bytes into frames: four bytes of length, most significant first, then that many bytes.
///
/// A frame over the limit is refused as soon as its length is known, before any of it is kept.
package struct FrameAssembler: Sendable {
    /// The bytes of the length.
    package static let headerBytes = 4

    /// The most bytes that a frame may have, its length not counted.
    package var limit: Int
    private var bytes: ByteBuffer?

    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes what arrived.
    package mutating func append(_ more: ByteBuffer) {
        guard more.readableBytes > 0 else { return }
        if bytes == nil { bytes = more } else { bytes?.writeImmutableBuffer(more) }
    }

    /// The next whole frame; nil when it is not all there yet.
    ///
    /// - Throws: code `limit` for a frame over the limit. The stream cannot be read on after that.
    package mutating func next() throws(Refusal) -> ByteBuffer? {
        guard let count = bytes?.getInteger(at: bytes?.readerIndex ?? 0, as: UInt32.self) else { return nil }
        guard count <= limit else {
            bytes = nil
            throw Refusal(.limit, "A frame of \(count) bytes is over the limit of \(limit).")
        }
        guard let whole = bytes?.readableBytes, whole >= FrameAssembler.headerBytes + Int(count) else {
            // What was read from the same buffer before would be kept along with a long frame.
            bytes?.discardReadBytes()
            return nil
        }
        bytes?.moveReaderIndex(forwardBy: FrameAssembler.headerBytes)
        let frame = bytes?.readSlice(length: Int(count))
        // An idle connection holds nothing.
        if bytes?.readableBytes == 0 { bytes = nil }
        return frame
    }
}

/// One frame on its way out, in parts, so that what many peers get is not copied for each.
package struct OutgoingFrame: Sendable {
    /// The first part begins with the frame's length.
    package let parts: [ByteBuffer]
    /// All bytes, the length included.
    package let count: Int

    /// A frame of these parts, one behind the other.
    ///
    /// - Throws: code `limit` for more bytes than the peer would take.
    package init(_ parts: [ByteBuffer], limit: Int) throws(Refusal) {
        let count = parts.reduce(0) { $0 + $1.readableBytes }
        guard count <= limit else {
            throw Refusal(.limit, "A frame of \(count) bytes is over the limit of \(limit).")
        }
        var first = ByteBuffer()
        first.writeInteger(UInt32(count))
        // What is small is better copied than sent by itself.
        if let head = parts.first { first.writeImmutableBuffer(head) }
        self.parts = [first] + parts.dropFirst()
        self.count = FrameAssembler.headerBytes + count
    }

    /// A frame of one part.
    package init(_ bytes: [UInt8], limit: Int) throws(Refusal) {
        try self.init([ByteBuffer(bytes: bytes)], limit: limit)
    }
}

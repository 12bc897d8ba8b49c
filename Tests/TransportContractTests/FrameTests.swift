import ClusterModel
import NIOCore
import NIOEmbedded
import ReplicationTransport
import Testing

@Suite struct FrameTests {
    private static let frames: [[UInt8]] = [[1, 2, 3], [], [4], Array(repeating: 5, count: 300)]

    private static func bytes(of frames: [[UInt8]]) -> [UInt8] {
        frames.flatMap { frame in (0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (24 - 8 * $0)) } + frame }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 311, 1000])
    func `frames come out whole however they are cut`(_ size: Int) throws {
        let bytes = Self.bytes(of: Self.frames)
        var assembler = FrameAssembler(limit: 300)
        var got: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            assembler.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
            while let frame = try assembler.next() { got.append(Array(frame.readableBytesView)) }
        }
        #expect(got == Self.frames)
    }

    @Test func `no prefix of a stream makes a frame that was not sent`() throws {
        let bytes = Self.bytes(of: Self.frames)
        for count in bytes.indices {
            var assembler = FrameAssembler(limit: 300)
            assembler.append(ByteBuffer(bytes: bytes.prefix(count)))
            var got: [[UInt8]] = []
            while let frame = try assembler.next() { got.append(Array(frame.readableBytesView)) }
            #expect(got == Array(Self.frames.prefix(got.count)))
            #expect(got.count < Self.frames.count)
        }
    }

    @Test func `a frame over the limit is refused by its length alone`() throws {
        var assembler = FrameAssembler(limit: 300)
        assembler.append(ByteBuffer(bytes: [0, 0, 1, 45]))
        #expect(throws: Refusal(.limit, "")) { try assembler.next() }
        assembler = FrameAssembler(limit: 300)
        assembler.append(ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0]))
        #expect(throws: Refusal(.limit, "")) { try assembler.next() }
        #expect(throws: Refusal(.limit, "")) { try OutgoingFrame(Array(repeating: 0, count: 301), limit: 300) }
    }
}

/// The handler over a channel whose time the test advances.
@Suite struct FrameHandlerTests {
    private static let ping = [0, 0, 0, 1, 9] as [UInt8]

    /// Collects what the handler passes on, and closes on an error as sessions do.
    private final class Inside: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var frames: [[UInt8]] = []
        var refusals: [Refusal] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { frames.append(Array(unwrapInboundIn(data).readableBytesView)) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let refusal = error as? Refusal { refusals.append(refusal) }
            context.close(promise: nil)
        }
    }

    /// Holds what is written until it is let through: a peer that does not read.
    private final class Stall: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var isStalled = true
        var held: [(NIOAny, EventLoopPromise<Void>?)] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if isStalled { held.append((data, promise)) } else { context.write(data, promise: promise) }
        }

        func release(_ channel: EmbeddedChannel) throws {
            isStalled = false
            let context = try channel.pipeline.syncOperations.context(handler: self)
            for (data, promise) in held { context.write(data, promise: promise) }
            context.flush()
        }
    }

    private let channel = EmbeddedChannel()
    private let frames: FrameHandler
    private let inside = Inside()
    private let stall = Stall()
    private let terms: TransportTerms

    init() throws {
        var terms = TransportTerms()
        terms.queuedBytes = 1000
        self.terms = terms
        frames = FrameHandler(
            terms, limit: 300, countsParts: false, ping: try OutgoingFrame([9], limit: 300), now: channel.embeddedEventLoop.now)
        stall.isStalled = false
        try channel.pipeline.syncOperations.addHandlers([stall, frames, inside])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func out() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    private func advance(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    @Test func `who says nothing in time is given up`() throws {
        advance(terms.hello - .nanoseconds(1))
        #expect(channel.isActive)
        advance(.nanoseconds(1))
        #expect(!channel.isActive && inside.refusals == [Refusal(.unavailable, "")])
    }

    @Test func `a frame that comes byte by byte is not a first frame in time`() throws {
        frames.open(limit: 300)
        for byte in [0, 0, 0, 200] + Array(repeating: UInt8(1), count: 100) where channel.isActive {
            try channel.writeInbound(ByteBuffer(bytes: [byte]))
            advance(.seconds(1))
        }
        #expect(!channel.isActive && inside.frames.isEmpty)
    }

    @Test func `bytes that never make a frame are silence`() throws {
        frames.open(limit: 300)
        frames.setDeadline(nil)
        for _ in 0..<60 {
            try channel.writeInbound(ByteBuffer(bytes: [0]))
            advance(.seconds(1))
            if !channel.isActive { break }
            _ = try out()
        }
        // A frame of no bytes every fourth byte: those are signs of life.
        #expect(channel.isActive)
        try channel.writeInbound(ByteBuffer(bytes: [0, 0, 1, 0]))
        for _ in 0..<60 where channel.isActive {
            try channel.writeInbound(ByteBuffer(bytes: [0]))
            advance(.seconds(1))
        }
        #expect(!channel.isActive)
    }

    @Test func `an idle connection is pinged, and kept by the answers`() throws {
        frames.open(limit: 300)
        frames.setDeadline(nil)
        for _ in 0..<10 {
            advance(terms.ping)
            #expect(try out() == Self.ping)
            try channel.writeInbound(ByteBuffer(bytes: Self.ping))
        }
        #expect(inside.frames == Array(repeating: [9], count: 10))
        advance(terms.silence - .nanoseconds(1))
        #expect(channel.isActive)
        advance(.nanoseconds(1))
        #expect(!channel.isActive && inside.refusals == [Refusal(.unavailable, "")])
    }

    @Test func `who sends is not pinged for`() throws {
        frames.open(limit: 300)
        frames.setDeadline(nil)
        advance(terms.ping - .seconds(1))
        try channel.writeOutbound(OutgoingFrame([1], limit: 300))
        advance(terms.ping - .seconds(1))
        #expect(try out() == [0, 0, 0, 1, 1])
        advance(.seconds(1))
        #expect(try out() == Self.ping)
    }

    @Test func `a close waits for what is queued, and nothing is heard meanwhile`() throws {
        stall.isStalled = true
        channel.write(try OutgoingFrame([1, 2], limit: 300), promise: nil)
        channel.close(promise: nil)
        try channel.writeInbound(ByteBuffer(bytes: Self.ping))
        advance(terms.drain - .seconds(1))
        #expect(channel.isActive && inside.frames.isEmpty)
        try stall.release(channel)
        #expect(try out() == [0, 0, 0, 2, 1, 2])
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive)
    }

    @Test func `a close does not wait forever`() throws {
        stall.isStalled = true
        channel.write(try OutgoingFrame([1, 2], limit: 300), promise: nil)
        channel.close(promise: nil)
        advance(terms.drain)
        #expect(!channel.isActive)
        for (_, promise) in stall.held { promise?.fail(ChannelError.ioOnClosedChannel) }
    }

    @Test func `a peer that does not read is dropped when too much waits for it`() throws {
        stall.isStalled = true
        let frame = try OutgoingFrame(Array(repeating: 1, count: 246), limit: 300)
        for _ in 0..<4 { channel.write(frame, promise: nil) }
        #expect(channel.isActive)
        channel.write(frame, promise: nil)
        #expect(!channel.isActive && inside.refusals == [Refusal(.limit, "")])
        for (_, promise) in stall.held { promise?.fail(ChannelError.ioOnClosedChannel) }
    }

    @Test func `a frame over the limit is an error, and what follows is not read`() throws {
        try channel.writeInbound(ByteBuffer(bytes: Self.ping + [0, 0, 1, 45] + Self.ping))
        #expect(inside.frames == [[9]] && inside.refusals == [Refusal(.limit, "")] && !channel.isActive)
    }
}

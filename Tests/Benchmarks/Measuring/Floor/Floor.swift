import Certificates
import ClusterModel
import ClusterService
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// The floor's server: frames of given sizes over NIO TLS to all who are connected, and an acknowledgement from each.
///
/// A frame is its length in four bytes and that many more. Nothing of Muster is in it.
struct FloorServerRole {
    private let fixture: Fixture
    private let tally = Tally()

    static func run(scratch: String, name: String) async throws {
        let fixture = Fixture(scratch: scratch, name: name)
        let role = FloorServerRole(fixture: fixture)
        let members = try fixture.members()
        guard let identity = members.members.first else { throw BenchmarkError("the cluster has no machines") }
        let tls = try RawTLS.context(identity.certificate, identity.key, isServer: true)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [tally = role.tally] channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = NIOSSLServerHandler(context: tls) { _, promise in promise.succeed(.certificateVerified) }
                    try channel.pipeline.syncOperations.addHandlers([tls, FrameCounter(tally)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try "\(channel.localAddress?.port ?? 0)".write(to: fixture.port, atomically: true, encoding: .utf8)
        await OrderLoop().run { verb, words in try await role.perform(verb, words.compactMap { Int($0) }) }
    }

    private func perform(_ verb: String, _ numbers: [Int]) async throws -> Answer {
        switch (verb, numbers.first, numbers.last) {
        case ("memory", _, _): return ["kib": try Machine.resident()]
        case ("expect", let count?, _):
            tally.expect(count)
            return [:]
        case ("synced", _, _): return ["end": await tally.ends().last ?? 0]
        case ("push", let members?, let bytes?):
            tally.expect(members)
            var frame = ByteBuffer()
            frame.writeInteger(UInt32(bytes))
            frame.writeRepeatingByte(7, count: bytes)
            let (start, cpu) = (Machine.seconds(), Machine.cpu())
            for channel in tally.channels() {
                channel.eventLoop.execute { [frame] in channel.writeAndFlush(frame, promise: nil) }
            }
            let ends = await tally.ends()
            return [
                "last": (ends.last ?? start) - start, "half": ends[ends.count / 2] - start, "cpu": Machine.cpu() - cpu,
            ]
        default: throw BenchmarkError("the floor's server does not know \(verb)")
        }
    }
}

/// The floor's clients: each answers every frame with one of a given size.
struct FloorClientsRole {
    private let fixture: Fixture
    private let members: Fixture.Members
    private let tally = Tally()

    static func run(scratch: String, name: String) async throws {
        let fixture = Fixture(scratch: scratch, name: name)
        let role = FloorClientsRole(fixture: fixture, members: try fixture.members())
        await OrderLoop().run { verb, words in try await role.perform(verb, words.compactMap { Int($0) }) }
    }

    private func perform(_ verb: String, _ numbers: [Int]) async throws -> Answer {
        switch (verb, numbers.first, numbers.last) {
        case ("start", let count?, let bytes?):
            let start = Machine.seconds()
            try await connect(count, answering: bytes)
            return ["start": start]
        case ("drop", _, _):
            for channel in tally.channels() {
                tally.closed(channel)
                try await channel.close()
            }
            return [:]
        default: throw BenchmarkError("the floor's clients do not know \(verb)")
        }
    }

    private func connect(_ count: Int, answering bytes: Int) async throws {
        guard let port = Int(try String(contentsOf: fixture.port, encoding: .utf8)) else { throw BenchmarkError("no port") }
        try await withThrowingDiscardingTaskGroup { group in
            for member in members.members.prefix(count) {
                group.addTask { [tally] in
                    let tls = try RawTLS.context(member.certificate, member.key, isServer: false)
                    tally.opened(try await RawClient.connect(tls, port: port) { FrameAnswerer(bytes: bytes) })
                }
            }
        }
    }
}

/// Counts acknowledgements, and keeps the channels.
final class Tally: Sendable {
    private struct Inner {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var expected = 0
        var ends: [Double] = []
        var waiter: CheckedContinuation<[Double], Never>?
    }

    private let inner = Mutex(Inner())

    func channels() -> [any Channel] { inner.withLock { Array($0.channels.values) } }
    func opened(_ channel: any Channel) { inner.withLock { $0.channels[ObjectIdentifier(channel)] = channel } }
    func closed(_ channel: any Channel) { inner.withLock { $0.channels[ObjectIdentifier(channel)] = nil } }

    func expect(_ count: Int) {
        inner.withLock { inner in
            inner.expected = count
            inner.ends = []
        }
    }

    func acknowledged() {
        let done = inner.withLock { inner -> (CheckedContinuation<[Double], Never>, [Double])? in
            inner.ends.append(Machine.seconds())
            guard inner.ends.count == inner.expected, let waiter = inner.waiter else { return nil }
            inner.waiter = nil
            return (waiter, inner.ends)
        }
        if let (waiter, ends) = done { waiter.resume(returning: ends) }
    }

    func ends() async -> [Double] {
        await withCheckedContinuation { continuation in
            let ends = inner.withLock { inner -> [Double]? in
                if inner.ends.count >= inner.expected { return inner.ends }
                inner.waiter = continuation
                return nil
            }
            if let ends { continuation.resume(returning: ends) }
        }
    }
}

/// Cuts what arrives into frames, as cheaply as that can be done.
private struct Frames {
    private var bytes: ByteBuffer?

    mutating func take(_ more: ByteBuffer) -> Int {
        if bytes == nil { bytes = more } else { bytes?.writeImmutableBuffer(more) }
        var count = 0
        while let buffer = bytes, let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self),
            buffer.readableBytes >= 4 + Int(length)
        {
            bytes?.moveReaderIndex(forwardBy: 4 + Int(length))
            count += 1
        }
        if bytes?.readableBytes == 0 { bytes = nil }
        return count
    }
}

// Safe to send: its state is touched on its channel's event loop only.
private final class FrameCounter: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    private let tally: Tally
    private var frames = Frames()

    init(_ tally: Tally) { self.tally = tally }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        tally.opened(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for _ in 0..<frames.take(unwrapInboundIn(data)) { tally.acknowledged() }
    }

    func channelInactive(context: ChannelHandlerContext) { tally.closed(context.channel) }
}

// Safe to send: its state is touched on its channel's event loop only.
private final class FrameAnswerer: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let answer: ByteBuffer
    private var frames = Frames()

    init(bytes: Int) {
        var answer = ByteBuffer()
        answer.writeInteger(UInt32(bytes))
        answer.writeRepeatingByte(7, count: bytes)
        self.answer = answer
    }

    /// A first frame says that it is there, as a member's hello does.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for _ in 0..<frames.take(unwrapInboundIn(data)) { context.writeAndFlush(wrapOutboundOut(answer), promise: nil) }
    }
}

import ClusterModel
package import NIOCore

/// Carries frames over a channel that carries bytes, whoever is at its ends.
///
/// Inbound: each whole frame is passed on by itself; a frame over the limit, a silent peer and a passed deadline are errors, each a
/// ``ClusterModel/Refusal``. Outbound: frames; a close waits until what is queued is written, and nothing is read meanwhile.
package final class FrameHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = OutgoingFrame
    package typealias OutboundOut = ByteBuffer

    private let terms: TransportTerms
    private let ping: OutgoingFrame
    private let countsParts: Bool
    private var assembler: FrameAssembler
    private var liveness: Liveness
    private var alarm: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var queued = 0
    private var closing: Closing = .no

    private enum Closing {
        case no
        case draining(EventLoopPromise<Void>?, deadline: Scheduled<Void>)
        case now
    }

    /// `limit` is the most bytes of a frame that arrives. `countsParts` says whether part of a frame is a sign of life: it is where
    /// frames are long and the peer is trusted; elsewhere, a peer could send a byte a minute and never be done.
    package init(_ terms: TransportTerms, limit: Int, countsParts: Bool, ping: OutgoingFrame, now: NIODeadline) {
        self.terms = terms
        self.ping = ping
        self.countsParts = countsParts
        assembler = FrameAssembler(limit: limit)
        liveness = Liveness(terms, now: now)
        liveness.deadline = now + terms.hello
    }

    /// The handshake is over, and this is what the peer may do.
    package func open(limit: Int) {
        assembler.limit = limit
        liveness.isOpen = true
        arm()
    }

    /// Whatever is heard, it is over then; nil: it need not be.
    package func setDeadline(_ deadline: NIODeadline?) {
        liveness.deadline = deadline
        arm()
    }

    // MARK: - Life

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
        self.context = nil
    }

    package func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        if case .draining(let promise, let deadline) = closing {
            deadline.cancel()
            promise?.succeed()
        }
        closing = .now
        context.fireChannelInactive()
    }

    private func arm() {
        alarm?.cancel()
        guard let context else { return }
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: liveness.next) { self.ring() }
    }

    private func ring() {
        guard let context, case .no = closing else { return }
        switch liveness.due(at: context.eventLoop.now) {
        case .nothing: break
        case .ping:
            liveness.didSend(at: context.eventLoop.now)
            send(ping, context, promise: nil)
            context.flush()
        case .silent: context.fireErrorCaught(Refusal(.unavailable, "Nothing was heard for \(terms.silence.inWords)."))
        case .late: context.fireErrorCaught(Refusal(.unavailable, "The time for it is over."))
        }
        if case .no = closing { arm() }
    }

    // MARK: - Inbound

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .no = closing else { return }
        if countsParts { liveness.didHear(at: context.eventLoop.now) }
        assembler.append(unwrapInboundIn(data))
        do throws(Refusal) {
            while case .no = closing, let frame = try assembler.next() {
                liveness.didHear(at: context.eventLoop.now)
                context.fireChannelRead(wrapInboundOut(frame))
            }
        } catch {
            context.fireErrorCaught(error)
        }
    }

    // MARK: - Outbound

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .no = closing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        send(unwrapOutboundIn(data), context, promise: promise)
    }

    private func send(_ frame: OutgoingFrame, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard queued + frame.count <= terms.queuedBytes else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            closing = .now
            context.fireErrorCaught(Refusal(.limit, "The other side does not read: \(queued) bytes wait for it."))
            context.close(promise: nil)
            return
        }
        queued += frame.count
        liveness.didSend(at: context.eventLoop.now)
        let written = promise ?? context.eventLoop.makePromise()
        let count = frame.count
        written.futureResult.assumeIsolated().whenComplete { _ in self.wrote(count) }
        write(frame, context, promise: written)
    }

    /// Bytes that are handed to TLS between two flushes: one record.
    ///
    /// TLS keeps, for as long as the connection lasts, a buffer for all that was ever written before one flush. With frames written
    /// whole, a member that once got 64 KiB costs the manager 80 KiB more for ever.
    private static let recordBytes = 16 << 10

    private func write(_ frame: OutgoingFrame, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>) {
        var (left, room) = (frame.count, FrameHandler.recordBytes)
        for var part in frame.parts {
            while part.readableBytes > 0, let piece = part.readSlice(length: min(part.readableBytes, room)) {
                left -= piece.readableBytes
                room -= piece.readableBytes
                context.write(wrapOutboundOut(piece), promise: left == 0 ? promise : nil)
                guard room == 0, left > 0 else { continue }
                context.flush()
                room = FrameHandler.recordBytes
            }
        }
    }

    private func wrote(_ count: Int) {
        queued -= count
        guard queued == 0, case .draining(let promise, let deadline) = closing else { return }
        deadline.cancel()
        closing = .now
        context?.close(promise: promise)
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch closing {
        case .no where mode == .all && queued > 0:
            alarm?.cancel()
            let deadline = context.eventLoop.assumeIsolated().scheduleTask(in: terms.drain) {
                guard case .draining(let promise, _) = self.closing else { return }
                self.closing = .now
                self.context?.close(promise: promise)
            }
            closing = .draining(promise, deadline: deadline)
        case .draining(let first?, _): first.futureResult.cascade(to: promise)
        case .draining(nil, let deadline): closing = .draining(promise, deadline: deadline)
        case .no, .now:
            if mode == .all { closing = .now }
            context.close(mode: mode, promise: promise)
        }
    }
}

extension TimeAmount {
    fileprivate var inWords: String {
        nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000) seconds" : "\(nanoseconds / 1_000_000) milliseconds"
    }
}

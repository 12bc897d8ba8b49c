import NIOCore
import Replication

/// A link over a channel whose last handler takes the messages.
final class ChannelLink<Outgoing: Sendable>: Link {
    private let channel: any Channel

    init(_ channel: any Channel) {
        self.channel = channel
    }

    // Always in a turn of the event loop of its own, even when called on it: a caller that holds a lock is never called back.
    func send(_ message: Outgoing) {
        channel.eventLoop.execute { [channel] in channel.writeAndFlush(message, promise: nil) }
    }

    func close() {
        channel.eventLoop.execute { [channel] in channel.close(promise: nil) }
    }
}

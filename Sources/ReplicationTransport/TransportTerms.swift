import ClusterModel
package import NIOCore

/// The limits and times that both ends of a connection keep; a test gives its own.
package struct TransportTerms: Sendable {
    /// From the connection to the end of the first frame.
    package var hello: TimeAmount = .seconds(Int64(Limits.helloSeconds))
    /// A ping is sent after this long without another frame.
    package var ping: TimeAmount = .seconds(Int64(Limits.pingSeconds))
    package var silence: TimeAmount = .seconds(Int64(Limits.silenceSeconds))
    /// How long a stranger's connection lasts.
    package var stranger: TimeAmount = .seconds(Int64(Limits.strangerSeconds))
    /// What is queued when a connection is closed has this long to be written.
    package var drain: TimeAmount = .seconds(Int64(Limits.drainSeconds))

    /// Bytes of one frame toward the member.
    package var frameBytes = Limits.frameBytes
    package var memberFrameBytes = Limits.memberFrameBytes
    package var strangerFrameBytes = Limits.strangerFrameBytes
    /// Bytes that wait for one peer.
    package var queuedBytes = Limits.queuedBytes

    package var strangers = Limits.strangers
    package var handshakes = Limits.handshakes
    package var connections = Limits.memberConnections

    package init() {}
}

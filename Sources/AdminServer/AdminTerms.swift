import ClusterModel
package import NIOCore

/// The times and numbers that the admin port keeps; a test gives its own.
package struct AdminTerms: Sendable {
    /// From the connection to the end of the TLS handshake.
    package var handshake: TimeAmount = .seconds(Int64(Limits.helloSeconds))
    /// From there, or from an answer, to the whole head of a request; longer for whoever has shown a token.
    package var head: TimeAmount = .seconds(Int64(Limits.helloSeconds))
    package var idle: TimeAmount = .seconds(Int64(Limits.silenceSeconds))
    /// From a request's head to its last byte, and from an answer's first byte to when the peer has taken the last.
    package var transfer: TimeAmount = .seconds(Int64(Limits.transferSeconds))
    /// Connections that have not shown a valid token. When there are more, the oldest ends.
    package var strangers = Limits.adminStrangers
    /// Connections that have.
    package var callers = Limits.adminCallers

    package init() {}
}

import ClusterModel
import NIOCore
import NIOPosix
import Synchronization

/// A DNS server that sends whatever a test makes of a question, over UDP and TCP on one port.
struct HostileServer: Sendable {
    /// What to send for a question: any number of datagrams, or of pieces of a stream.
    typealias Answers = @Sendable (_ query: [UInt8], _ isStream: Bool) -> [[UInt8]]

    static func with<Result: Sendable>(_ answers: @escaping Answers, _ body: (NameServer) async throws -> Result) async throws -> Result {
        let (datagrams, stream, port) = try await open(answers)
        do {
            let result = try await body(try NameServer(parsing: "127.0.0.1:\(port)"))
            try await datagrams.close()
            try await stream.close()
            return result
        } catch {
            try await datagrams.close()
            try await stream.close()
            throw error
        }
    }

    /// A port for both: that of the system's choice for the one may be taken for the other.
    private static func open(_ answers: @escaping Answers) async throws -> (any Channel, any Channel, Int) {
        let group = MultiThreadedEventLoopGroup.singleton
        for attempt in 1... {
            let datagrams = try await DatagramBootstrap(group: group)
                .channelInitializer { $0.pipeline.addHandler(DatagramAnswerer(answers: answers)) }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = datagrams.localAddress?.port ?? 0
            do {
                let stream = try await ServerBootstrap(group: group)
                    .childChannelInitializer { $0.pipeline.addHandler(StreamAnswerer(answers: answers)) }
                    .bind(host: "127.0.0.1", port: port).get()
                return (datagrams, stream, port)
            } catch {
                try await datagrams.close()
                guard attempt < 5 else { throw error }
            }
        }
        throw Refusal(.unavailable, "There is no free port on 127.0.0.1.")
    }
}

private final class DatagramAnswerer: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let answers: HostileServer.Answers

    init(answers: @escaping HostileServer.Answers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        for answer in answers(Array(envelope.data.readableBytesView), false) {
            context.writeAndFlush(
                wrapOutboundOut(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))), promise: nil)
        }
    }
}

private final class StreamAnswerer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let answers: HostileServer.Answers

    init(answers: @escaping HostileServer.Answers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let query = Array(unwrapInboundIn(data).readableBytesView.dropFirst(2))
        for answer in answers(query, true) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil)
        }
    }
}

/// Makes messages, right and wrong.
enum Forged {
    /// An answer to a question, with so many records as bytes.
    static func answer(to query: [UInt8], code: UInt8 = 0, isTruncated: Bool = false, records: [[UInt8]] = [], count: Int? = nil) -> [UInt8]
    {
        let claimed = count ?? records.count
        var bytes = query
        bytes[2] = 0x81 | (isTruncated ? 0x02 : 0)
        bytes[3] = 0x80 | code
        bytes[6] = UInt8(claimed >> 8)
        bytes[7] = UInt8(claimed & 0xFF)
        return bytes + records.flatMap(\.self)
    }

    /// A name, label by label.
    static func name(_ labels: [String]) -> [UInt8] { labels.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0] }

    /// A record whose owner is the name that was asked for, unless another is given.
    static func record(owner: [UInt8] = [0xC0, 12], type: UInt8, data: [UInt8], length: Int? = nil) -> [UInt8] {
        let claimed = length ?? data.count
        return owner + [0, type, 0, 1, 0, 0, 0, 60, UInt8(claimed >> 8), UInt8(claimed & 0xFF)] + data
    }

    static func exchanger(_ preference: Int, _ host: [UInt8], owner: [UInt8] = [0xC0, 12]) -> [UInt8] {
        record(owner: owner, type: 15, data: [UInt8(preference >> 8), UInt8(preference & 0xFF)] + host)
    }

    /// Whether the question is for MX records, and not for addresses.
    static func isForExchangers(_ query: [UInt8]) -> Bool { query.suffix(4).elementsEqual([0, 15, 0, 1]) }
}

import CResolv
import ClusterModel
import Glibc

/// Why one server gave no answer.
enum ServerFailure: Error, Hashable {
    /// Nothing came in time.
    case silence
    /// Nothing listens there.
    case closed
    /// What came is no answer to the question.
    case unreadable
    /// The system did not let us ask, with this error number.
    case system(Int32)
}

/// The socket address of a DNS server.
struct ServerAddress: Sendable {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    init(_ server: NameServer) {
        let bytes = server.address.bytes
        length = unsafe muster_socket_address(bytes, Int32(bytes.count), UInt16(server.port), &storage)
    }

    private init?(_ state: inout muster_resolver, at place: Int32) {
        length = unsafe muster_resolver_server(&state, place, &storage)
        guard length > 0 else { return nil }
    }

    /// The servers of the system's own settings (`/etc/resolv.conf`), in their order.
    static func ofSystem() throws(Refusal) -> [ServerAddress] {
        var state = unsafe muster_resolver()
        guard unsafe muster_resolver_open(&state) == 0 else {
            throw Refusal(.lookup, "The system's resolver could not be set up. Look at /etc/resolv.conf, or name a server with --resolver.")
        }
        defer { unsafe muster_resolver_close(&state) }
        return (0..<Int32(MAXNS)).compactMap { unsafe ServerAddress(&state, at: $0) }
    }

    fileprivate var family: Int32 { Int32(storage.ss_family) }

    /// Begins to connect a socket; answers the error number, or 0.
    fileprivate func connect(_ descriptor: Int32) -> Int32 {
        var copy = storage
        return unsafe withUnsafePointer(to: &copy) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.connect(descriptor, address, length) == 0 ? 0 : errno
            }
        }
    }
}

/// A socket of one exchange with one server, closed when it is let go. Whatever the server does, every call ends by the deadline, which
/// the library's own exchange over TCP does not: a server may hold it as long as it likes.
final class ServerSocket {
    enum Transport {
        case datagrams
        case stream
    }

    private let descriptor: Int32
    private let deadline: ContinuousClock.Instant

    private init(descriptor: Int32, deadline: ContinuousClock.Instant) {
        self.descriptor = descriptor
        self.deadline = deadline
    }

    deinit { close(descriptor) }

    /// A connected socket takes datagrams of its peer alone, and hears when nothing listens there.
    static func connect(
        to server: ServerAddress, by transport: Transport, until deadline: ContinuousClock.Instant
    ) throws(ServerFailure) -> ServerSocket {
        let kind = transport == .datagrams ? SOCK_DGRAM : SOCK_STREAM
        let flags = SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = Glibc.socket(server.family, Int32(kind.rawValue | flags), 0)
        guard descriptor >= 0 else { throw .system(errno) }
        let socket = ServerSocket(descriptor: descriptor, deadline: deadline)
        var problem = server.connect(descriptor)
        if problem == EINPROGRESS {
            try socket.wait(for: POLLOUT)
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 else { throw .system(errno) }
        }
        guard problem == 0 else { throw ServerFailure(problem) }
        return socket
    }

    func send(_ bytes: [UInt8]) throws(ServerFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT)
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { throw ServerFailure(errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// The next datagram, or what there is of a stream, up to a size; nothing at a stream's end.
    func receive(upTo size: Int) throws(ServerFailure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            try wait(for: POLLIN)
            let count = unsafe recv(descriptor, &buffer, size, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count >= 0 else { throw ServerFailure(errno) }
            return Array(buffer.prefix(count))
        }
    }

    /// So many bytes of a stream.
    func receive(exactly size: Int) throws(ServerFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < size {
            let more = try receive(upTo: size - bytes.count)
            guard !more.isEmpty else { throw .unreadable }
            bytes += more
        }
        return bytes
    }

    private func wait(for event: Int32) throws(ServerFailure) {
        while true {
            let left = deadline - .now
            guard left > .zero else { throw .silence }
            var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            // Rounded up, so that the last millisecond is slept and not spun away.
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
            let count = unsafe poll(&entry, 1, Int32(clamping: milliseconds))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .system(errno) }
        }
    }
}

extension ServerFailure {
    fileprivate init(_ error: Int32) {
        self = error == ECONNREFUSED ? .closed : .system(error)
    }
}

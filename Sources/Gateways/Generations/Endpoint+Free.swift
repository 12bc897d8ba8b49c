import ClusterModel
import Glibc
import NIOCore

extension Endpoint {
    /// Why nothing can listen here at this moment; nil when something can.
    var reasonAgainstListening: String? {
        // An address of a kind that the system does not have.
        guard let target = try? socketAddress else { return reason(against: EADDRNOTAVAIL) }
        let descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return reason(against: errno) }
        defer { _ = close(descriptor) }
        var on: Int32 = 1
        // Without it, a connection that ended a minute ago would stand in the way.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let code = unsafe target.withSockAddr { address, length in
            unsafe bind(descriptor, address, socklen_t(length)) == 0 && listen(descriptor, 1) == 0 ? nil : errno
        }
        return code.map(reason(against:))
    }

    /// What the system's answer to listening here means, for people.
    func reason(against code: Int32) -> String {
        switch code {
        case EADDRINUSE: "the port is in use by another program, or by a service on all addresses"
        case EADDRNOTAVAIL: "this machine does not have the address \(address)"
        case EACCES where port < 1024: "permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher port"
        default: unsafe String(cString: strerror(code))
        }
    }
}

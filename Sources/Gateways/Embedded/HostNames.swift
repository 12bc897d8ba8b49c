package import ClusterModel
import Glibc
package import NIOCore
import NIOPosix

/// Finds the host name of a sender.
package protocol HostNames: Sendable {
    /// The name that the address has and that has the address; nil when there is none, or none was found in time.
    func hostName(of address: IPAddress, on eventLoop: any EventLoop) -> EventLoopFuture<String?>
}

/// Asks the system's resolver: the address for its name, then the name for its addresses (forward-confirmed reverse DNS).
///
/// Without the second question, whoever keeps the reverse zone of an address could claim any name.
package struct SystemHostNames: HostNames {
    package init() {}

    package func hostName(of address: IPAddress, on eventLoop: any EventLoop) -> EventLoopFuture<String?> {
        let found = eventLoop.makePromise(of: String?.self)
        let deadline = eventLoop.scheduleTask(in: .seconds(Int64(Limits.hostNameSeconds))) { found.succeed(nil) }
        // The resolver blocks, hence the threads for such work; its failure means that there is no name.
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { confirmedName(of: address) }
            .whenComplete { result in
                deadline.cancel()
                found.succeed((try? result.get()) ?? nil)  // the pool is shutting down: then no name either
            }
        return found.futureResult
    }
}

private func confirmedName(of address: IPAddress) -> String? {
    guard let name = reverseName(of: address), HostName.accepts(name), IPAddress(name) == nil,
        addresses(of: name).contains(address)
    else { return nil }
    return name.lowercased()
}

private func reverseName(of address: IPAddress) -> String? {
    guard let socketAddress = try? SocketAddress(ipAddress: address.description, port: 0) else { return nil }  // never: it is an address
    var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let result = unsafe socketAddress.withSockAddr { pointer, length in
        unsafe getnameinfo(pointer, socklen_t(length), &buffer, socklen_t(buffer.count), nil, 0, Int32(NI_NAMEREQD))
    }
    guard result == 0 else { return nil }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.hasSuffix(".") ? String(name.dropLast()) : name
}

private func addresses(of name: String) -> [IPAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
    defer { unsafe freeaddrinfo(list) }
    var found: [IPAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        if unsafe getnameinfo(
            entry.pointee.ai_addr, entry.pointee.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, Int32(NI_NUMERICHOST)) == 0,
            let address = IPAddress(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        {
            found.append(address)
        }
        unsafe next = entry.pointee.ai_next
    }
    return found
}

import Glibc

/// A network card whose cable ends in this process. The card is gone when the process is.
struct Tap: Sendable {
    let name: String
    let descriptor: Int32

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A card of this name (15 characters at most) in the namespace of this process; it can be moved.
    init(name: String) throws {
        self.name = name
        let descriptor = unsafe open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(description: "/dev/net/tun cannot be opened: \(errno)") }
        self.descriptor = descriptor
        // struct ifreq: the name, then IFF_TAP | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        let flags = unsafe withUnsafeBytes(of: UInt16(0x1002)) { unsafe Array($0) }
        request.replaceSubrange(16..<18, with: flags)
        let setInterface: UInt = 0x4004_54ca
        let result = unsafe request.withUnsafeMutableBytes { bytes in
            guard let address = bytes.baseAddress else { return Int32(-1) }
            return unsafe ioctl(descriptor, setInterface, address)
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(description: "the network card \(name) cannot be made: \(code)")
        }
    }

    /// The next frame that waits, or nil.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    /// Gives the card a frame. A card that is down takes none.
    func write(_ frame: [UInt8]) {
        _ = unsafe frame.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}

import FoundationEssentials
import Glibc
import ServiceLifecycle

/// A word for the system's service manager (systemd with `Type=notify`): a datagram to the socket that the environment names.
enum SystemNotice: String {
    case ready = "READY=1"
    case stopping = "STOPPING=1"

    /// Says it, where there is somebody to say it to. Nothing depends on being heard.
    func send() {
        guard let place = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"] else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(place.utf8)
        // The kernel's own namespace, which has no files, is written with an @.
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        guard !path.isEmpty, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + path.count } ?? 0)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { _ = close(descriptor) }
        let word = Array(rawValue.utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, word, word.count, 0, $0, length)
            }
        }
    }
}

/// Says that the process is about to end, as soon as it is asked to.
struct EndNotice: Service {
    func run() async throws {
        try? await gracefulShutdown()  // cancelled: then it ends all the same
        SystemNotice.stopping.send()
    }
}

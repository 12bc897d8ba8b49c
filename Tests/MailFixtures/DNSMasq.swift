package import ClusterModel
import Glibc
import Subprocess
import SystemPackage

/// A real DNS server on a loopback address, that knows what a test gives it and asks nobody else.
package struct DNSMasq: Sendable {
    package let resolver: NameServer

    /// Runs `dnsmasq` while the body runs, at a free port or, for those who know no other, at port 53 of an address. Its records are given as its own options: `--mx-host=example.com,mx1.example.com,10`.
    package static func with<Result: Sendable>(
        _ records: [String], at address: String? = nil, _ body: (NameServer) async throws -> Result
    ) async throws -> Result {
        if let address {
            guard let result = try await run(records, address: address, port: 53, body) else { throw DNSMasq.missing }
            return result
        }
        // Between choosing a port and taking it, somebody else may have taken it.
        for _ in 0..<5 {
            if let result = try await run(records, address: "127.0.0.1", port: try freePort(), body) { return result }
        }
        throw DNSMasq.missing
    }

    private static let missing = Refusal(.unavailable, "dnsmasq did not start. Is Debian's package dnsmasq-base installed?")

    /// Nil if the server did not start.
    private static func run<Result: Sendable>(
        _ records: [String], address: String, port: Int, _ body: (NameServer) async throws -> Result
    ) async throws -> Result? {
        let options = [
            "--no-daemon", "--log-facility=-", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--bind-interfaces",
            "--listen-address=\(address)", "--port=\(port)",
        ]
        let user = geteuid() == 0 ? ["--user=root"] : []
        let server = try await Subprocess.run(
            .name("dnsmasq"), arguments: Arguments(options + user + records),
            environment: .custom(["PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"]), input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution -> Result? in
            defer { kill(execution.processIdentifier.value, SIGKILL) }
            for try await line in execution.standardOutput.strings() where line.contains("started, version") {
                guard let address = IPAddress(address) else { return nil }
                return try await body(try NameServer(address: address, port: port))
            }
            return nil
        }
        return server.closureResult
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw Refusal(.unavailable, "There is no free port on 127.0.0.1.") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

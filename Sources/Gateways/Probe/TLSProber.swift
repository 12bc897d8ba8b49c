package import ClusterModel
import Logging
package import NIOCore
import NIOPosix
import NIOSSL

/// Proves services by real handshakes with them, from this machine.
///
/// It takes the certificate that the server proved to hold the key of, whoever signed it; whether it is the right one is
/// for others to say. A server that demands a client certificate is proved in TLS 1.3, where it says so after the handshake.
package struct TLSProber: Prober {
    private let group: any EventLoopGroup
    private let deadline: TimeAmount

    package init(group: any EventLoopGroup, deadline: TimeAmount = .seconds(Int64(Limits.probeSeconds))) {
        self.group = group
        self.deadline = deadline
    }

    package func prove(_ services: [IntendedService]) async -> [ServiceProof] {
        await withTaskGroup(of: (Int, ServiceProof).self) { tasks in
            var proofs: [ServiceProof?] = Array(repeating: nil, count: services.count)
            for (index, service) in services.enumerated() {
                if index >= Limits.parallelProbes, let (done, proof) = await tasks.next() { proofs[done] = proof }
                tasks.addTask { (index, await prove(service)) }
            }
            for await (done, proof) in tasks { proofs[done] = proof }
            return proofs.compactMap(\.self)
        }
    }

    private func prove(_ service: IntendedService) async -> ServiceProof {
        switch service.probe {
        case .none(let because):
            return ServiceProof(service: service.service, served: nil, unprovable: because)
        case .startTLS(let address, let port, let serverName):
            return ServiceProof(
                service: service.service, served: await leaf(at: address, port: port, startTLS: true, serverName: serverName))
        case .tls(let address, let port, let serverName):
            return ServiceProof(
                service: service.service, served: await leaf(at: address, port: port, startTLS: false, serverName: serverName))
        }
    }

    /// SHA-256 of the leaf served at an address; nil when no handshake was finished in time, whatever the reason.
    private func leaf(at address: String, port: Int, startTLS: Bool, serverName: String?) async -> Digest? {
        guard let address = IPAddress(address) else { return nil }
        // The proof says that nothing was seen; why not is in the log of the service.
        return try? await look(at: Endpoint(address: address, port: port), startTLS: startTLS, serverName: serverName)
    }

    /// SHA-256 of the leaf served at an endpoint.
    func look(at endpoint: Endpoint, startTLS: Bool, serverName: String? = nil) async throws -> Digest {
        let context = try NIOSSLContext(configuration: TLSProber.configuration)
        var bootstrap = ClientBootstrap(group: group).connectTimeout(deadline)
        if startTLS {
            // The policy that the prober meets is the one for the address it comes from.
            bootstrap = bootstrap.bind(to: try Endpoint(address: endpoint.address, port: 0).socketAddress)
        }
        let name = endpoint.address.isIPv6 ? "[IPv6:\(endpoint.address)]" : "[\(endpoint.address)]"
        return try await handshake(
            bootstrap, target: try endpoint.socketAddress, context: context, dialogue: startTLS ? ProbeDialogue(name: name) : nil,
            serverName: serverName)
    }

    private func handshake(
        _ bootstrap: ClientBootstrap, target: SocketAddress, context: NIOSSLContext, dialogue: ProbeDialogue?, serverName: String?
    ) async throws -> Digest {
        let eventLoop = group.next()
        let found = eventLoop.makePromise(of: Digest.self)
        let timeout = eventLoop.scheduleTask(in: deadline) { found.fail(ChannelError.connectTimeout(deadline)) }
        defer { timeout.cancel() }
        let connection = bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                // An address is no server name (RFC 6066, section 3).
                let tls = try NIOSSLClientHandler(context: context, serverHostname: serverName.flatMap { IPAddress($0) == nil ? $0 : nil })
                if dialogue == nil { try channel.pipeline.syncOperations.addHandler(tls) }
                try channel.pipeline.syncOperations.addHandler(ProbeHandler(tls: tls, dialogue: dialogue, found: found))
            }
        }.connect(to: target)
        connection.whenFailure { found.fail($0) }
        // However it ends, the connection does too.
        found.futureResult.whenFailure { _ in
            connection.whenSuccess { $0.close(promise: nil) }
        }
        return try await found.futureResult.get()
    }

    private static var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        // Whatever a profile lets a service speak: the certificate is what is looked at.
        configuration.minimumTLSVersion = .tlsv1
        configuration.certificateVerification = .none
        configuration.trustRoots = .certificates([])
        configuration.verifySignatureAlgorithms = SignatureAlgorithm.understood
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }
}

package import ClusterModel
import NIOCore

/// Looks whether services of this machine serve the certificates that they should, by the prober's handshakes.
struct ServiceSight: Sendable {
    private let prober: TLSProber
    private let clock: any Clock<Duration>

    init(group: any EventLoopGroup, clock: any Clock<Duration>) {
        prober = TLSProber(group: group, deadline: .seconds(1))
        self.clock = clock
    }

    /// Milliseconds between two looks.
    private static let pause = 50

    /// What is not as it should be at this moment, a line each.
    func look(_ services: [IntendedService]) async -> [String] {
        zip(services, await prober.prove(services)).compactMap { service, proof in
            guard proof.unprovable == nil, proof.served != service.fingerprint else { return nil }
            guard let served = proof.served else { return "\(service.service)\(service.place) does not answer a TLS handshake" }
            return "\(service.service)\(service.place) serves another certificate (\(served.short)) than it should"
        }
    }

    /// Looks until all is as it should be, or the time is up; what is not then.
    func wait(_ services: [IntendedService]) async -> [String] {
        await withTaskGroup(of: [String]?.self) { tasks in
            tasks.addTask {
                while true {
                    let objections = await look(services)
                    // Interrupted means that the time is up, or that nobody waits any more.
                    guard !objections.isEmpty, (try? await clock.sleep(for: .milliseconds(ServiceSight.pause))) != nil else {
                        return objections
                    }
                }
            }
            tasks.addTask {
                // As above.
                try? await clock.sleep(for: .seconds(Limits.serviceSightSeconds))
                return nil
            }
            let first = await tasks.next() ?? nil
            tasks.cancelAll()
            if let first { return first }
            // What the last look saw.
            return await tasks.next().flatMap(\.self) ?? []
        }
    }
}

extension IntendedService {
    /// ` at ADDRESS:PORT`, where it has such.
    fileprivate var place: String {
        switch probe {
        case .startTLS(let address, let port, _), .tls(let address, let port, _):
            IPAddress(address).map { " at \(Endpoint(address: $0, port: port))" } ?? ""
        case .none: ""
        }
    }
}

/// A prober for services that nobody can prove from this machine, by the word of who runs it.
package struct UnprovenProber: Prober {
    private let reason: String

    package init(because reason: String) {
        self.reason = reason
    }

    package func prove(_ services: [IntendedService]) async -> [ServiceProof] {
        services.map { service in
            if case .none(let because) = service.probe {
                return ServiceProof(service: service.service, served: nil, unprovable: because)
            }
            return ServiceProof(service: service.service, served: nil, unprovable: reason)
        }
    }
}

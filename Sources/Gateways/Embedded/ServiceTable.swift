import ClusterModel
import NIOCore
import Synchronization

/// What is in force at each endpoint, and the connections that are open there.
///
/// One value behind one lock: a connection or handshake meets the configuration before or the one after, never half of each.
final class ServiceTable: Sendable {
    /// What a new connection gets.
    enum Admission: Sendable {
        case served(Service)
        case full(Service)
        /// Nothing is served here any more.
        case closed
    }

    private struct State {
        var services: [Endpoint: Service] = [:]
        var connections: [Endpoint: [ObjectIdentifier: any Channel]] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())
    private let connectionLimit: Int

    init(connectionLimit: Int) {
        self.connectionLimit = connectionLimit
    }

    /// Puts services in force; false if the gateway was stopped meanwhile.
    func replace(with services: [Endpoint: Service]) -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.services = services
            return true
        }
    }

    /// The mail service in force at an endpoint; nil if there is none now.
    func mailService(at endpoint: Endpoint) -> MailService? {
        guard case .mail(let service) = state.withLock({ $0.services[endpoint] }) else { return nil }
        return service
    }

    /// Counts a new connection in and says what it gets. It is counted out when its channel closes.
    func admit(_ channel: any Channel, at endpoint: Endpoint) -> Admission {
        let id = ObjectIdentifier(channel)
        let admission = state.withLock { state -> Admission in
            guard !state.isStopped, let service = state.services[endpoint] else { return .closed }
            guard state.connections[endpoint, default: [:]].count < connectionLimit else { return .full(service) }
            state.connections[endpoint, default: [:]][id] = channel
            return .served(service)
        }
        if case .served = admission {
            channel.closeFuture.whenComplete { [weak self] _ in
                self?.state.withLock { $0.connections[endpoint]?[id] = nil }
            }
        }
        return admission
    }

    /// Serves nothing from now on; answers the connections that are still open.
    func stop() -> [any Channel] {
        state.withLock { state in
            state.isStopped = true
            state.services = [:]
            return state.connections.values.flatMap(\.values)
        }
    }
}

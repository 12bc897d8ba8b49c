#if DEBUG
    import ClusterModel
    import FoundationEssentials
    import Gateways
    import Synchronization

    /// A gateway whose services somebody takes over behind the agent's back: once there is a file of this name, each shows the certificate
    /// and the key in it (PEM, both), until something is applied again. The file is gone then.
    ///
    /// The environment variable `MUSTER_TAKE_OVER` names the file. In debug builds only.
    final class TakenOverGateway: Gateway {
        static let variable = "MUSTER_TAKE_OVER"

        private let gateway: any Gateway
        private let file: String
        private let applied = Mutex<GatewayConfiguration?>(nil)

        init(gateway: any Gateway, file: String) {
            self.gateway = gateway
            self.file = file
        }

        func apply(_ configuration: GatewayConfiguration) async throws(Refusal) {
            try await gateway.apply(configuration)
            applied.withLock { $0 = configuration }
        }

        func stop() async { await gateway.stop() }

        func observe(_ configuration: GatewayConfiguration) async -> [GatewayObservation] {
            await takeOver()
            return await gateway.observe(configuration)
        }

        private func takeOver() async {
            // Without the file nobody takes anything over.
            guard let pem = try? String(contentsOfFile: file, encoding: .utf8), var other = applied.withLock({ $0 }) else { return }
            other.chains = other.chains.mapValues { _ in pem }
            other.keys = other.keys.mapValues { _ in pem }
            do {
                try await gateway.apply(other)
                try FileManager.default.removeItem(atPath: file)
            } catch {
                Output.error("nothing was taken over: \(error)")
            }
        }
    }
#endif

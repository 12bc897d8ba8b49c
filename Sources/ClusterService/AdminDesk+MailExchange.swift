package import AdminContract
package import ClusterModel
import Mail

extension AdminDesk {
    package func checkMailExchange(_ request: MailExchangeRequest, for caller: Caller) async throws(Refusal) -> MailExchangeView {
        try await requireSomewhere(.operator, of: caller)
        var resolver: NameServer?
        if let text = request.resolver { resolver = try NameServer(parsing: text) }
        let exchangers = try await lookups.exchangers(of: request.domain, resolver: resolver)
        let state = await seen(by: caller)
        var services: [String: [ServiceStatus]] = [:]
        for machine in try await fleet.views(of: state) { services[machine.name] = machine.services.map(ServiceStatus.init) }
        return MailExchangeView(
            MailExchangeReading(of: exchangers, at: try state.mailEntrances(services: services), now: certificateDesk.now()))
    }
}

extension ServiceStatus {
    fileprivate init(_ view: ServiceView) {
        self.init(
            service: view.service, certificate: view.certificate, fingerprint: view.fingerprint, served: view.served,
            unprovable: view.unprovable)
    }
}

import ClusterModel

extension PostfixAdoption {
    /// Holds what Postfix would be told against what it is told now: what gives way and became no setting is a change, what stays is named.
    mutating func compare() {
        // What could not be read is missing elsewhere, and has been named as such.
        let errors = report.problems.isEmpty ? configuration.settings.findings().filter { $0.severity == .error } : []
        for finding in errors {
            report.object(.init(finding.entry), finding.text, cure: "Change what it was made of, then adopt.")
        }
        let generation = "\(installation.directory)/gen/1"
        let plan: PostfixPlan
        do throws(Refusal) {
            plan = try PostfixPlan(configuration, over: installation.base, system: installation.systemAuthorities, in: generation)
        } catch {
            // As above.
            guard report.problems.isEmpty else { return }
            for reason in error.details.isEmpty ? [error.reason] : error.details {
                report.object(.init(installation.directory), reason, cure: "Change it there, then adopt.")
            }
            return
        }
        compareMain(plan)
        compareMaster(plan)
    }

    private mutating func compareMain(_ plan: PostfixPlan) {
        let written = installation.base.parameters
        // What all listeners are told for themselves, whatever main.cf says.
        let told = Dictionary(plan.listeners.first?.process.options.map { ($0.name, $0.value) } ?? []) { first, _ in first }
        for name in written.names where !understood.contains(name) && name != "smtpd_restriction_classes" {
            let (place, value) = (AdoptionReport.Place("main.cf", name), written[name] ?? "")
            if PostfixPlan.owned.contains(name) || plan.parameters[name] != nil {
                let new = plan.parameters[name] ?? ""
                if new != value { report.change(place, from: value, to: new.isEmpty ? "not set" : new) }
            } else if name == "smtpd_client_restrictions", !value.isEmpty {
                report.leave(place, "holds, after the TLS policy of the listener")
            } else if name == "tls_server_sni_maps", !value.isEmpty {
                report.change(
                    place, from: value,
                    to: "no certificate by name at Muster's listeners, until one is given (serverNames; muster listener set --server-name)")
            } else if let new = told[name] {
                if new != value { report.change(place, from: value, to: "\(new.isEmpty ? "not set" : new), at Muster's listeners") }
            } else {
                report.leave(place, "stays")
            }
        }
    }

    private mutating func compareMaster(_ plan: PostfixPlan) {
        for process in installation.base.processes {
            let place = place(of: process)
            switch process.type {
            case "inet" where installation.services.contains { $0.process == process }: compare(process, plan)
            case "inet":
                let displaced =
                    process.socket.map { socket in plan.listeners.contains { socket.overlaps($0.endpoint.postfixSocket) } } ?? false
                if !displaced { report.leave(place, "stays, with its own TLS settings") }
            case "unix" where process.command == "smtp":
                for option in process.options where PostfixPlan.owned.contains(option.name) || plan.parameters[option.name] != nil {
                    let own = AdoptionReport.Place("master.cf", "\(process.name) \(process.type): \(option.name)")
                    report.change(own, from: option.value, to: "as for all other outgoing mail")
                }
            default: break
            }
        }
        let others = installation.base.processes.filter { $0.type != "inet" }.count
        if others > 0 { report.leave(.init("master.cf"), "\(others) processes that are not for the network stay") }
    }

    /// What a service that gives way to listeners is told, and its listeners are not.
    private mutating func compare(_ process: PostfixProcess, _ plan: PostfixPlan) {
        guard let listener = plan.listeners.first(where: { $0.process.replaces(process) }) else {
            return report.change(place(of: process), from: "takes mail at port 25", to: "ends: no listener takes its place")
        }
        let place = { (name: String) in AdoptionReport.Place("master.cf", "\(process.name) \(process.type): \(name)") }
        for option in process.options where !understood.contains(option.name) {
            // Its value may be anything, and is not shown.
            if listener.process[option.name] == option.value {
                report.leave(place(option.name), "stays, at the listener \(listener.name)")
            } else {
                report.change(place(option.name), from: "set for this service", to: "Muster's own, at the listener \(listener.name)")
            }
        }
    }
}

extension PostfixProcess {
    /// Whether this one is where the other was.
    fileprivate func replaces(_ other: PostfixProcess) -> Bool {
        guard let socket, let old = other.socket else { return false }
        return socket.overlaps(old)
    }
}

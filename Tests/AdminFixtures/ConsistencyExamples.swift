package import AdminContract
import ClusterModel

extension FixedService {
    /// Machines with each kind of answer.
    package static let consistency: [ConsistencyView] = [
        ConsistencyView(
            machine: "mx1", outcome: .differs,
            differences: [
                DifferenceView(
                    place: .store, kind: .changed, subject: "destinations/bank.example", entries: ["destinations/bank.example"],
                    text: "destinations/bank.example has another value in the machine's store", cluster: #"{"tls":"required"}"#,
                    stored: #"{"tls":"none"}"#, cures: ["muster check mx1 --keep cluster", "muster check mx1 --keep machine"]),
                DifferenceView(
                    place: .service, kind: .changed, subject: "listener/public", entries: ["listeners/public", "certificates/mail"],
                    text: "listener/public serves another certificate (4bf5122f) than the certificate mail (dbc1b4c9)",
                    cures: ["muster check mx1 --keep cluster"]),
            ], moreDifferences: 2),
        ConsistencyView(machine: "mx2", outcome: .agrees),
        ConsistencyView(machine: "mx3", outcome: .agrees, reason: "an update was being applied: gateway and services were not compared"),
        ConsistencyView(machine: "mx4", outcome: .notCompared, reason: "it is offline: it was never heard of"),
    ]
}

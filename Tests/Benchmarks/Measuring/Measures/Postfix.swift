import ClusterModel
import Foundation
import Gateways
import NIOPosix
import PostfixFixtures
import SMTPFixtures

/// A certificate that changes at a real Postfix, until its listener was seen to serve the new one: by itself, and while mail comes in.
struct PostfixMeasure {
    let options: Options

    /// The most that a change may take, in milliseconds.
    private static let most = 1000.0
    private static let changesUnderLoad = 20

    func figures() async throws -> [Figure] {
        guard PostfixLab.isPossible else {
            options.note("left out: changes at Postfix are measured as root, where Postfix is installed")
            return []
        }
        options.note("changes of a certificate at Postfix")
        return try await PostfixLab.with { lab in
            var setup = Setup(certificate: try Issuer.selfSigned("mx1.example.com"))
            setup.address = lab.address
            _ = try await change(&setup, at: lab)
            // The first warms up.
            _ = try await change(&setup, at: lab)
            var (alone, reloads, loaded): ([Double], [Double], [Double]) = ([], [], [])
            for _ in 0..<options.rounds {
                alone.append(try await change(&setup, at: lab))
                reloads.append(try await milliseconds { guard await lab.postfix("reload") else { throw BenchmarkError("no reload") } })
            }
            let count = try await MailLoad.during(lab) {
                for _ in 0..<PostfixMeasure.changesUnderLoad { loaded.append(try await change(&setup, at: lab)) }
            }
            guard count.sessions > 0 else { throw BenchmarkError("no mail came in") }
            for failure in Set(count.failures) { options.note("a session failed: \(failure)") }
            return [
                Figure(
                    "changed certificate at Postfix, applied and proved", unit: "ms", alone, floor: reloads,
                    budget: .amount(PostfixMeasure.most)),
                Figure("the same while three clients send mail", unit: "ms", loaded, budget: .amount(PostfixMeasure.most)),
                Figure("sessions during those \(PostfixMeasure.changesUnderLoad) changes", unit: "", [Double(count.sessions)]),
                Figure("sessions of them that failed", unit: "", [Double(count.failures.count)], budget: .amount(0)),
            ]
        }
    }

    /// What a new certificate takes until it is applied, and seen as the agent looks once more.
    private func change(_ setup: inout Setup, at lab: PostfixLab) async throws -> Double {
        setup.certificates["mail"] = try Issuer.selfSigned("mx1.example.com")
        let configuration = try setup.configuration
        let services = try configuration.settings.intendedServices()
        return try await milliseconds {
            try await lab.gateway.apply(configuration)
            let proofs = await TLSProber(group: MultiThreadedEventLoopGroup.singleton).prove(services)
            guard zip(services, proofs).allSatisfy({ $1.unprovable != nil || $1.served == $0.fingerprint }) else {
                throw BenchmarkError("the certificate is not served")
            }
        }
    }

    private func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
        try await ContinuousClock().measure(body) / .milliseconds(1)
    }
}

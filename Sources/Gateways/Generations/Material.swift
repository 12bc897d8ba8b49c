import Certificates
import ClusterModel
import FoundationEssentials

/// A certificate with its key, seen to belong together.
struct ServedCertificate: Sendable {
    let chain: CertificateChain
    let key: PrivateKey

    /// What programs want in one file, in this order.
    var full: String { key.pem + chain.pem }
}

extension GatewayConfiguration {
    /// The certificate of a name; refuses one that cannot be served, in words that go behind the service's name.
    func servedCertificate(_ name: String) throws(Refusal) -> ServedCertificate {
        let setting: CertificateSetting?
        do throws(SettingError) { setting = try settings.value(CertificateSetting.self, .certificates, name) } catch {
            throw Refusal(.invalid, error.description)
        }
        guard let setting else { throw Refusal(.notFound, "there is no certificate \"\(name)\"") }
        guard let pem = chains[setting.chainBlob], let keyPEM = keys[setting.key.fingerprint] else {
            let missing = chains[setting.chainBlob] == nil ? "chain" : "private key"
            throw Refusal(.notFound, "the \(missing) of certificate \"\(name)\" did not come with the configuration")
        }
        do throws(Refusal) {
            let (chain, key) = (try CertificateChain(pem: pem), try PrivateKey(pem: keyPEM))
            guard chain.isServed(by: key) else { throw Refusal(.invalid, "the private key does not belong to the certificate") }
            return ServedCertificate(chain: chain, key: key)
        } catch {
            throw Refusal(error.code, "certificate \"\(name)\": \(error.reason)")
        }
    }

    /// Everybody's certificate whom the configuration trusts, in PEM. `system` are those of the operating system, as it has them. Refuses
    /// with a line for each list that cannot be laid out.
    func authoritiesText(system: () -> String?) throws(Refusal) -> String {
        let trusted: EffectiveAuthorities
        do throws(SettingError) { trusted = try settings.authorities() } catch { throw Refusal(.invalid, error.description) }
        var text = trusted.trustsSystem ? system() ?? "" : ""
        var reasons: [String] = []
        for list in trusted.lists {
            guard let pem = chains[list.blob] else {
                reasons.append("the authorities \"\(list.name)\" did not come with the configuration")
                continue
            }
            do throws(Refusal) { text += try AuthorityList(bundle: Array(pem.utf8)).pem } catch {
                reasons.append("the authorities \"\(list.name)\": \(error.reason)")
            }
        }
        guard reasons.isEmpty else { throw Refusal(.invalid, "The authorities cannot be laid out.", details: reasons) }
        return text
    }

    /// The authorities that the operating system trusts, in PEM; nil where it has no list.
    package static func systemAuthorities() -> String? {
        // A path that is not this system's is no error, and the next may be.
        AuthorityList.systemPaths.lazy.compactMap { FileManager.default.contents(atPath: $0) }.first
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

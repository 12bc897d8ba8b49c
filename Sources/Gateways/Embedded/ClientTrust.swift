import Certificates
import ClusterModel

extension GatewayConfiguration {
    /// Whom senders' certificates must lead to: the authorities of `system`, unless the settings distrust them, and those of every list.
    ///
    /// Throws a refusal with a detail for each list that did not come with the configuration or cannot be read.
    func clientAuthorities(system: TrustedAuthorities) throws(Refusal) -> TrustedAuthorities {
        let trusted: EffectiveAuthorities
        do throws(SettingError) { trusted = try settings.authorities() } catch { throw Refusal(.invalid, error.description) }
        var lists: [AuthorityList] = []
        var reasons: [String] = []
        for list in trusted.lists {
            guard let pem = chains[list.blob] else {
                reasons.append("the authorities \"\(list.name)\" did not come with the configuration")
                continue
            }
            do throws(Refusal) {
                lists.append(try AuthorityList(bundle: Array(pem.utf8)))
            } catch {
                reasons.append("the authorities \"\(list.name)\": \(error.reason)")
            }
        }
        guard reasons.isEmpty else { throw Refusal(.invalid, "Not every list of authorities can be used.", details: reasons) }
        return TrustedAuthorities(lists, beside: trusted.trustsSystem ? system : nil)
    }
}

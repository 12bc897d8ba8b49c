import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL

/// Why no answer came, in a few words for people.
func explanation(of error: any Error) -> String {
    switch error {
    case let error as HTTPClientError: return error.shortDescription
    case let error as NIOConnectionError:
        guard let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty else {
            return error.connectionErrors.first.map { "\($0.error)" } ?? "no connection"
        }
        return "its host name is unknown (\(dns))"
    case let error as NIOSSLError:
        if case .handshakeFailed = error {
            return "the TLS handshake failed; the profile's \"ca\" did not sign its certificate, or it is not a manager (\(error)). If the "
                + "cluster's CA was replaced since (muster ca), take a new profile: admin.profile.json beside the manager's data, or one that "
                + "another administrator makes with muster token create"
        }
        return "\(error)"
    default: return "\(error)"
    }
}

/// The kinds of gateway that an agent can drive.
package enum GatewayKind: String, CaseIterable, Hashable, Sendable, Codable {
    case embedded
    case directory
    case nginx
    case postfix
}

/// Where requests go. Names of machines, certificates and authorities follow `NameRule.plain`, so they stand in a path as they are.
package enum Paths {
    package static let base = "/api/v1"

    package static let whoAmI = "/whoami"
    package static let status = "/status"
    package static let users = "/users"
    package static let tokens = "/tokens"
    package static let machines = "/machines"
    package static let archives = "/archives"
    package static let consistencyChecks = "/consistency-checks"
    package static let groups = "/groups"
    package static let invitations = "/invitations"
    package static let joinRequests = "/join-requests"
    package static let joinDecisions = "/join-decisions"
    package static let ca = "/ca"
    package static let caSteps = "/ca/steps"
    package static let settings = "/settings"
    package static let edits = "/edits"
    package static let overrides = "/overrides"
    package static let copies = "/copies"
    package static let changes = "/changes"
    package static let changesPreview = "/changes/preview"
    package static let keeps = "/changes/keeps"
    package static let commits = "/commits"
    package static let documents = "/documents"
    package static let savedDocuments = "/saved-documents"
    package static let history = "/history"
    package static let diff = "/diff"
    package static let rollbacks = "/rollbacks"
    package static let certificates = "/certificates"
    package static let certificateImports = "/certificate-imports"
    package static let certificateUploads = "/certificate-uploads"
    package static let certificateExports = "/certificate-exports"
    package static let certificateChecks = "/certificate-checks"
    package static let mailExchangeChecks = "/mail-exchange-checks"
    package static let certificatePromotions = "/certificate-promotions"
    package static let alerts = "/alerts"
    package static let alertAcknowledgements = "/alert-acknowledgements"
    package static let authorities = "/authorities"
    package static let systemAuthorities = "/system-authorities"
    package static let audit = "/audit"
    package static let refusedAttempts = "/audit/refused"
    package static let auditVerification = "/audit/verification"

    package static func user(_ name: String) -> String { "\(users)/\(name)" }
    package static func machine(_ name: String) -> String { "\(machines)/\(name)" }
    package static func loss(_ machine: String) -> String { "\(machines)/\(machine)/loss" }
    package static func move(_ machine: String) -> String { "\(machines)/\(machine)/move" }
    package static func rename(machine: String) -> String { "\(machines)/\(machine)/rename" }
    package static func group(_ name: String) -> String { "\(groups)/\(name)" }
    package static func loss(group: String) -> String { "\(groups)/\(group)/loss" }
    package static func rename(group: String) -> String { "\(groups)/\(group)/rename" }
    package static func restore(_ machine: String) -> String { "\(machines)/\(machine)/restore" }
    package static func archive(_ id: String) -> String { "\(archives)/\(id)" }
    package static func retry(_ machine: String) -> String { "\(machines)/\(machine)/retry" }
    package static func disconnection(_ machine: String) -> String { "\(machines)/\(machine)/disconnect" }
    package static func reconnection(_ machine: String) -> String { "\(machines)/\(machine)/reconnect" }
    package static func localConflicts(_ machine: String) -> String { "\(machines)/\(machine)/conflicts" }
    package static func localTakes(_ machine: String) -> String { "\(machines)/\(machine)/conflicts/takes" }
    package static func localDrops(_ machine: String) -> String { "\(machines)/\(machine)/conflicts/drops" }
    package static func readmission(_ machine: String) -> String { "\(machines)/\(machine)/readmission" }
    package static func repair(_ machine: String) -> String { "\(machines)/\(machine)/repair" }
    package static func effective(_ machine: String) -> String { "\(machines)/\(machine)/effective" }
    package static func certificate(_ name: String) -> String { "\(certificates)/\(name)" }
    package static func certificateRequest(_ name: String) -> String { "\(certificates)/\(name)/request" }
    package static func certificateUses(_ name: String) -> String { "\(certificates)/\(name)/uses" }
    package static func certificateRenewal(_ name: String) -> String { "\(certificates)/\(name)/renewal" }
    package static func authority(_ name: String) -> String { "\(authorities)/\(name)" }

    /// Outside of the API: whether the process lives, and whether it serves.
    package static let health = "/healthz"
    package static let ready = "/readyz"
}

/// The names of query parameters.
package enum Parameter {
    package static let level = "level"
    package static let section = "section"
    package static let entry = "entry"
    package static let revision = "revision"
    package static let after = "after"
    package static let limit = "limit"
    package static let all = "all"
    package static let archive = "archive"
    package static let with = "with"
    package static let from = "from"
    package static let to = "to"
}

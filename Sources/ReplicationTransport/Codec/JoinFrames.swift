import ClusterModel
import FoundationEssentials
import Replication
import SwiftProtobuf
import WireMessages

extension WireJoinRequest {
    init(_ request: JoinRequest) {
        self.init()
        let knowledge = WireKnowledge(request.knowledge)
        (version, oldestVersion) = (knowledge.newest, knowledge.oldest)
        (agent, sections, sectionVersions) = (knowledge.agent, knowledge.sections, knowledge.versions)
        gateway = knowledge.gateway
        invitation = request.invitation
        secret = request.secret
        machine = request.machine
        certificateRequest = Data(request.certificateRequest)
        network = request.network.map { entry in
            .with {
                $0.section = entry.section.rawValue
                $0.name = entry.name
                $0.value = Data(entry.value.canonicalBytes)
            }
        }
        if let report = request.loss { loss = WireLossReport(report) }
        isPreview = request.isPreview
    }
}

extension JoinRequest {
    init(_ wire: WireJoinRequest) throws(Refusal) {
        let knowledge = WireKnowledge(
            newest: wire.version, oldest: wire.oldestVersion, agent: wire.agent, sections: wire.sections, versions: wire.sectionVersions,
            gateway: wire.gateway)
        self.init(
            invitation: try Field.text(wire.invitation, "join.invitation"), secret: try Field.text(wire.secret, "join.secret"),
            machine: try Field.text(wire.machine, "join.machine"),
            certificateRequest: try Field.bytes(wire.certificateRequest, "join.certificate_request", limit: Limits.certificateFileBytes),
            network: try Field.list(wire.network, "join.network", limit: Limits.entries) { entry, field throws(Refusal) in
                NetworkEntry(
                    section: SectionName(rawValue: try Field.name(entry.section, "\(field).section")),
                    name: try Field.name(entry.name, "\(field).name"), value: try Field.value(entry.value, "\(field).value"))
            },
            loss: wire.hasLoss ? try LossReport(wire.loss, "join.loss") : nil, isPreview: wire.isPreview,
            knowledge: try knowledge.read("join"))
    }
}

extension WireLossReport {
    fileprivate init(_ report: LossReport) {
        self.init()
        certificates = report.certificates.map(WireLostCertificate.init)
        settings = report.settings.sorted { $0.key < $1.key }.map { section, names in
            .with {
                $0.section = section
                $0.entries = names
            }
        }
        kept = report.kept.map { Field.cut($0, to: Limits.reasonLength) }
        keysLeftBehind = report.keysLeftBehind.map(WireLostCertificate.init)
    }
}

extension LossReport {
    fileprivate init(_ wire: WireLossReport, _ field: String) throws(Refusal) {
        let lost = { (wire: WireLostCertificate, field: Field.Item) throws(Refusal) in try LostCertificate(wire, "\(field)") }
        var settings: [String: [String]] = [:]
        guard wire.settings.count <= Limits.listItems else { throw Field.invalid("\(field).settings", "has too many items") }
        for (index, section) in wire.settings.enumerated() {
            let field = "\(field).settings[\(index)]"
            let name = try Field.name(section.section, "\(field).section")
            let entries = try Field.names(section.entries, "\(field).entries", limit: Limits.entries)
            guard settings.updateValue(entries, forKey: name) == nil else { throw Field.invalid("\(field).section", "is there twice") }
        }
        self.init(
            certificates: try Field.list(wire.certificates, "\(field).certificates", limit: Limits.entries, lost), settings: settings,
            kept: try Field.texts(wire.kept, "\(field).kept", limit: Limits.entries, length: Limits.reasonLength),
            keysLeftBehind: try Field.list(wire.keysLeftBehind, "\(field).keys_left_behind", limit: Limits.entries, lost))
    }
}

extension WireLostCertificate {
    fileprivate init(_ certificate: LostCertificate) {
        self.init()
        name = certificate.name
        subject = Field.cut(certificate.subject, to: Limits.reasonLength)
        fingerprint = Data(certificate.fingerprint.bytes)
        notAfter = certificate.notAfter.seconds
        services = certificate.services
    }
}

extension LostCertificate {
    fileprivate init(_ wire: WireLostCertificate, _ field: String) throws(Refusal) {
        self.init(
            name: try Field.name(wire.name, "\(field).name"),
            subject: try Field.optionalText(wire.subject, "\(field).subject", limit: Limits.reasonLength) ?? "",
            fingerprint: try Field.digest(wire.fingerprint, "\(field).fingerprint"),
            notAfter: try Field.time(wire.notAfter, "\(field).not_after"),
            services: try Field.texts(wire.services, "\(field).services", limit: Limits.services))
    }
}

extension WireJoinAnswer {
    init(_ answer: JoinAnswer) {
        self.init()
        membership = answer.membership.rawValue
        clusterID = answer.clusterID
        cluster = answer.cluster
        group = answer.group
        certificate = answer.certificate
        trust = answer.trust
        managers = answer.managers
        isPreview = answer.isPreview
    }
}

extension JoinAnswer {
    init(_ wire: WireJoinAnswer) throws(Refusal) {
        let pem = Limits.certificateFileBytes
        let membership = try Field.optionalText(wire.membership, "joined.membership")
        let certificate = try Field.optionalText(wire.certificate, "joined.certificate", limit: pem)
        if !wire.isPreview {
            guard membership != nil else { throw Field.invalid("joined.membership", "is missing") }
            guard certificate != nil else { throw Field.invalid("joined.certificate", "is missing") }
        }
        self.init(
            membership: MembershipID(rawValue: membership ?? ""), clusterID: try Field.text(wire.clusterID, "joined.cluster_id"),
            cluster: try Field.optionalText(wire.cluster, "joined.cluster") ?? "",
            group: try Field.optionalText(wire.group, "joined.group") ?? "", certificate: certificate ?? "",
            trust: try Field.optionalText(wire.trust, "joined.trust", limit: pem) ?? "",
            managers: try Field.texts(wire.managers, "joined.managers", limit: Limits.listItems), isPreview: wire.isPreview)
    }
}

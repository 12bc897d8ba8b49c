package import AdminContract
import ClusterModel

extension FixedService {
    /// A move by which a machine gains, loses and serves something.
    package static func move(_ machine: String, to group: String, isPreview: Bool) -> MoveView {
        let impact = MachineImpact(
            machine: machine,
            changes: [
                EntryImpact(section: .destinations, name: "bank.example", change: .added),
                EntryImpact(section: .certificates, name: "mail", change: .changed),
                EntryImpact(section: .delivery, name: "settings", change: .removed),
            ],
            services: [
                ServiceImpact(
                    service: "listener/public", before: .init(certificate: "mail", fingerprint: digest),
                    after: .init(certificate: "mail", fingerprint: Digest(hashing: [2])))
            ])
        return MoveView(
            machine: machine, from: "main", to: group, position: 9, machines: [impact],
            notices: [
                "machine \(machine): listeners/inside: interface names interfaces/data2, which this machine has at no level: it is disabled here"
            ],
            problems: isPreview ? ["listeners/public: certificate names certificates/other, which this machine has at no level"] : [])
    }

    /// A group that had a certificate, a setting and an open invitation.
    package static func deletion(of group: String, problems: [String]) -> GroupDeletion {
        GroupDeletion(
            name: group,
            certificates: [
                LostCertificate(name: "mail", subject: "CN=mail.example.com", fingerprint: digest, notAfter: time, services: [])
            ],
            settings: ["destinations": ["bank.example"]], invitations: [OpenInvitation(id: "a1b2c3", expires: time)], problems: problems)
    }
}

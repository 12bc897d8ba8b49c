import AdminContract
package import ClusterModel

/// Entries of every section but certificates, as commands show them: with all fields, and with standard values.
package enum ExampleEntries {
    /// What is set in a section, by name.
    package static func entries(of section: SectionName) -> [(name: String, value: JSONValue)] { all[section] ?? [] }

    private static let all: [SectionName: [(name: String, value: JSONValue)]] = [
        .system: [("settings", ["hostname": "mx1.example.com"])],
        .interfaces: [
            (
                "data1",
                [
                    "hostname": "mx1.example.com", "address": "192.0.2.11",
                    "https": ["port": 8443, "certificate": "web", "tlsProfile": "strict"],
                ]
            ), ("data2", ["hostname": "mx1.inside.example", "address": "2001:db8::11"]),
        ],
        .listeners: [
            ("inside", ["interface": "data2", "type": "private"]),
            (
                "public",
                [
                    "interface": "data1", "port": 2525, "certificate": "mail", "tlsProfile": "strict", "defaultPolicy": "accepted",
                    "senderGroups": [["name": "PARTNERS", "senders": ["192.0.2.0/24", ".partner.example"], "policy": "partners"]],
                ]
            ),
        ],
        .mailFlowPolicies: [
            ("accepted", ["tls": "preferred", "tlsMandatorySenders": ["bank.example"]]),
            ("partners", ["tls": "required", "verifyClientCertificate": true]), ("plain", [:]),
        ],
        .delivery: [("settings", ["certificate": "mail", "alertOnRequiredTLSFailure": true])],
        .ldap: [("settings", ["certificate": "mail", "interface": "data2", "verifyServerCertificate": false])],
        .webSecurity: [("settings", ["urlFiltering": true, "certificate": "url-client"])],
        .services: [
            ("dlp-enterprise-manager", ["host": "192.0.2.9", "port": 20443]),
            ("malware-analysis", ["host": "amp.example.com", "certificate": "mail"]),
        ],
        .alerts: [
            (
                "settings",
                [
                    "sender": "muster@example.com", "relay": ["host": "relay.example.com", "tls": "required-verify"],
                    "recipients": [
                        ["address": "ops@example.com", "severity": "warning"],
                        ["address": "pki@example.com", "classes": ["certificates"]],
                    ],
                ]
            )
        ],
        .tlsProfiles: [
            ("https", ["minimumVersion": "tls1.3", "cipherSuites": ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]]),
            ("inbound", ["ciphers": "ECDHE+AESGCM:!aNULL"]),
        ],
    ]
}

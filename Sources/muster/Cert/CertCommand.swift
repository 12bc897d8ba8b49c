import ArgumentParser

/// `muster cert`
struct CertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "Make, import and look at certificates.",
        discussion: """
            A certificate is an entry like others: one that is set for a machine or group takes the place of the cluster's \
            certificate of the same name there. Private keys are sealed on the manager and never shown.

              muster cert create mail --common-name mail.example.com \\
                  --san mx1.example.com
              muster cert import mail --machine mx1 --pkcs12 mx1.p12 \\
                  --password-file mx1.pw
              muster commit --wait -m "Certificates for mail"
              muster cert csr mail > mail.csr
              muster cert upload mail mail.crt --intermediate ca.crt
              muster cert renew mail --with mail-2027 --pkcs12 new.p12 --retire
            """,
        subcommands: [
            CertList.self, CertShow.self, CertCreate.self, CertImport.self, CertPromote.self,
            CertRequest.self, CertUpload.self, CertExport.self, CertCheck.self, CertRenew.self, CertWhereUsed.self, CertDelete.self,
        ], aliases: ["certconfig"])
}

import AdminContract
import ArgumentParser
import Certificates
import ClusterModel
import FoundationEssentials

/// What a self-signed certificate is asked for with, beside its common name.
struct SubjectOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A further host name or address it speaks for. May be repeated.", valueName: "name"))
    var san: [String] = []

    @Option(help: ArgumentHelp("The key's algorithm and size.", valueName: "kind"))
    var key = KeyAlgorithm.ecdsaP256

    @Option(help: ArgumentHelp("Days until it expires.", valueName: "n"))
    var days = 365

    @Option(help: ArgumentHelp("O: the organization.", valueName: "text"))
    var organization: String?

    @Option(help: ArgumentHelp("OU: the unit within it.", valueName: "text"))
    var organizationalUnit: String?

    @Option(help: ArgumentHelp("L: the city.", valueName: "text"))
    var locality: String?

    @Option(help: ArgumentHelp("ST: the state or province.", valueName: "text"))
    var state: String?

    @Option(help: ArgumentHelp("C: the country's code of two letters.", valueName: "code"))
    var country: String?

    func request(commonName: String) -> SelfSignedRequest {
        var request = SelfSignedRequest(commonName: commonName, names: san, days: days, key: key)
        request.organization = organization
        request.organizationalUnit = organizationalUnit
        request.locality = locality
        request.state = state
        request.country = country
        return request
    }
}

extension KeyAlgorithm: ExpressibleByArgument {}

/// The files that a certificate with its key comes in. The key's own file is an option of each command.
struct IdentityFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A PKCS#12 file with certificate, key and intermediates.", valueName: "file"))
    var pkcs12: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password of the PKCS#12 file or of the key. (default: no password)", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("A PEM file with the certificate, then its intermediates.", valueName: "file"))
    var pem: String?

    /// Reads the files; nil when none was named.
    func request(at level: Level, name: String, key: String?) throws(Refusal) -> CertificateImport? {
        if let pem, let key {
            return CertificateImport(
                level: level, name: name, pem: try LocalFile.text(pem, limit: Limits.certificateFileBytes),
                key: try LocalFile.text(key, limit: Limits.certificateFileBytes), password: try password())
        }
        guard let pkcs12 else { return nil }
        let bytes = try LocalFile.read(pkcs12, limit: Limits.certificateFileBytes)
        return CertificateImport(level: level, name: name, pkcs12: Data(bytes).base64EncodedString(), password: try password() ?? "")
    }

    private func password() throws(Refusal) -> String? {
        if let passwordFile { return try LocalFile.password(passwordFile) }
        return nil
    }
}

extension CertificateImport {
    /// The fingerprint of the certificate that the files hold, found out here: nothing is sent for it.
    func fingerprint() throws(Refusal) -> Digest? { try identity().chain.facts.first?.fingerprint }

    /// The certificate and its key, read here.
    func identity() throws(Refusal) -> ImportedIdentity {
        if let text = pkcs12, let bytes = Data(base64Encoded: text) {
            return try PKCS12.open(Array(bytes), password: password ?? "").identity
        }
        return try ImportedIdentity(keyPEM: key ?? "", chainPEM: pem ?? "", keyPassword: password)
    }
}

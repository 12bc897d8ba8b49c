import ClusterModel
import SwiftASN1

extension PrivateKey {
    /// Reads an EncryptedPrivateKeyInfo (RFC 5958, section 3): PBES2 with PBKDF2 or scrypt, or one of PKCS#12's own encryptions.
    ///
    /// The cost is read, and refused beyond the limits, before anything is derived.
    init(encryptedPKCS8 der: [UInt8], password: String) throws(Refusal) {
        let what = "The private key"
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Refusal(.limit, "The password has over \(Limits.passwordBytes) bytes.")
        }
        var plain: [UInt8]?
        do {
            let parts = try BER.parse(der).parts()
            let encryption = try PasswordEncryption(parts.part(0), of: what)
            let content = try parts.part(1).octets()
            var budget = IterationBudget(of: what)
            try budget.spend(encryption.iterations)
            plain = try encryption.decrypt(content, PKCS12Password(password))
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unreadable, "The encrypted private key cannot be read: its file is cut off or damaged.")
        }
        // A wrong password decrypts to bytes by chance, one time in some hundred, and those are no key.
        guard let plain, (try? BER.parse(plain).parts()) != nil else {
            throw Refusal(.unreadable, "The password is wrong, or the encrypted private key was altered.")
        }
        try self.init(der: plain)
    }
}

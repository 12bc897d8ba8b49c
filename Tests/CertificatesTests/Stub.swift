import Testing
@Test func stubCertificates() {}

import Testing
@Test func stubAdmin() {}

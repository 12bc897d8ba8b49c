import Testing
@Test func stubReplication() {}

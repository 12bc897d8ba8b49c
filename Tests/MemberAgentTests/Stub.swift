import Testing
@Test func stubMemberAgent() {}

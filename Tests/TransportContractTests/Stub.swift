import Testing
@Test func stubTransportContract() {}

import Testing
@Test func stubLogContract() {}

import Testing
@Test func stubTidy() {}

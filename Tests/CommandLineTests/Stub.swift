import Testing
@Test func stubCommandLine() {}

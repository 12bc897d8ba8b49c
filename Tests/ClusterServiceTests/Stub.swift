import Testing
@Test func stubClusterService() {}

import Testing
@Test func stubClusterModel() {}

import Testing
@Test func stubClusterDocuments() {}

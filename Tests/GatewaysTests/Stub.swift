import Testing
@Test func stubGateways() {}

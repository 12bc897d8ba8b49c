enum ClusterFixturesStub {}

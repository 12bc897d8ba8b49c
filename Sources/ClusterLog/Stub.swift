enum ClusterLogStub {}

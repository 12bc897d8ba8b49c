enum ClusterServiceStub {}

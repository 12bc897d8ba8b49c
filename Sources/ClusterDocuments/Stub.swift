enum ClusterDocumentsStub {}

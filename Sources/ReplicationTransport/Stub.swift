enum ReplicationTransportStub {}

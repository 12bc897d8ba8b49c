enum ReplicationStub {}

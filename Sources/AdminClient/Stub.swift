enum AdminClientStub {}

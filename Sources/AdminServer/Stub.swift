enum AdminServerStub {}

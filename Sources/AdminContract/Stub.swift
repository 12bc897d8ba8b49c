enum AdminContractStub {}

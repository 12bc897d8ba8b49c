enum WireMessagesStub {}

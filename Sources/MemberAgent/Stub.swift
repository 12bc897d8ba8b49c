enum MemberAgentStub {}

import ServiceLifecycle

// Runs in the process's service group, and ends with it.
extension AgentService: Service {}

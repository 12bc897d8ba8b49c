/// What an agent says about its version, for people.
let agentVersion = "muster/1"

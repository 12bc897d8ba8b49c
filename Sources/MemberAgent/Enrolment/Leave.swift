package import ClusterModel

extension StateDirectory {
    /// Makes a member standalone with what it last applied, and deletes its identity. Works without a manager.
    ///
    /// A running agent goes on serving undisturbed. A machine whose first configuration from the cluster was never applied has
    /// its own settings from before the join in force, and keeps those. Repeating it after a crash finishes it.
    ///
    /// - Returns: what has to be said: the membership remains at the manager until it is removed there.
    /// - Throws: `conflict` on a machine that is no member.
    package func leave() throws(Refusal) -> String {
        guard disk.exists("identity") else {
            throw Refusal(.conflict, "This machine is standalone: there is no cluster to leave.")
        }
        let name = try machine().name
        // A damaged identity is left behind all the same.
        let cluster = (try? membershipFacts())?.cluster ?? "its cluster"
        _ = try flatten()
        return "This machine has left \(cluster) and goes on serving as before, standalone. Its membership remains "
            + "at the manager until it is removed there: muster machine remove \(name)"
    }

    /// What was last applied becomes the machine's own (mission C4), then the identity is deleted.
    ///
    /// In this order: a crash between leaves a member whose settings in force are its own, which is a state it may be in.
    /// - Returns: the generation in force; nil when there is none.
    func flatten() throws(Refusal) -> Generation? {
        let current = try current().generation
        return try exclusively { () throws(Refusal) in
            var own = current
            if let current, current.kind == .member {
                let flat = try putGeneration(current.configuration, kind: .standalone, target: nil)
                try putCurrent(flat.number)
                own = flat
            } else if let current, current.number != currentNumber() {
                try putCurrent(current.number)
            }
            try removeIdentity()
            if let own { try deleteGenerations(but: [own.number]) }
            return own
        }
    }
}

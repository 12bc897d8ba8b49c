package import ClusterModel

extension Follower {
    /// What the agent does next. Actions are performed in the order in which they are returned.
    package enum Action: Equatable, Sendable {
        case hello(Hello)
        /// Lay the configuration out beside what is in force, durably; answer with ``laidOut(_:now:)``, and with a refusal of the
        /// code `notFound` when the base's generation is gone and with it the material.
        case layOut(Installation)
        /// Put what was laid out under this digest in force, prove it, make it the current generation durably, in this order;
        /// answer with ``applied(_:isRestored:now:)``. After a failure the one before is in force and current.
        case apply(Digest)
        /// Put the current generation in force again, as after a start; answer with ``applied(_:isRestored:now:)``.
        case resume(Digest)
        /// See what the services serve, and change nothing; answer with ``proved(_:drift:now:)``.
        case prove(Digest)
        /// The same, because it is time to; answer with ``looked(_:drift:now:)``.
        case look(Digest)
        /// Lay out what is current once more, from what the agent has of it in memory, apply and prove it, and make that the current
        /// generation; answer with ``mended(_:isRestored:now:)``. After a failure the one before is in force and current.
        case mend(Digest)
        /// Delete what was last laid out, which has this digest; it was not made current.
        case rollBack(Digest)
        case report(Receipt)
        /// Keep durably whether the machine is to stay apart; answer with ``stands(_:)``.
        case stayApart(Bool)
        /// Forget these edits of the machine's own, durably; answer with ``stands(_:)``.
        case settle([String])
        /// Say which edits of its own the machine has, with the keys and chains that they speak of.
        case reportEdits(Apart)
        /// Keep this durably before the next action.
        case remember(Memory)
        /// The membership is over: make the current generation the machine's own settings, and be standalone.
        case flatten(Ended)
        /// Close the connection. The reason is for the log and the agent's status, with the manager's name.
        case hangUp(Refusal)
        /// Ask for another certificate for the key that the machine has.
        case renew
        /// Trust these CAs and no others from now on, durably; answer with ``holding(_:now:)``.
        case adopt(AuthorityOffer)
        /// Check and keep the certificate, durably; answer with ``holding(_:now:)``.
        case takeUp(RenewedIdentity)
        /// Say what is held of the identity.
        case show(IdentityPapers)
        case reconnect(after: Duration)
        /// The gateway refused what it served before; call ``started()`` again after this wait.
        case resumeLater(after: Duration)
    }

    /// What outlives the agent's process besides the current generation.
    package struct Memory: Hashable, Sendable, Codable {
        /// The newest log entry heard of from any manager. It only grows.
        package var seen = Sighting.none
        /// What was rejected, if nothing newer was heard of since.
        package var rejection: Receipt?

        package init() {}
    }

    /// A configuration to lay out, checked and whole.
    package struct Installation: Hashable, Sendable {
        package var target: Target
        package var configuration: EffectiveConfiguration
        /// What came with the update. What is not here was needed by the base and is in its generation.
        package var material: [Material]
        /// The digest of the generation that holds the rest of the material; nil when everything came along.
        package var base: Digest?
    }

    /// What a machine runs.
    package struct Running: Hashable, Sendable {
        package var target: Target
        package var configuration: EffectiveConfiguration

        package init(target: Target, configuration: EffectiveConfiguration) {
            self.target = target
            self.configuration = configuration
        }
    }
}

extension Refusal {
    /// Every reason on its own, within the limits of a receipt.
    var receiptReasons: [String] {
        (details.isEmpty ? [reason] : details).prefix(Limits.receiptReasons).map { String($0.prefix(Limits.reasonLength)) }
    }
}

package import ClusterModel

/// A network of one manager and its members in virtual time: the message flow of ``Link`` and ``MemberPort``, with delays,
/// lost connections and partitions.
///
/// Messages arrive whole, in order, at most once. A connection that breaks loses what is under way in both directions, and
/// each end learns of it on its own, later. One thread, like the ``VirtualClock`` it runs on.
package final class InProcessNetwork {
    /// What the manager's end does with connections; nil while no manager listens.
    package struct Port {
        package var opened: (ConnectionID, MembershipID) -> Void
        package var received: (MemberMessage, ConnectionID) -> Void
        package var closed: (ConnectionID) -> Void

        package init(
            opened: @escaping (ConnectionID, MembershipID) -> Void, received: @escaping (MemberMessage, ConnectionID) -> Void,
            closed: @escaping (ConnectionID) -> Void
        ) {
            self.opened = opened
            self.received = received
            self.closed = closed
        }
    }

    package enum End: Hashable, Sendable {
        case manager
        case member
    }

    private let clock: VirtualClock
    /// How long one message takes, in milliseconds.
    private let delay: () -> Int
    private var port: Port?
    private var wires: [ConnectionID: Wire] = [:]
    private var unreachable: Set<MembershipID> = []
    private var connections: UInt64 = 0

    private struct Wire {
        var member: MembershipID
        var events: (MemberLinkEvent) -> Void
        /// Nothing under way arrives any more.
        var isBroken = false
        /// The ends that have not heard of the close.
        var open: Set<End> = [.manager, .member]
        /// When the last message to an end arrives: none overtakes another.
        var arrival: [End: Int] = [:]
    }

    package init(clock: VirtualClock, delay: @escaping () -> Int) {
        self.clock = clock
        self.delay = delay
    }

    /// Connections that both ends still believe in, in the order in which they were made.
    package var openConnections: [ConnectionID] {
        wires.filter { !$0.value.isBroken && $0.value.open.count == 2 }.keys.sorted { $0.rawValue < $1.rawValue }
    }

    /// A manager begins to listen.
    package func listen(_ port: Port) {
        self.port = port
    }

    /// The manager's process is gone: its connections break, and new ones are refused.
    package func stopListening() {
        port = nil
        for (connection, wire) in ordered() where wire.open.contains(.manager) {
            wires[connection]?.open.remove(.manager)
            breakOff(connection, memberHearsAfter: delay(), managerHearsAfter: nil)
        }
    }

    /// A member connects; `established` is called when the connection is open, `events` until its end.
    package func connect(
        _ member: MembershipID, established: @escaping (ConnectionID) -> Void, events: @escaping (MemberLinkEvent) -> Void
    ) {
        connections += 1
        let connection = ConnectionID(rawValue: connections)
        clock.schedule(after: delay()) { [self] in
            guard let port, !unreachable.contains(member) else {
                events(.closed(reason: "nothing answers"))
                return
            }
            wires[connection] = Wire(member: member, events: events)
            established(connection)
            port.opened(connection, member)
        }
    }

    package func send(_ message: MemberMessage, on connection: ConnectionID) {
        transmit(on: connection, to: .manager) { [self] _ in port?.received(message, connection) }
    }

    package func send(_ message: ManagerMessage, on connection: ConnectionID) {
        transmit(on: connection, to: .member) { $0.events(.received(message)) }
    }

    /// Closes from one end, once everything queued has arrived.
    package func close(_ connection: ConnectionID, from end: End) {
        guard wires[connection]?.open.contains(end) == true else { return }
        let other: End = end == .manager ? .member : .manager
        transmit(on: connection, to: other) { [self] _ in tell(connection, other, "closed by the other side") }
        tell(connection, end, "closed")
    }

    /// The member's process is gone: nothing reaches it any more, and the manager hears of it.
    package func abandon(_ connection: ConnectionID) {
        wires[connection]?.open.remove(.member)
        breakOff(connection, memberHearsAfter: nil, managerHearsAfter: delay())
    }

    /// Breaks a connection: what is under way is lost, and each end hears of it after its own time.
    package func breakOff(_ connection: ConnectionID, memberHearsAfter: Int?, managerHearsAfter: Int?) {
        wires[connection]?.isBroken = true
        for (end, wait) in [(End.member, memberHearsAfter), (.manager, managerHearsAfter)] {
            guard let wait else { continue }
            clock.schedule(after: wait) { [self] in tell(connection, end, "connection lost") }
        }
    }

    /// Cuts a member off from the manager, or lets it through again. Its connections go silent until each end notices.
    package func setReachable(_ member: MembershipID, _ isReachable: Bool, memberNoticesAfter: Int = 0, managerNoticesAfter: Int = 0) {
        guard !isReachable else {
            unreachable.remove(member)
            return
        }
        unreachable.insert(member)
        for (connection, wire) in ordered() where wire.member == member && !wire.isBroken {
            breakOff(connection, memberHearsAfter: memberNoticesAfter, managerHearsAfter: managerNoticesAfter)
        }
    }

    private func ordered() -> [(ConnectionID, Wire)] {
        wires.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }

    private func transmit(on connection: ConnectionID, to end: End, _ deliver: @escaping (Wire) -> Void) {
        guard let wire = wires[connection], !wire.isBroken, wire.open.contains(end) else { return }
        let arrival = max(clock.now + delay(), wire.arrival[end] ?? 0)
        wires[connection]?.arrival[end] = arrival
        clock.schedule(after: arrival - clock.now) { [self] in
            guard let wire = wires[connection], !wire.isBroken, wire.open.contains(end) else { return }
            deliver(wire)
        }
    }

    /// Tells an end, once, that the connection is closed.
    private func tell(_ connection: ConnectionID, _ end: End, _ reason: String) {
        guard let wire = wires[connection], wire.open.contains(end) else { return }
        wires[connection]?.open.remove(end)
        if wires[connection]?.open.isEmpty == true { wires[connection] = nil }
        switch end {
        case .manager: port?.closed(connection)
        case .member: wire.events(.closed(reason: reason))
        }
    }
}

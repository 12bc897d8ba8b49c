import Dispatch
import Glibc
import SeededRandomness
import Synchronization

/// An Ethernet switch in this process: what one card sends reaches the others as the weather on the way has it.
///
/// The kernel's own tools for bad weather (`tc netem`) are not in every kernel, and know no seed; the TCP stacks at the ends are the kernel's.
final class Cables: Sendable {
    private struct Route: Hashable {
        var from: Int
        var to: Int
    }

    private struct State {
        var lanes: [Route: Lane] = [:]
        var dice: SplitMix64
        var tally = Tally()
        var isStopped = false
    }

    private struct Waiting {
        var due: Double
        var order: Int
        var port: Int
        var frame: [UInt8]
    }

    private let ports: [Tap]
    private let state: Mutex<State>
    private let bell: (read: Int32, write: Int32)
    private let start = ContinuousClock.now
    private let stopped = DispatchSemaphore(value: 0)

    /// Connects these cards; the card at an index has the address ``hardware(_:)``.
    init(_ ports: [Tap], seed: UInt64) {
        self.ports = ports
        state = Mutex(State(dice: SplitMix64(seed: seed)))
        var ends: [Int32] = [0, 0]
        _ = unsafe pipe(&ends)
        bell = (ends[0], ends[1])
        DispatchQueue(label: "cables").async { self.run() }
    }

    static func hardware(_ port: Int) -> [UInt8] { [2, 0, 0, 0, 0, UInt8(port)] }

    /// From now on, between two cards, in one direction.
    func set(_ weather: Weather, from: Int, to: Int) {
        state.withLock { $0.lanes[Route(from: from, to: to), default: Lane()].weather = weather }
    }

    var tally: Tally { state.withLock { $0.tally } }

    /// Ends the switch and takes the cards away.
    func stop() {
        state.withLock { $0.isStopped = true }
        _ = unsafe write(bell.write, [1], 1)
        stopped.wait()
        for port in ports { close(port.descriptor) }
        close(bell.read)
        close(bell.write)
    }

    private var now: Double {
        let passed = ContinuousClock.now - start
        return Double(passed.components.seconds) * 1000 + Double(passed.components.attoseconds) / 1e15
    }

    private func run() {
        var waiting: [Waiting] = []
        var order = 0
        var polled = ports.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        polled.append(pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0))
        while !state.withLock({ $0.isStopped }) {
            let pause = waiting.last.map { max(0, min(1000, ($0.due - now).rounded(.up))) } ?? 1000
            _ = unsafe poll(&polled, nfds_t(polled.count), Int32(pause))
            for (port, card) in ports.enumerated() where polled[port].revents != 0 {
                // A few at a time, so that one loud card leaves the others their turn.
                for _ in 0..<64 {
                    guard let frame = card.read() else { break }
                    for arrival in pass(frame, from: port) {
                        order += 1
                        waiting.append(Waiting(due: arrival.due, order: order, port: arrival.port, frame: arrival.frame))
                    }
                }
            }
            // The latest first: what is due is at the end.
            waiting.sort { ($0.due, $0.order) > ($1.due, $1.order) }
            while let next = waiting.last, next.due <= now {
                ports[next.port].write(next.frame)
                waiting.removeLast()
            }
        }
        stopped.signal()
    }

    private func pass(_ frame: [UInt8], from: Int) -> [(port: Int, due: Double, frame: [UInt8])] {
        guard frame.count >= 14 else { return [] }
        let isForAll = frame[0] & 1 == 1
        let now = now
        return state.withLock { state in
            ports.indices.filter { $0 != from && (isForAll || frame.starts(with: Cables.hardware($0))) }.flatMap { port in
                let route = Route(from: from, to: port)
                return state.lanes[route, default: Lane()].carry(frame, at: now, &state.dice, &state.tally)
                    .map { (port, $0.due, $0.frame) }
            }
        }
    }
}

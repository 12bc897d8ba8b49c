/// Time that passes only when the next thing happens: a queue of events by (time, order of scheduling).
///
/// Not thread-safe, on purpose: a simulation is one thread, so that the same seed gives the same run.
package final class VirtualClock {
    /// Milliseconds since the beginning.
    package private(set) var now = 0
    private var heap: [Event] = []
    private var scheduled = 0

    private struct Event {
        var time: Int
        var order: Int
        var body: () -> Void

        func isBefore(_ other: Event) -> Bool { (time, order) < (other.time, other.order) }
    }

    package init() {}

    /// When the next event is due; nil when nothing is scheduled.
    package var nextTime: Int? { heap.first?.time }

    /// Does this after some milliseconds, and after everything that was scheduled for that moment before.
    package func schedule(after milliseconds: Int, _ body: @escaping () -> Void) {
        scheduled += 1
        heap.append(Event(time: now + max(0, milliseconds), order: scheduled, body: body))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Lets the next event happen; false when there is none.
    package func step() -> Bool {
        guard let event = popFirst() else { return false }
        now = event.time
        event.body()
        return true
    }

    private func popFirst() -> Event? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least]) { least = child }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

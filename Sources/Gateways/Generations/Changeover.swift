import ClusterModel
import Logging

/// What reads generations of files and serves them: a server, or whatever a hook tells of them.
protocol GenerationServer: Sendable {
    /// Refuses a generation that lies ready and could not be served. Changes nothing. `serving` is the one in force.
    func check(_ number: Int, over serving: Int?) async throws(Refusal)
    /// Has the generation served that `current` now leads to, or nothing any more. `before` is the one that it led to.
    func take(_ number: Int?, over before: Int?) async throws(Refusal)
    /// Whether what was taken last may still be in force; false where it must be taken again.
    func isRunning() async -> Bool
    /// What the server has to say since it took the last one, for people who ask why nothing is seen.
    func words() -> [String]
}

/// Puts a configuration in force that lies in files: written aside, checked, switched to by one rename, taken by the server, and seen to be
/// served. If it is not, the one that was proved last is put back. Calls come one at a time.
struct Changeover: Sendable {
    let folder: GenerationFolder
    let sight: ServiceSight
    let server: any GenerationServer
    let logger: Logger

    /// `files` are those of a generation with a number, `services` is what must be seen. `earlier` tells the same of the configuration
    /// before, which may be needed again; it may be unknown.
    func apply(
        _ files: (Int) -> GenerationFolder.Files, _ services: [IntendedService], earlier: [IntendedService]?
    ) async throws(Refusal) {
        try folder.prepare()
        let before = folder.proved
        if let before, folder.holds(files(before), before) {
            if folder.current == before, await server.isRunning(), await sight.look(services).isEmpty { return }
            try await server.check(before, over: before)
            return try await switchTo(before, services, over: before, earlier: earlier)
        }
        let number = folder.next
        try folder.write(files(number), number)
        do throws(Refusal) { try await server.check(number, over: before) } catch {
            discard(number)
            throw error
        }
        try await switchTo(number, services, over: before, earlier: earlier)
    }

    private func switchTo(
        _ number: Int, _ services: [IntendedService], over before: Int?, earlier: [IntendedService]?
    ) async throws(Refusal) {
        var refusal: Refusal?
        do throws(Refusal) {
            try folder.point(to: number)
            try await server.take(number, over: before)
            let objections = await sight.wait(services)
            if !objections.isEmpty {
                refusal = Refusal(.wouldBreak, "The configuration was not seen to be served.", details: objections + server.words())
            } else if Task.isCancelled {
                refusal = Refusal(.unavailable, "The time was up.")
            }
        } catch {
            refusal = error
        }
        guard let refusal else {
            do throws(Refusal) { try folder.prove(number) } catch {
                logger.warning("old generations stay until the next change", metadata: ["reason": "\(error.reason)"])
            }
            return
        }
        // Goes through to its end although the caller may have been told to stop waiting.
        let left = await Task { await goBack(to: before, from: number, earlier) }.value
        throw Refusal(refusal.code, refusal.reason, details: refusal.lines + left)
    }

    /// Has the proved generation served again. What did not work, for people.
    private func goBack(to before: Int?, from number: Int, _ earlier: [IntendedService]?) async -> [String] {
        // The same once more would end the same.
        guard before != number else { return [] }
        defer { discard(number) }
        do throws(Refusal) {
            try folder.point(to: before)
            try await server.take(before, over: number)
        } catch {
            return error.lines.map { "going back: \($0)" }
        }
        return await sight.wait(earlier ?? []).map { "going back: \($0)" }
    }

    private func discard(_ number: Int) {
        do throws(Refusal) { try folder.discard(number) } catch {
            logger.warning("a refused generation stays until the next change", metadata: ["reason": "\(error.reason)"])
        }
    }
}

extension Refusal {
    /// The details, or the reason where there are none.
    var lines: [String] { details.isEmpty ? [reason] : details }
}

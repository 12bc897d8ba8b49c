import CResolv
import ClusterModel
import Glibc

/// Asks DNS servers one question after the other, on the thread that calls, until a deadline.
struct Resolving {
    private let servers: [ServerAddress]
    /// What the servers are called, for people.
    private let place: String
    let deadline: ContinuousClock.Instant

    /// Without a resolver, the system's own.
    init(resolver: NameServer?, deadline: ContinuousClock.Instant) throws(Refusal) {
        if let resolver { servers = [ServerAddress(resolver)] } else { servers = try ServerAddress.ofSystem() }
        place = resolver.map { "The resolver \($0)" } ?? "The system's resolver"
        self.deadline = deadline
    }

    /// What the first server that knows says: that a name does not exist is an answer, too.
    ///
    /// A server that fails or is silent is passed over for the next, and each is asked ``Limits/lookupAttempts`` times.
    func answer(to question: NameQuestion) throws(Refusal) -> NameAnswer {
        var problem = Problem.failure(.silence)
        for _ in 0..<Limits.lookupAttempts {
            for server in servers {
                guard deadline > .now else { break }
                do throws(ServerFailure) {
                    let answer = try self.answer(to: question, of: server)
                    if answer.outcome == .answered || answer.outcome == .noSuchName { return answer }
                    problem = .outcome(answer.outcome)
                } catch {
                    // Silence tells less than what another server said.
                    if case .failure = problem { problem = .failure(error) }
                }
            }
        }
        throw Refusal(.lookup, sentence(of: problem, question))
    }

    private func answer(to question: NameQuestion, of server: ServerAddress) throws(ServerFailure) -> NameAnswer {
        let until = min(deadline, .now + .seconds(Limits.lookupTrySeconds))
        let query = try NameQuery(question)
        let answer = try overDatagrams(query, server, until)
        guard answer.isTruncated, answer.outcome == .answered else { return answer }
        return try overStream(query, server, min(deadline, .now + .seconds(Limits.lookupTrySeconds)))
    }

    private func overDatagrams(
        _ query: NameQuery, _ server: ServerAddress, _ until: ContinuousClock.Instant
    ) throws(ServerFailure) -> NameAnswer {
        let socket = try ServerSocket.connect(to: server, by: .datagrams, until: until)
        try socket.send(query.bytes)
        while true {
            let message = try socket.receive(upTo: 65_535)
            // Somebody may be guessing at the question's number: the server's own answer may still come.
            guard query.isNumber(of: message) else { continue }
            guard let answer = query.read(message) else { throw .unreadable }
            return answer
        }
    }

    /// Over TCP each message stands behind its length (RFC 1035, section 4.2.2).
    private func overStream(
        _ query: NameQuery, _ server: ServerAddress, _ until: ContinuousClock.Instant
    ) throws(ServerFailure) -> NameAnswer {
        let socket = try ServerSocket.connect(to: server, by: .stream, until: until)
        let count = query.bytes.count
        try socket.send([UInt8(count >> 8), UInt8(count & 0xFF)] + query.bytes)
        let length = try socket.receive(exactly: 2)
        guard let answer = query.read(try socket.receive(exactly: Int(length[0]) << 8 | Int(length[1]))), !answer.isTruncated else {
            throw .unreadable
        }
        return answer
    }

    private enum Problem {
        case failure(ServerFailure)
        case outcome(NameAnswer.Outcome)
    }

    private func sentence(of problem: Problem, _ question: NameQuestion) -> String {
        let elsewhere = "Ask another one with --resolver ADDRESS."
        let name = question.name
        switch problem {
        case .failure(.silence):
            return "\(place) did not answer when asked for \(name). See whether it runs and is reached from the manager. \(elsewhere)"
        case .failure(.closed):
            return "\(place) was asked for \(name), and nothing listens there. See whether it runs, and on which port. \(elsewhere)"
        case .failure(.unreadable):
            return "\(place) was asked for \(name), and what came back is no answer that can be read. \(elsewhere)"
        case .failure(.system(let error)):
            return "\(place) could not be asked for \(name): \(unsafe String(cString: strerror(error))). \(elsewhere)"
        case .outcome(.failed):
            return
                "\(place) failed to find out about \(name) (SERVFAIL): the servers of the domain do not answer it, or DNSSEC does not verify. Check the domain's delegation. \(elsewhere)"
        case .outcome(.refused):
            return
                "\(place) refuses to answer questions about \(name) (REFUSED): it may serve its own domains or networks only. \(elsewhere)"
        case .outcome(.other(let code)):
            return "\(place) answered a question about \(name) with the error code \(code). \(elsewhere)"
        case .outcome(.answered), .outcome(.noSuchName):
            return "\(place) said nothing of \(name)."
        }
    }
}

/// A question, as the library writes it under a number that nobody can guess.
private struct NameQuery {
    let bytes: [UInt8]
    private let question: NameQuestion
    private let id: UInt16

    init(_ question: NameQuestion) throws(ServerFailure) {
        var state = unsafe muster_resolver()
        guard unsafe muster_resolver_open(&state) == 0 else { throw .system(errno) }
        defer { unsafe muster_resolver_close(&state) }
        var buffer = [UInt8](repeating: 0, count: Int(NS_PACKETSZ))
        let count = unsafe res_nmkquery(
            &state, Int32(ns_o_query.rawValue), question.name, Int32(ns_c_in.rawValue), Int32(question.kind.rawValue), nil, 0, nil, &buffer,
            Int32(buffer.count))
        guard count > 12 else { throw .system(EMSGSIZE) }
        bytes = Array(buffer.prefix(Int(count)))
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        self.question = question
    }

    /// Whether a message bears the question's number.
    func isNumber(of message: [UInt8]) -> Bool { message.prefix(2).elementsEqual(bytes.prefix(2)) }

    /// Nil for what is no answer to this question.
    func read(_ answer: [UInt8]) -> NameAnswer? { NameAnswer(answer, to: question, id: id) }
}

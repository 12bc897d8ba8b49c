/// From the answered append to the last receipt, beside the floor; and what a member costs the manager.
struct CommitMeasure {
    let options: Options
    let members: Int

    /// What one kind of commit took, round by round.
    private struct Rounds {
        var last: [Double] = []
        var half: [Double] = []
        var cpu: [Double] = []
        var update = 0
        var receipt = 0

        mutating func add(_ answer: Answer) throws {
            last.append(try answer.number("last") * 1000)
            half.append(try answer.number("half") * 1000)
            cpu.append(try answer.number("cpu") * 1000)
        }
    }

    func figures() async throws -> [Figure] {
        options.note("commits with \(members) members")
        let cluster = try await RunningCluster(options, machines: members)
        defer { cluster.end() }
        try await cluster.connect(members)
        let list = try cluster.check(members)
        var kinds: [String: Rounds] = [:]
        for kind in ["small", "large"] {
            kinds[kind] = Rounds()
            for round in 0...options.rounds {
                let answer = try cluster.manager.ask("\(kind) \(members)")
                kinds[kind]?.update = Int(try answer.number("update"))
                kinds[kind]?.receipt = Int(try answer.number("receipt"))
                if round > 0 { try kinds[kind]?.add(answer) }
                try await options.settle()
            }
        }
        try cluster.check(members)
        let memory = try cluster.manager.ask("memory").number("kib") - cluster.memoryBefore
        cluster.end()

        guard let small = kinds["small"], let large = kinds["large"] else { return [] }
        let floor = try await FloorMeasure(options: options, members: members).figures(
            small: small.update, large: large.update, receipt: small.receipt)
        let isBudgeted = members == 1000
        return [
            Figure(
                "small commit (\(small.update) bytes a member), last receipt", members: members, unit: "ms", small.last,
                floor: floor.small, budget: isBudgeted ? .ratio(1.5) : nil),
            Figure("small commit, half of the receipts", members: members, unit: "ms", small.half, floor: floor.smallHalf),
            Figure("small commit, manager's processor time", members: members, unit: "ms", small.cpu, floor: floor.smallCPU),
            Figure(
                "64 KiB commit (\(large.update) bytes a member), last receipt", members: members, unit: "ms", large.last,
                floor: floor.large, budget: isBudgeted ? .ratio(1.5) : nil),
            Figure("64 KiB commit, manager's processor time", members: members, unit: "ms", large.cpu, floor: floor.largeCPU),
            Figure(
                "manager memory per connected member", members: members, unit: "KiB", [memory / Double(members)],
                floor: [floor.memory], budget: .amount(48)),
            Figure("machine list, all machines judged", members: members, unit: "ms", [list * 1000]),
        ]
    }
}

/// The same bytes without Muster.
struct FloorMeasure {
    let options: Options
    let members: Int

    struct Result {
        var small: [Double] = []
        var smallHalf: [Double] = []
        var smallCPU: [Double] = []
        var large: [Double] = []
        var largeCPU: [Double] = []
        var memory = 0.0
    }

    func figures(small: Int, large: Int, receipt: Int) async throws -> Result {
        let name = try await options.fixture(members)
        let server = try Child("floor-server", options.scratch, name)
        let clients = try Child("floor-clients", options.scratch, name)
        defer {
            clients.kill()
            server.kill()
        }
        let before = try server.ask("memory").number("kib")
        try server.ask("expect \(members)")
        try clients.ask("start \(members) \(receipt)")
        try server.ask("synced")
        var result = Result()
        for round in 0...options.rounds {
            let pushed = try server.ask("push \(members) \(small)")
            guard round > 0 else { continue }
            result.small.append(try pushed.number("last") * 1000)
            result.smallHalf.append(try pushed.number("half") * 1000)
            result.smallCPU.append(try pushed.number("cpu") * 1000)
        }
        for round in 0...options.rounds {
            let pushed = try server.ask("push \(members) \(large)")
            guard round > 0 else { continue }
            result.large.append(try pushed.number("last") * 1000)
            result.largeCPU.append(try pushed.number("cpu") * 1000)
        }
        result.memory = (try server.ask("memory").number("kib") - before) / Double(members)
        return result
    }

    /// Milliseconds until all are connected and have said a word.
    func storms() async throws -> [Double] {
        let name = try await options.fixture(members)
        let server = try Child("floor-server", options.scratch, name)
        let clients = try Child("floor-clients", options.scratch, name)
        defer {
            clients.kill()
            server.kill()
        }
        var times: [Double] = []
        for round in 0...min(3, options.rounds) {
            try server.ask("expect \(members)")
            let start = try clients.ask("start \(members) 100").number("start")
            let end = try server.ask("synced").number("end")
            if round > 0 { times.append((end - start) * 1000) }
            try clients.ask("drop")
            try await options.settle()
        }
        return times
    }
}

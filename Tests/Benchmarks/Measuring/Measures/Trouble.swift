/// Everybody reconnects at once: until all are synced, alone and with commits going on.
struct StormMeasure {
    let options: Options
    let members: Int

    func figures() async throws -> [Figure] {
        options.note("storms of \(members) members")
        let cluster = try await RunningCluster(options, machines: members)
        defer { cluster.end() }
        try await cluster.connect(members)
        var (alone, withCommits, longest): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<min(3, options.rounds) {
            try cluster.manager.ask("expect \(members)")
            let start = try cluster.members.ask("drop").number("start")
            alone.append(try cluster.manager.ask("synced").number("end") - start)
            try await options.settle()
        }
        for _ in 0..<min(3, options.rounds) {
            try cluster.manager.ask("expect \(members)")
            let start = try cluster.members.ask("drop").number("start")
            longest.append(try cluster.manager.ask("commits 20").number("longest") * 1000)
            withCommits.append(try cluster.manager.ask("synced").number("end") - start)
            try await options.settle()
        }
        try cluster.check(members)
        let memory = try cluster.manager.ask("memory").number("kib") - cluster.memoryBefore
        cluster.end()
        let floor = try await FloorMeasure(options: options, members: members).storms()
        let isBudgeted = members == 1000
        return [
            Figure(
                "all reconnect at once, until synced", members: members, unit: "s", alone, floor: floor.map { $0 / 1000 },
                budget: isBudgeted ? .amount(2) : nil),
            Figure("the same while 20 commits go on", members: members, unit: "s", withCommits),
            Figure(
                "longest of those commits", members: members, unit: "ms", longest, budget: isBudgeted ? .amount(1000) : nil),
            Figure("manager memory per member after the storms", members: members, unit: "KiB", [memory / Double(members)]),
        ]
    }
}

/// A tenth of the members reads nothing: what that does to the others, and to the manager's memory.
struct StalledMeasure {
    let options: Options
    let members: Int

    func figures() async throws -> [Figure] {
        options.note("\(members) members, a tenth of which reads nothing")
        let reading = members - members / 10
        let cluster = try await RunningCluster(options, machines: members)
        defer { cluster.end() }
        try await cluster.connect(reading)
        let alone = try await commits(cluster, reading)
        try cluster.members.ask("stall \(reading) \(members)")
        try await options.settle()
        let memory = try cluster.manager.ask("memory").number("kib")
        let beside = try await commits(cluster, reading)
        let growth = try cluster.manager.ask("memory").number("kib") - memory
        try cluster.check(reading)
        return [
            Figure("64 KiB commit, last receipt of the nine tenths that read", members: members, unit: "ms", beside, floor: alone),
            Figure(
                "memory per stalled member gained by \(beside.count + 1) commits of 64 KiB", members: members, unit: "KiB",
                [growth / Double(members / 10)]),
        ]
    }

    private func commits(_ cluster: RunningCluster, _ reading: Int) async throws -> [Double] {
        var times: [Double] = []
        for round in 0...options.rounds {
            let answer = try cluster.manager.ask("large \(reading)")
            if round > 0 { times.append(try answer.number("last") * 1000) }
            try await options.settle()
        }
        return times
    }
}

/// The manager crashes and comes back while commits go on.
struct RestartMeasure {
    let options: Options
    let members: Int

    func figures() async throws -> [Figure] {
        options.note("restarts of a manager with \(members) members")
        var cluster = try await RunningCluster(options, machines: members)
        defer { cluster.end() }
        try await cluster.connect(members)
        var (fromCrash, fromReady, longest): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<min(3, options.rounds) {
            let (killed, ready) = try cluster.restartManager(expecting: members)
            longest.append(try cluster.manager.ask("commits 10").number("longest") * 1000)
            let end = try cluster.manager.ask("synced").number("end")
            fromCrash.append(end - killed)
            fromReady.append(end - ready)
            try await options.settle()
        }
        try cluster.check(members)
        return [
            Figure("manager crashed: until all are synced again, from the crash", members: members, unit: "s", fromCrash),
            Figure("the same from the moment that it was ready again", members: members, unit: "s", fromReady),
            Figure(
                "longest of 10 commits meanwhile", members: members, unit: "ms", longest,
                budget: members == 1000 ? .amount(1000) : nil),
        ]
    }
}

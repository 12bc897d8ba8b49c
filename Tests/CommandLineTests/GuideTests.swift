import Testing

/// The guides, run as their readers run them.
@Suite("Guides", .timeLimit(.minutes(5)))
struct GuideTests {
    @Test(arguments: ["--cluster", "--group main", "--machine mx1"])
    func `every command of the TLS guide does what the page says, at every level`(_ level: String) async throws {
        try await expectHolds("tls", level: level)
    }

    /// The life of a fleet, from two groups to a new authority.
    @Test func `every command of the guide to membership does what the page says`() async throws {
        try await expectHolds("membership", level: "")
    }

    private func expectHolds(_ name: String, level: String) async throws {
        let page = try GuidePage(name)
        #expect(page.steps.count >= 10)
        try await KeptCluster.with(machines: 3) { cluster in
            let results = try await page.run(in: cluster, level: level)
            #expect(results.count == page.steps.count)
            for (step, result) in zip(page.steps, results) {
                if let difference = GuidePage.difference(between: step, and: result) {
                    Issue.record("\(step.commands)\n  \(difference); it printed:\n\(result.output)")
                }
            }
        }
    }

    @Test func `a page that says something else than what happens is found out`() {
        let page = GuidePage(text: "```sh\ntrue\n```\n```text\nso … it\nis\n```\n\nwords\n\n```\nnot run\n```\n```sh refused\nfalse\n```\n")
        #expect(page.steps.map(\.commands) == ["true", "false"])
        let right = GuidePage.Result(output: "so be it\nand so it\nis  \n", failures: [])
        #expect(GuidePage.difference(between: page.steps[0], and: right) == nil)
        for output in ["so be it\nis not\n", "is\nso be it\n", "so be it now\nis\n", ""] {
            #expect(GuidePage.difference(between: page.steps[0], and: .init(output: output, failures: [])) != nil)
        }
        #expect(GuidePage.difference(between: page.steps[0], and: .init(output: right.output, failures: [1])) != nil)
        #expect(GuidePage.difference(between: page.steps[1], and: .init(output: "", failures: [1])) == nil)
        #expect(GuidePage.difference(between: page.steps[1], and: .init(output: "", failures: [])) != nil)
        #expect(GuidePage.difference(between: page.steps[1], and: .init(output: "", failures: [64])) != nil)
    }
}

import ArgumentParser

/// What the demo's machines can run.
enum DemoGateway: String, CaseIterable, ExpressibleByArgument {
    case embedded
    case postfix
}

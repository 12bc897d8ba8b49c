import ArgumentParser

/// How a command that talks to no manager shows its answer.
struct RenderingOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to show the answer: table, json or yaml.")
    var output = OutputFormat.table

    var renderer: Renderer { Renderer(format: output, style: .standardOutput()) }
}

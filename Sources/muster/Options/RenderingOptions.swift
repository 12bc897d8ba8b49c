import ArgumentParser

/// `--output`, which every command that shows something takes.
struct RenderingOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to show the answer.")
    var output = OutputFormat.table

    var renderer: Renderer { Renderer(format: output, style: Style.standardOutput()) }

    /// Whether people read the answer.
    var isForPeople: Bool { output == .table }
}

package import ClusterModel

/// What a machine says to those who connect. One per level.
package struct GreetingSetting: Setting {
    package var text = ""

    package init() {}

    package static let shape = Shape<GreetingSetting>(
        "What a machine says to those who connect.",
        [.required("text", \.text, .text("a line of text"), "The words.")],
        initial: GreetingSetting.init)
}

extension SectionName {
    package static let greetings = SectionName(rawValue: "greetings")
}

extension Section {
    package static let greetings = Section(.greetings, of: GreetingSetting.self, naming: .single)
}

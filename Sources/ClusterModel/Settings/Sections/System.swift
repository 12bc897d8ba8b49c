/// The machine as a whole: its host name. A network setting, so it exists at machine level only.
package struct SystemSetting: Setting {
    /// The host name the machine goes by. It plays no part in TLS verification (mission D9): interfaces do.
    package var hostname = ""

    package init() {}

    package init(hostname: String) {
        self.hostname = hostname
    }

    package static let shape = Shape<SystemSetting>(
        "The machine as a whole.",
        [.required("hostname", \.hostname, .hostName, "The machine's host name.")],
        initial: SystemSetting.init)
}

extension SectionName {
    package static let system = SectionName(rawValue: "system")
}

extension Section {
    package static let system = Section(.system, of: SystemSetting.self, naming: .single, levels: [.machine])
}

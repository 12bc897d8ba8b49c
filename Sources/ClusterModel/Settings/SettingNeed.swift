/// Something in a value that came after the first version of its section: an agent that knows no later version refuses the value.
///
/// Versions count within a section. A setting that several sections have inside theirs counts for all of them: what is added to
/// it takes a number above those of each. Numbers may be left out.
package struct SettingNeed: Hashable, Sendable {
    /// The version that has it.
    package var version: Int
    /// The field, below the entry.
    package var path: SettingPath

    package init(version: Int, path: SettingPath) {
        self.version = version
        self.path = path
    }
}

/// Where in the settings something is: `settings.cluster.listeners.public.senderGroups[0].policy`.
package struct SettingPath: Hashable, Sendable, CustomStringConvertible {
    package enum Step: Hashable, Sendable {
        case key(String)
        case index(Int)
    }

    package var steps: [Step]

    package init(_ keys: String...) {
        steps = keys.map(Step.key)
    }

    /// The last name of the path; nil where it ends with the place of an item, or is empty.
    package var name: String? {
        guard case .key(let key)? = steps.last else { return nil }
        return key
    }

    package func appending(_ key: String) -> SettingPath {
        var path = self
        path.steps.append(.key(key))
        return path
    }

    package func appending(_ index: Int) -> SettingPath {
        var path = self
        path.steps.append(.index(index))
        return path
    }

    package var description: String {
        steps.reduce(into: "") { text, step in
            switch step {
            case .key(let key):
                // The longest name is a domain's; what is longer is somebody's mistake, and need not be shown whole.
                let shown = key.utf8.count <= Limits.domainLength ? key : "\(key.prefix(64))..."
                text += text.isEmpty ? shown : ".\(shown)"
            case .index(let index): text += "[\(index)]"
            }
        }
    }
}

/// Why a value is not one that a setting takes.
package struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: SettingPath
    /// What is there.
    package var problem: String
    /// What should be there.
    package var expected: String

    package init(_ path: SettingPath, _ problem: String, expected: String) {
        self.path = path
        self.problem = problem
        self.expected = expected
    }

    package var description: String { "\(path): \(problem); expected \(expected)" }
}

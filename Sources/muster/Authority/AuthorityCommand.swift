import ArgumentParser

/// `muster authority`
struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "Say whom peers' certificates must be signed by.",
        discussion: """
            A machine trusts the authorities of its operating system and those of every list that it gets. A list is an entry like \
            others: a group may add its own beside the cluster's, take one's place under the same name, or hide one. The entry \
            "system" is the operating system's list; it is trusted where no level says otherwise.

              muster authority add partner-root partner-root.pem
              muster authority remove system --group eu
              muster commit --wait -m "Partners only"
            """,
        subcommands: [AuthorityListing.self, AuthorityShow.self, AuthorityAdd.self, AuthorityRemove.self])
}

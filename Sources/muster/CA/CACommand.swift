import ArgumentParser

/// `muster ca`
struct CACommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Look at the cluster's own CA, and replace it.",
        discussion: """
            The cluster's CA vouches for its machines and managers. It is replaced in four steps, while everything goes on; no \
            step is taken before every machine has confirmed the one before, and whoever has not is named:

              muster ca prepare     makes the next CA
              muster ca trust       machines trust both
              muster ca activate    the next CA issues
              muster ca retire      the one from before is not trusted any more

            Make a backup after each step: muster manager backup. From "trust" on, the manager's admin.profile.json and new \
            tokens trust both CAs; exchange older profiles before "activate".
            """,
        subcommands: [CAShow.self, CAPrepare.self, CATrust.self, CAActivate.self, CARetire.self, CAAbort.self])
}

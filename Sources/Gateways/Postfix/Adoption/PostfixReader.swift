package import ClusterModel
import FoundationEssentials
import NIOCore

/// Reads an existing Postfix installation, and changes nothing about it.
package struct PostfixReader: Sendable {
    private let options: PostfixOptions
    private let tools: PostfixTools
    private let systemAuthorities: @Sendable () -> String?

    package init(
        _ options: PostfixOptions, clock: any Clock<Duration> = ContinuousClock(),
        systemAuthorities: @escaping @Sendable () -> String? = GatewayConfiguration.systemAuthorities
    ) {
        self.options = options
        self.systemAuthorities = systemAuthorities
        tools = PostfixTools(commands: options.commands, clock: clock)
    }

    /// - Throws: `not-found` where there is no `main.cf`, `conflict` where Muster drives the instance already, `unreadable` for files that
    ///   Postfix itself does not read, `limit` for more services than are asked about.
    package func read() async throws(Refusal) -> PostfixInstallation {
        try check()
        let base: PostfixBase
        do throws(Refusal) { base = try PostfixStore(directory: options.configuration).base() } catch {
            throw Refusal(error.code, "\(options.configuration): \(error.reason.replacing("original/", with: "")). Mend that first.")
        }
        var installation = PostfixInstallation(
            directory: options.configuration, base: base, parameters: try await parameters(of: nil))
        let taking = PostfixInstallation.takingMail(base.processes)
        guard taking.count <= Limits.adoptedServices else {
            throw Refusal(
                .limit,
                "\(options.configuration)/master.cf has \(taking.count) services at port 25, and \(Limits.adoptedServices) are adopted. Take out what is not used."
            )
        }
        for process in taking {
            let own = process.options.isEmpty ? installation.parameters : try await parameters(of: process)
            installation.services.append(.init(process, own))
        }
        for path in installation.named { installation.files[path] = PostfixReader.content(of: path) }
        for table in installation.listed { installation.tables["\(table)"] = try await lines(of: table) }
        installation.addresses = PostfixReader.addresses()
        installation.systemAuthorities = systemAuthorities()
        return installation
    }

    /// Refuses a directory that has no Postfix, or one whose next generation would be made of something else than what lies there.
    private func check() throws(Refusal) {
        let directory = options.configuration
        for file in PostfixStore.linked {
            // What is no link is a file of somebody's.
            guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(file)")) != "current/\(file)" else {
                throw Refusal(
                    .conflict,
                    "Muster drives the Postfix of \(directory) already. What was there before is in \(directory)/original; to adopt that, stop "
                        + "the agent and put main.cf and master.cf back in the place of the links.")
            }
            guard let text = FileManager.default.contents(atPath: "\(directory)/\(file)") else {
                throw Refusal(
                    .notFound,
                    "There is no \(file) that can be read in \(directory). Name the directory of the instance (--gateway-option config-dir=DIR), or "
                        + "make a machine without one: muster agent init")
            }
            let original = FileManager.default.contents(atPath: "\(directory)/original/\(file)")
            guard !FileManager.default.fileExists(atPath: "\(directory)/original") || original == text else {
                throw Refusal(
                    .conflict,
                    "\(directory)/\(file) is not what \(directory)/original has from when Muster drove this Postfix. Put the one that counts into "
                        + "both places.")
            }
        }
    }

    /// What holds, for everything or for one process, with all that is expanded: Postfix's own word.
    private func parameters(of process: PostfixProcess?) async throws(Refusal) -> [String: String] {
        let own = (process?.options ?? []).flatMap { ["-o", "\($0.name)=\($0.value)"] }
        let answer = try await tools.ask("postconf", ["-c", options.configuration, "-x"] + own + PostfixInstallation.asked)
        guard answer.isFine else {
            throw Refusal(
                .unreadable, "Postfix cannot read \(options.configuration)/main.cf. Mend that first.", details: answer.errorLines)
        }
        let read = try PostfixParameters(parsing: answer.output)
        return Dictionary(read.names.map { ($0, read[$0] ?? "") }) { first, _ in first }
    }

    private func lines(of table: PostfixTableName) async throws(Refusal) -> PostfixInstallation.Lines {
        let answer = try await tools.ask("postmap", ["-c", options.configuration, "-s", "\(table)"])
        guard answer.isFine else {
            return .unreadable(answer.errorLines.last?.replacing("postmap: fatal: ", with: "") ?? "postmap fails")
        }
        return .lines(
            answer.output.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: "\t", maxSplits: 1)
                return parts.count == 2 ? .init(String(parts[0]), String(parts[1])) : nil
            })
    }

    private static func content(of path: String) -> PostfixInstallation.Content {
        guard path.hasPrefix("/") else { return .unreadable("it is no absolute path") }
        do {
            let file = URL(filePath: path).resolvingSymlinksInPath().path
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            let size = (attributes[.size] as? UInt64).map(Int.init(clamping:)) ?? attributes[.size] as? Int ?? 0
            // Looked at first, so that neither a device nor a film is taken into memory.
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return .unreadable("it is no file") }
            guard size <= Limits.certificateFileBytes else {
                return .unreadable("it has \(size) bytes, and at most \(Limits.certificateFileBytes) are read")
            }
            return .text(String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
        } catch {
            guard FileManager.default.fileExists(atPath: path) else { return .unreadable("there is no such file") }
            return .unreadable("it cannot be read by this user")
        }
    }

    /// The machine's addresses, in the order of its interfaces, but for those that hold on one link only.
    private static func addresses() -> [IPAddress] {
        // That they cannot be listed leaves those that somebody names.
        let devices = (try? System.enumerateDevices()) ?? []
        var found: [IPAddress] = []
        for text in devices.compactMap({ $0.address?.ipAddress }) {
            guard let address = IPAddress(text), !address.isOfOneLink, !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }
}

extension IPAddress {
    /// 169.254.0.0/16 and fe80::/10.
    fileprivate var isOfOneLink: Bool {
        isIPv6 ? bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 : bytes[0] == 169 && bytes[1] == 254
    }
}

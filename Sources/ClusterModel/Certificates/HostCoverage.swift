extension CertificateFacts {
    /// Whether the certificate speaks for a host name or an address, by its subject alternative names alone (RFC 9525).
    ///
    /// `*` stands for exactly one label, only as the whole first one and only above two more. A common name does not count: see
    /// ``coversByCommonName(_:)``.
    package func covers(_ host: String) -> Bool { names.contains { name in matches(name, host) } }

    /// Whether a certificate without any subject alternative name has the host as its common name, as clients accepted long ago.
    package func coversByCommonName(_ host: String) -> Bool { names.isEmpty && matches(commonName, host) }
}

/// Whether a name in a certificate is this host's.
private func matches(_ name: String, _ host: String) -> Bool {
    if let address = IPAddress(host) { return IPAddress(name) == address }
    guard IPAddress(name) == nil else { return false }
    let (name, host) = (labels(of: name), labels(of: host))
    guard let host, let name, name.count == host.count else { return false }
    guard name.first == "*" else { return name == host }
    return name.count > 2 && name.dropFirst() == host.dropFirst()
}

/// The labels in lower case, without the empty one behind a final dot; nil for what is no name.
private func labels(of name: String) -> [Substring]? {
    var labels = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)[...]
    if labels.last?.isEmpty == true { labels = labels.dropLast() }
    return labels.isEmpty || labels.contains(where: \.isEmpty) ? nil : Array(labels)
}

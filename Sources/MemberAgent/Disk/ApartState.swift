package import ClusterModel
package import Replication

/// The content of `apart.json`: what a member was told about staying apart from its cluster.
///
/// The edits themselves are part of the generation that has them in force, so that both are switched, and go back, in one step.
struct ApartRecord: Codable, Equatable {
    var isDisconnected = false
    /// The ids of edits of the current generation that are decided: the cluster knows of them, and they count no more.
    var settled: [String] = []
    /// The number of the newest generation of the machine's own edits that was proved. One that never was is put back if it fails.
    var proved: Int?
}

extension StateDirectory {
    static let apart = "apart.json"

    /// Whether this machine keeps apart, and its own edits that are not settled.
    package func apart() throws(Refusal) -> Apart { apart(try apartRecord(), of: try current().generation) }

    func apart(of current: Generation?) throws(Refusal) -> Apart { apart(try apartRecord(), of: current) }

    func apartRecord() throws(Refusal) -> ApartRecord { try read(StateDirectory.apart, as: ApartRecord.self) ?? ApartRecord() }

    private func apart(_ record: ApartRecord, of generation: Generation?) -> Apart {
        Apart(isDisconnected: record.isDisconnected, edits: generation?.edits.filter { !record.settled.contains($0.id) } ?? [])
    }

    /// Keeps whether this machine is to stay apart. From then on, commands may edit its settings, or may not any more.
    func stayApart(_ isDisconnected: Bool) throws(Refusal) -> Apart {
        try keep { record, _ in record.isDisconnected = isDisconnected }
    }

    /// Forgets edits that are decided. What is in force stays.
    func settle(_ edits: [String]) throws(Refusal) -> Apart {
        try keep { record, current in
            let known = Set(current?.edits.map(\.id) ?? [])
            record.settled = known.intersection(record.settled + edits).sorted()
        }
    }

    /// A generation of the machine's own edits was seen to serve what it should.
    func noteProved(_ generation: Generation) throws(Refusal) {
        _ = try keep { record, _ in record.proved = generation.number }
    }

    private func keep(_ change: (inout ApartRecord, Generation?) -> Void) throws(Refusal) -> Apart {
        try exclusively { () throws(Refusal) in
            let current = try current().generation
            let before = try apartRecord()
            var record = before
            change(&record, current)
            if record != before { try write(record, to: StateDirectory.apart) }
            return apart(record, of: current)
        }
    }
}

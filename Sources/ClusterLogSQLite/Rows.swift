import ClusterLog
import ClusterModel
import Foundation
import GRDB

/// A column that does not hold what the table says: GRDB's own subscripts would trap.
struct WrongColumn: Error {}

extension Row {
    /// A column's value, which must be of the kind asked for.
    func value<Value: DatabaseValueConvertible>(_ index: Int) throws -> Value {
        let stored: DatabaseValue = self[index]
        guard let value = Value.fromDatabaseValue(stored) else { throw WrongColumn() }
        return value
    }

    /// The bytes of a column, which must hold bytes.
    func bytes(_ index: Int) throws -> [UInt8] {
        let data: Data = try value(index)
        return [UInt8](data)
    }

    /// The bytes in column 1 of the blob or value of this name, if the digest in column 0 is theirs.
    func bytes(of kind: String, _ name: String, path: String) throws -> [UInt8] {
        let bytes = try bytes(1)
        guard try Digest(of: bytes, named: name).bytes == self.bytes(0) else {
            throw LogError.damaged(path, "the \(kind) \(name) is not as it was written")
        }
        return bytes
    }
}

extension StoredEntry {
    /// The columns `position, seal, bytes`.
    init(_ row: Row, path: String) throws {
        let position: Int = try row.value(0)
        guard let seal = Digest(bytes: try row.bytes(1)) else {
            throw LogError.damaged(path, "the seal of entry \(position) has another length")
        }
        self.init(position: position, bytes: try row.bytes(2), seal: seal)
    }
}

extension Database {
    /// The place of the newest entry, as this transaction sees it.
    func head(path: String) throws -> LogHead {
        guard let row = try row("SELECT position, seal, bytes FROM entry ORDER BY position DESC LIMIT 1") else { return .empty }
        return try StoredEntry(row, path: path).head
    }

    /// Runs a statement that answers nothing.
    func run(_ sql: String, _ arguments: any DatabaseValueConvertible...) throws {
        try cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }

    /// The first row.
    func row(_ sql: String, _ arguments: any DatabaseValueConvertible...) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }

    /// All rows, one after another.
    func rows(_ sql: String, _ arguments: any DatabaseValueConvertible...) throws -> RowCursor {
        try Row.fetchCursor(cachedStatement(sql: sql), arguments: StatementArguments(arguments))
    }
}

extension [UInt8] {
    var data: Data { Data(self) }
}

extension Digest {
    /// The digest that is kept beside a blob or value: over its name, too, so that no bytes turn up under another name.
    init(of bytes: [UInt8], named name: String) {
        var builder = DigestBuilder(tag: "muster-log-bytes-1")
        builder.add(name)
        builder.add(bytes)
        self = builder.finish()
    }

    var data: Data { Data(bytes) }
}

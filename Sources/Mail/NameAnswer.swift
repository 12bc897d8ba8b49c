import CResolv
import ClusterModel

/// A question to DNS.
struct NameQuestion: Hashable, Sendable {
    enum Kind: UInt16, Sendable {
        case address4 = 1
        case exchanger = 15
        case address6 = 28
    }

    /// In lower case, without a final dot.
    var name: String
    var kind: Kind
}

/// What a server answered to one question, as far as it is used here. Whatever it sends is hostile until it has been read.
struct NameAnswer: Hashable, Sendable {
    /// What the server says of its own answer (RFC 1035, section 4.1.1).
    enum Outcome: Hashable, Sendable {
        case answered
        /// The name does not exist.
        case noSuchName
        /// SERVFAIL: it did not find out.
        case failed
        /// REFUSED: it does not answer this asker, or not this question.
        case refused
        /// Anything else.
        case other(Int)
    }

    struct Exchanger: Hashable, Sendable {
        var preference: Int
        /// As it stands in the record; `.` for the root.
        var host: String
    }

    var outcome: Outcome
    /// Whether there is more than fits: to be asked again over TCP.
    var isTruncated = false
    /// Whether the name that was asked for is an alias of another.
    var isAlias = false
    var exchangers: [Exchanger] = []
    var addresses: [IPAddress] = []
}

extension NameAnswer {
    /// How many aliases in a row are followed; the longest in use have some five.
    private static let aliases = 8

    /// Reads an answer; nil for what is none, or is one to another question, so that who waits goes on waiting.
    ///
    /// Only records of the name that was asked for, or of the one that its aliases lead to, are taken.
    init?(_ bytes: [UInt8], to question: NameQuestion, id: UInt16) {
        let answer: NameAnswer? = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return nil }
            var message = unsafe ns_msg()
            guard unsafe ns_initparse(start, Int32(buffer.count), &message) == 0 else { return nil }
            return unsafe NameAnswer(&message, question, id)
        }
        guard let answer else { return nil }
        self = answer
    }

    private init?(_ message: inout ns_msg, _ question: NameQuestion, _ id: UInt16) {
        guard unsafe message._id == id, unsafe flag(ns_f_qr, of: message) == 1, unsafe flag(ns_f_opcode, of: message) == 0,
            unsafe message._counts.0 == 1, let asked = unsafe Record(&message, ns_s_qd, 0), asked.name == question.name,
            asked.kind == question.kind.rawValue, asked.isInternet
        else { return nil }
        outcome = unsafe Outcome(code: flag(ns_f_rcode, of: message))
        isTruncated = unsafe flag(ns_f_tc, of: message) == 1
        var records: [Record] = []
        for place in 0..<(unsafe Int32(message._counts.1)) {
            // A section that is cut off holds what was read of it; a whole one is read to its end.
            guard let record = unsafe Record(&message, ns_s_an, place) else {
                if isTruncated { break }
                return nil
            }
            if record.isInternet { records.append(record) }
        }
        take(records, question)
    }

    private mutating func take(_ records: [Record], _ question: NameQuestion) {
        var name = question.name
        for _ in 0..<NameAnswer.aliases {
            guard let alias = records.first(where: { $0.name == name }), case .alias(let target) = alias.content else { break }
            isAlias = true
            name = target
        }
        for record in records where record.name == name && record.kind == question.kind.rawValue {
            switch record.content {
            case .exchanger(let exchanger): exchangers.append(exchanger)
            case .address(let address): addresses.append(address)
            case .alias, .other: break
            }
        }
    }
}

private func flag(_ flag: __ns_flag, of message: ns_msg) -> Int {
    unsafe Int(ns_msg_getflag(message, Int32(flag.rawValue)))
}

extension NameAnswer.Outcome {
    fileprivate init(code: Int) {
        switch code {
        case 0: self = .answered
        case 2: self = .failed
        case 3: self = .noSuchName
        case 5: self = .refused
        default: self = .other(code)
        }
    }
}

/// One record, or the question, of a message.
private struct Record {
    enum Content {
        case alias(String)
        case exchanger(NameAnswer.Exchanger)
        case address(IPAddress)
        case other
    }

    var name: String
    var kind: UInt16
    var isInternet: Bool
    var content = Content.other

    /// Nil where the message is broken.
    init?(_ message: inout ns_msg, _ section: ns_sect, _ place: Int32) {
        var record = unsafe ns_rr()
        guard unsafe ns_parserr(&message, section, place, &record) == 0 else { return nil }
        name = unsafe String(cString: muster_record_name(&record)).lowercased()
        kind = unsafe record.type
        isInternet = unsafe record.rr_class == 1
        guard section != ns_s_qd, isInternet else { return }
        guard let content = unsafe Record.content(of: record, in: message) else { return nil }
        self.content = content
    }

    private static func content(of record: ns_rr, in message: ns_msg) -> Content? {
        let data = unsafe UnsafeBufferPointer(start: record.rdata, count: Int(record.rdlength))
        switch unsafe record.type {
        case 1: return unsafe data.count == 4 ? IPAddress(bytes: Array(data)).map(Content.address) : nil
        case 28: return unsafe data.count == 16 ? IPAddress(bytes: Array(data)).map(Content.address) : nil
        case 5: return unsafe name(at: 0, of: data, in: message).map(Content.alias)
        case 15:
            guard data.count > 2, let host = unsafe name(at: 2, of: data, in: message) else { return nil }
            return unsafe .exchanger(NameAnswer.Exchanger(preference: Int(data[0]) << 8 | Int(data[1]), host: host))
        default: return .other
        }
    }

    /// The name that a record's data ends with, in lower case; nil unless it fills the data.
    private static func name(at place: Int, of data: UnsafeBufferPointer<UInt8>, in message: ns_msg) -> String? {
        guard let start = data.baseAddress, place < data.count else { return nil }
        var text = [CChar](repeating: 0, count: Int(NS_MAXDNAME))
        let used = unsafe ns_name_uncompress(message._msg, message._eom, start + place, &text, text.count)
        guard used > 0, place + Int(used) == data.count else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }
}

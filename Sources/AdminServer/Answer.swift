import ClusterModel
import HTTPTypes
import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An answer in JSON, with sorted keys so that equal answers have equal bytes.
struct Answer: ResponseGenerator {
    private let value: any Encodable & Sendable
    private let status: HTTPResponse.Status

    init(_ value: any Encodable & Sendable, status: HTTPResponse.Status = .ok) {
        self.value = value
        self.status = status
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        try response()
    }

    func response() throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(value)
        return Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension Request {
    /// The body as a value. It is read strictly first: sizes, depth, keys given twice.
    func value<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        let bytes: ByteBuffer
        do {
            bytes = try await body.collect(upTo: Limits.requestBytes)
        } catch let error as NIOTooManyBytesError {
            throw error
        } catch {
            // The connection ended, by whomever: no failure of the manager, and nobody is left to hear of it.
            throw Refusal(.invalid, "The request's body did not arrive whole.")
        }
        return try JSONValue(parsing: bytes.readableBytesView).decode(type)
    }

    /// A query parameter, percent-decoded.
    func parameter(_ name: String) -> String? {
        uri.queryParameters.get(name)
    }

    /// A query parameter that is a whole number.
    func number(_ name: String) throws(Refusal) -> Int? {
        guard let text = parameter(name) else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw Refusal(.invalid, "The parameter \"\(name)\" is a whole number, not \"\(text.prefix(32))\".")
        }
        return number
    }

    /// A level as a query parameter.
    func level(_ name: String) throws(Refusal) -> Level? {
        guard let text = parameter(name) else { return nil }
        return try Level(parsing: text)
    }
}

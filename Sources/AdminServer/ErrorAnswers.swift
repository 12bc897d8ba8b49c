import AdminContract
import ClusterModel
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Turns every error into the one body that errors have.
///
/// A failure of the manager itself is logged with the request's id; of one that nobody foresaw, the client is told the id only.
struct ErrorAnswers: RouterMiddleware {
    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let refusal = ErrorAnswers.refusal(for: error, request: request, context: context)
            if Outcome.of(refusal.code).httpStatus >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["error": "\(error)", "method": "\(request.method)", "path": "\(request.uri.path)"])
            }
            var response = try Answer(ErrorBody(refusal), status: ErrorAnswers.status(of: refusal.code)).response()
            if refusal.code == .unauthenticated {
                response.headers[.wwwAuthenticate] = "Bearer"
                // What else is on its way is not read; see ``VisitHandler``.
                response.headers[.connection] = "close"
            }
            return response
        }
    }

    private static func refusal(for error: any Error, request: Request, context: AdminContext) -> Refusal {
        switch error {
        case let refusal as Refusal: return refusal
        case let error as SettingError: return Refusal(.invalid, error.description)
        case let error as DecodingError: return Refusal(.invalid, "The request does not fit: \(explanation(of: error))")
        case let error as JSONError: return Refusal(.invalid, "The request's body is not JSON: \(error)")
        case is NIOTooManyBytesError:
            return Refusal(.limit, "The request's body has more than \(Limits.requestBytes) bytes.")
        case let error as any HTTPResponseError where error.status == .notFound:
            return Refusal(.notFound, "There is no \(request.method) \(request.uri.path.prefix(200)) here.")
        case let error as any HTTPResponseError where error.status.kind == .clientError:
            return Refusal(.invalid, "The request is not understood: \(error.status.reasonPhrase).")
        default: return Refusal(.failure, "The manager failed unexpectedly. Its log says why, under the id \(context.requestID).")
        }
    }

    private static func explanation(of error: DecodingError) -> String {
        switch error {
        case .dataCorrupted(let context): "\(place(context)): \(context.debugDescription)"
        case .keyNotFound(let key, let context): "\(place(context)): \"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(place(context)): this is of another kind than expected"
        @unknown default: "it cannot be decoded"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty ? "its body" : context.codingPath.map(\.stringValue).joined(separator: ".")
    }

    private static func status(of code: Refusal.Code) -> HTTPResponse.Status {
        HTTPResponse.Status(code: Outcome.of(code).httpStatus)
    }
}

extension AdminContext {
    /// What the log calls the request. The framework's own property ends the process when the log keeps no metadata.
    fileprivate var requestID: String { logger[metadataKey: "hb.request.id"].map { "\($0)" } ?? "unknown" }
}

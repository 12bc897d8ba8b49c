import AdminContract
import ClusterModel
import Hummingbird
import NIOCore

/// What is known of a request before anybody has said who asks.
struct AdminContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Set by ``BearerTokens``.
    var caller: Caller?
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// A request whose caller is known: what every route of the API works with.
struct CallerContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let caller: Caller

    init(context: AdminContext) throws(Refusal) {
        guard let caller = context.caller else {
            throw Refusal(
                .unauthenticated,
                "Who asks is not known: the request has no valid bearer token. Tokens expire; log in again with: muster login")
        }
        self.caller = caller
        coreContext = context.coreContext
    }
}

/// Finds the caller of a request by its bearer token (RFC 6750, section 2.1).
struct BearerTokens: RouterMiddleware {
    let tokens: any TokenChecker

    func handle(
        _ request: Request, context: AdminContext, next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let parts = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        if let scheme = parts.first, scheme.lowercased() == "bearer", let token = parts.dropFirst().first {
            context.caller = await tokens.caller(bearing: String(token))
            if context.caller != nil { context.channel.pipeline.fireUserInboundEventTriggered(VisitEvent.recognized) }
        }
        return try await next(request, context)
    }
}

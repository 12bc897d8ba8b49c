import AdminContract
import ClusterModel
import Hummingbird

/// Tells the service which requests it refused, so that whoever looks after the cluster can see them.
///
/// What was asked is the method and the path: names, no values and no secrets. A question that is answered with no is none of it, unless
/// the caller may not ask it.
struct RefusedRequests: RouterMiddleware {
    let service: any AdminService

    func handle(
        _ request: Request, context: CallerContext, next: @concurrent (Request, CallerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            if request.method != .get || refusal.code == .forbidden {
                let path = request.uri.path.hasPrefix(Paths.base) ? request.uri.path.dropFirst(Paths.base.count) : request.uri.path[...]
                await service.note(refused: refusal, "\(request.method.rawValue) \(path)", of: context.caller)
            }
            throw refusal
        }
    }
}

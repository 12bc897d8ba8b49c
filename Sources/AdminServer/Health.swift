import AdminContract
import ClusterModel
import Hummingbird

/// Adds the paths for whoever watches the process; they need no token and tell nothing about the cluster.
func addHealth(to router: Router<AdminContext>, isReady: @escaping @Sendable () async -> Bool) {
    router.get(RouterPath(Paths.health)) { _, _ in Answer(["status": "alive"]) }
    router.get(RouterPath(Paths.ready)) { _, _ in
        guard await isReady() else { throw Refusal(.unavailable, "The manager is starting or stopping.") }
        return Answer(["status": "ready"])
    }
}

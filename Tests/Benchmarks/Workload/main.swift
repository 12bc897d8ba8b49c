import ClusterModel

let state = ClusterState()
print(state.revision)

/// Whole clusters as documents, for the demo and for tests; they are part of the program, so it needs no files.
package enum ClusterFixtures {
    /// The cluster document of the demo, `demo.yaml`.
    package static var demo: String { String(decoding: PackageResources.demo_yaml, as: UTF8.self) }
}

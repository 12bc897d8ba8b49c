// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in CI only, so that a newer compiler does not break somebody's build.
let strictness: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// The settings of every target that is written by hand.
let house: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .strictMemorySafety(),
    ] + strictness

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "_CryptoExtras", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioExtras: Target.Dependency = .product(name: "NIOExtras", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let swiftProtobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// A target of the house. Its row in `Docs/architecture.md` says what it may import; `TidyTests` compares the two.
func room(
    _ name: String, path: String? = nil, exclude: [String] = [], resources: [Resource] = [], _ dependencies: [Target.Dependency]
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, exclude: exclude, resources: resources, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: house)
}

let package = Package(
    name: "muster",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "muster", targets: ["muster"]),
        // Preloaded by tests that move a process's clock.
        .library(name: "ClockShift", type: .dynamic, targets: ["ClockShift"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        room("ClusterModel", [crypto]),
        room("ClusterDocuments", ["ClusterModel", yams]),
        room("ClusterLog", ["ClusterModel", crypto]),
        room("ClusterLogSQLite", ["ClusterModel", "ClusterLog", grdb]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CMemoryFile"),
        .systemLibrary(name: "CResolv"),
        room("Mail", ["ClusterModel", "CResolv"]),
        room("Certificates", ["ClusterModel", "COpenSSL", crypto, cryptoExtras, swiftASN1, x509]),
        room("Replication", ["ClusterModel"]),
        .target(
            name: "WireMessages", dependencies: [swiftProtobuf], exclude: ["wire.proto"],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        room(
            "ReplicationTransport",
            [
                "ClusterModel", "Replication", "Certificates", "WireMessages", logging, nioCore, nioPosix, nioTLS, nioSSL,
                nioExtras, swiftProtobuf,
            ]),
        room(
            "Gateways",
            [
                "ClusterModel", "Certificates", "CMemoryFile", logging, nioCore, nioPosix, nioTLS, nioSSL, nioHTTP1, nioExtras, subprocess,
                systemPackage,
            ]),
        room(
            "MemberAgent",
            ["ClusterModel", "Replication", "Certificates", "Gateways", crypto, logging, serviceLifecycle]),
        room(
            "ClusterService",
            ["AdminContract", "ClusterModel", "ClusterLog", "Replication", "Certificates", "Mail", crypto, logging, serviceLifecycle]),
        room("AdminContract", ["ClusterModel"]),
        room("AdminClient", ["ClusterModel", "AdminContract", asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL]),
        room(
            "AdminServer",
            [
                "ClusterModel", "AdminContract", hummingbird, hummingbirdCore, hummingbirdTLS, logging, nioCore, nioHTTPTypes, nioSSL,
                nioTLS, serviceLifecycle,
            ]),
        room("MailFixtures", path: "Tests/MailFixtures", ["ClusterModel", subprocess, systemPackage]),
        room(
            "SMTPFixtures", path: "Tests/SMTPFixtures",
            ["ClusterModel", "Certificates", "Gateways", nioCore, nioPosix, nioSSL, nioTLS, subprocess]),
        room(
            "PostfixFixtures", path: "Tests/PostfixFixtures",
            ["ClusterModel", "Certificates", "Gateways", "SMTPFixtures", logging, nioPosix, subprocess, systemPackage, x509]),
        room("SeededRandomness", path: "Tests/SeededRandomness", []),
        room("RandomClusters", path: "Tests/RandomClusters", ["ClusterModel", "SeededRandomness"]),
        room(
            "AdminFixtures", path: "Tests/AdminFixtures",
            [
                "ClusterModel", "AdminContract", "AdminServer", "AdminClient", "Certificates", asyncHTTPClient, logging, nioCore,
                nioHTTP1, nioSSL,
            ]),
        room(
            "ClusterFixtures", path: "ClusterFixtures", exclude: ["demo", "examples", "system-libraries", "Version1"],
            resources: [.embedInCode("demo.yaml")],
            ["ClusterModel", "ClusterDocuments"]),
        .executableTarget(
            name: "muster",
            dependencies: [
                "AdminClient", "AdminContract", "AdminServer", "Certificates", "ClusterDocuments", "ClusterFixtures",
                "ClusterLog", "ClusterLogSQLite", "ClusterModel", "ClusterService", "Gateways", "MemberAgent",
                "Replication", "ReplicationTransport", argumentParser, logging, nioCore, nioPosix, serviceLifecycle,
                subprocess, systemPackage, unixSignals,
            ],
            swiftSettings: house),

        tests("ClusterModelTests", ["ClusterModel", "RandomClusters", "SeededRandomness"]),
        tests(
            "ClusterDocumentsTests",
            ["ClusterModel", "ClusterDocuments", "ClusterFixtures", "RandomClusters", "SeededRandomness", subprocess]),
        tests("LogContractTests", ["ClusterModel", "ClusterLog", "ClusterLogSQLite", grdb]),
        tests("MailTests", ["ClusterModel", "Mail", "MailFixtures", nioCore, nioPosix]),
        tests("CertificatesTests", ["ClusterModel", "Certificates", "SeededRandomness", subprocess], exclude: ["Corpus"]),
        tests("ReplicationTests", ["ClusterModel", "ClusterLog", "Replication", "SeededRandomness"]),
        tests(
            "TransportContractTests",
            [
                "ClusterModel", "Replication", "ReplicationTransport", "Certificates", "WireMessages", logging, nioCore, nioEmbedded,
                nioPosix, nioSSL, nioTLS, subprocess, swiftProtobuf,
            ]),
        tests(
            "GatewaysTests",
            [
                "ClusterModel", "Certificates", "Gateways", "PostfixFixtures", "SMTPFixtures", "SeededRandomness", nioCore, nioPosix,
                nioSSL, nioEmbedded, subprocess,
            ]),
        tests(
            "PostfixTests",
            [
                "muster", "ClusterModel", "Certificates", "Gateways", "MailFixtures", "PostfixFixtures", "SMTPFixtures", logging, nioCore,
                nioPosix, nioSSL, subprocess, systemPackage,
            ],
            exclude: ["Golden"]),
        tests(
            "MemberAgentTests",
            ["ClusterModel", "Replication", "Certificates", "Gateways", "MemberAgent", nioPosix, logging, serviceLifecycle]),
        tests(
            "ClusterServiceTests",
            [
                "AdminContract", "Certificates", "ClusterDocuments", "ClusterLog", "ClusterLogSQLite", "ClusterModel", "ClusterService",
                "MailFixtures", "Replication", "SeededRandomness", logging,
            ]),
        tests(
            "AdminTests",
            [
                "ClusterModel", "AdminContract", "AdminServer", "AdminClient", "AdminFixtures", "Certificates", logging, nioCore,
                nioPosix, nioSSL,
            ]),
        tests(
            "CommandLineTests",
            [
                "muster", "AdminClient", "AdminContract", "AdminFixtures", "Certificates", "ClusterFixtures", "ClusterModel",
                "MailFixtures",
                "Replication", "ReplicationTransport", logging, nioCore, nioPosix, subprocess, systemPackage,
            ],
            exclude: ["Golden"]),
        tests(
            "CrashTests",
            [
                "muster", "AdminClient", "AdminContract", "Certificates", "ClusterLog", "ClusterLogSQLite", "ClusterModel",
                "ClusterService", "MemberAgent", "Replication", "SeededRandomness", grdb, subprocess, systemPackage,
            ]),
        tests(
            "UpgradeTests",
            [
                "muster", "Certificates", "ClusterDocuments", "ClusterLog", "ClusterLogSQLite", "ClusterModel", "ClusterService",
                "Gateways",
                "MemberAgent", "Replication", "ReplicationTransport", grdb, subprocess, systemPackage,
            ]),
        .target(name: "ClockShift", path: "Tests/ClockShift"),
        tests(
            "HostileNetworkTests",
            [
                "muster", "AdminClient", "AdminContract", "ClusterModel", "SeededRandomness", nioCore, nioPosix, nioSSL, subprocess,
                systemPackage,
            ]),
        tests("TidyTests", []),
    ]
)

// Set by Tests/Benchmarks/run and Tests/Benchmarks/guard, which build for release in a folder of their own. It is a target of this
// package because what it measures is `package`, which a package of its own would not see.
if Context.environment["MUSTER_BENCHMARKS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "AdminContract", "Certificates", "ClusterLog", "ClusterLogSQLite", "ClusterModel", "ClusterService", "Gateways",
                "PostfixFixtures", "Replication", "ReplicationTransport", "SMTPFixtures", grdb, logging, nioCore, nioPosix, nioSSL, nioTLS,
            ],
            path: "Tests/Benchmarks/Measuring", swiftSettings: house))
}

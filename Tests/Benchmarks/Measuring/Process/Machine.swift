import CoreFoundation
import Foundation
import Glibc

/// What this process knows of the machine and of itself.
enum Machine {
    /// Seconds of a clock that all processes share.
    static func seconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Seconds of processor time that this process used.
    static func cpu() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// KiB of memory that this process holds.
    static func resident() throws -> Double {
        let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kib = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { throw BenchmarkError("/proc/self/status does not say how much memory there is") }
        return kib
    }

    /// As many open files as the system allows: one for each member.
    static func raiseFileLimit() {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        unsafe getrlimit(files, &limit)
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(files, &limit)
    }

    /// Processor and kernel, for the report.
    static func description() -> String {
        // Where there is no such file, the report says less.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? ""
        return "\(ProcessInfo.processInfo.activeProcessorCount) x\(model)"
    }
}

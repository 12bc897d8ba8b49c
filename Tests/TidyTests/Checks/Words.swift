/// A word that code does not contain, and what to write instead.
struct BannedWord {
    var word: String
    var instead: String
    /// Whether tests may contain it.
    var isFreeInTests = false

    static let all: [BannedWord] = [
        BannedWord(word: "Date()", instead: "take the time: `now: WallClock` or a Timestamp", isFreeInTests: true),
        BannedWord(word: "Date.now", instead: "take the time: `now: WallClock` or a Timestamp"),
        BannedWord(word: "Task.sleep", instead: "take a clock, and wait for an event in a test"),
        BannedWord(word: "print(", instead: "write to the command's output or to the log"),
        BannedWord(word: "debugPrint(", instead: "write to the log"),
        BannedWord(word: "try!", instead: "throw, or handle the error"),
        BannedWord(word: "as!", instead: "use `as?` and say what follows when it fails"),
        BannedWord(word: "fatalError(", instead: "throw a Refusal: no input may end the process"),
        BannedWord(word: "preconditionFailure(", instead: "throw a Refusal: no input may end the process", isFreeInTests: true),
        BannedWord(word: "public", instead: "use `package`: everything lives in one package"),
        BannedWord(word: "open class", instead: "use `package`: everything lives in one package"),
        BannedWord(word: "@_exported", instead: "import the module where it is used"),
        BannedWord(word: "nonisolated(unsafe)", instead: "use a Mutex or an actor"),
        BannedWord(word: "@testable", instead: "use `package`, which tests see"),
        BannedWord(word: "try?", instead: "handle the error, or say in a comment beside it why it is no matter", isFreeInTests: true),
        BannedWord(word: "@unchecked", instead: "add a comment with the proof above it"),
    ]

    /// Words that are taken when a comment on their line or close above gives the reason.
    static let needReason: Set<String> = ["try?", "@unchecked"]
}

/// A place where a banned word is right, and why.
struct Exception {
    var path: String
    var word: String
    var reason: String
}

/// Finds banned words in code. Exceptions need a reason, and each must be needed.
func bannedWords(in files: [SourceText], exceptions: [Exception]) -> [Finding] {
    var findings: [Finding] = []
    var used: Set<Int> = []
    for file in files {
        let words = BannedWord.all.filter { !($0.isFreeInTests && file.path.hasPrefix("Tests/")) }
        for (index, line) in file.code.enumerated() {
            for banned in words where occurs(banned.word, in: line) {
                if let exception = exceptions.firstIndex(where: { $0.path == file.path && $0.word == banned.word }) {
                    used.insert(exception)
                } else if !(BannedWord.needReason.contains(banned.word) && hasReason(file, index)) {
                    findings.append(Finding(file.path, index + 1, "\(banned.word): \(banned.instead)"))
                }
            }
        }
    }
    for (index, exception) in exceptions.enumerated() {
        if exception.reason.isEmpty { findings.append(Finding(exception.path, nil, "the exception for \(exception.word) gives no reason")) }
        if !used.contains(index) { findings.append(Finding(exception.path, nil, "the exception for \(exception.word) is not needed")) }
    }
    return findings
}

/// A comment on the line itself, in the two lines above, or in the three below, where a guard's `else` is; what
/// documents a declaration is none.
private func hasReason(_ file: SourceText, _ index: Int) -> Bool {
    (max(0, index - 2)...min(index + 3, file.comments.count - 1)).contains {
        let comment = file.comments[$0]
        return !comment.hasPrefix("/") && comment.contains { $0.isLetter }
    }
}

/// Whether a word stands in a line by itself: not as part of a longer name, not as a member, not in backticks.
func occurs(_ word: String, in line: String) -> Bool {
    var rest = line[...]
    while let found = rest.range(of: word) {
        let before = line[..<found.lowerBound].last
        let after = line[found.upperBound...].first
        let beginsName = word.first.map(isPartOfName) ?? false
        let endsName = word.last.map(isPartOfName) ?? false
        let isFreeBefore = !beginsName || !(before.map { isPartOfName($0) || $0 == "." || $0 == "`" } ?? false)
        let isFreeAfter = !endsName || !(after.map { isPartOfName($0) || $0 == "(" || $0 == ":" } ?? false)
        if isFreeBefore && isFreeAfter { return true }
        rest = line[found.upperBound...]
    }
    return false
}

private func isPartOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
}

extension Substring {
    /// The first place of some text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while let candidate = utf8[start...].firstIndex(where: { $0 == text.utf8.first }) {
            if utf8[candidate...].starts(with: text.utf8) {
                return candidate..<utf8.index(candidate, offsetBy: text.utf8.count)
            }
            start = utf8.index(after: candidate)
        }
        return nil
    }
}

/// Finds notes of work to be done that name no issue: `TODO(#12)` is taken.
func openNotes(in files: [SourceText]) -> [Finding] {
    files.flatMap { file in
        file.comments.enumerated().compactMap { index, comment in
            let words = comment.split { !isPartOfName($0) }
            guard let note = words.first(where: { ["TODO", "FIXME", "XXX", "HACK"].contains($0) }) else { return nil }
            let namesIssue = zip(comment, comment.dropFirst()).contains { $0 == "#" && $1.isNumber }
            return namesIssue ? nil : Finding(file.path, index + 1, "\(note): name the issue as \(note)(#12), or do it")
        }
    }
}

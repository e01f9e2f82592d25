#pragma once

#include <cstdint>

namespace streetlog::test {

/// The machine's file system with one operation that fails: every connection opened while this
/// lives goes through it. Counted are writes, truncations and flushes of databases and their logs.
/// One at a time in a process; connections must be closed before it goes.
class FailingVfs {
  public:
    enum class Fault : std::uint8_t { kIoError, kFull, kShortWrite, kFlushFails };

    FailingVfs();
    FailingVfs(const FailingVfs&) = delete;
    FailingVfs& operator=(const FailingVfs&) = delete;
    ~FailingVfs();

    /// The `nth` operation from now on, from 1, and all after it until `forgive` if `forever`.
    static void fail(std::uint64_t nth, Fault fault, bool forever = false);
    /// As `fail` for ever, and from then on nothing can be read either.
    static void die(std::uint64_t nth);
    static void forgive();
    /// Whether it came to that.
    [[nodiscard]] static bool failed();
};

}  // namespace streetlog::test

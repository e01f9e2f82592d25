#include "sync/net/system_clock.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <string>

#include <sys/random.h>

#include "schema/error.hpp"

namespace streetlog::net {
namespace {

std::int64_t nanoseconds(clockid_t clock) {
    timespec t{};
    STREETLOG_ASSERT(clock_gettime(clock, &t) == 0);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Low half of the kernel's boot id. Without /proc every start of the program counts as a boot of
/// its own: that costs clock evidence, while a constant would let readings of different boots be
/// compared.
std::uint64_t read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::array<Byte, 16> uuid{};
    if (file >> text) std::erase(text, '-');
    if (!from_hex(text, uuid)) SystemRandom{}.fill(uuid);
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < uuid.size(); ++i) low = low << 8 | uuid[i];
    return low;
}

}  // namespace

SystemClock::SystemClock() : boot_id_(read_boot_id()) {}

ClockReading SystemClock::read() {
    constexpr std::int64_t kNanosPerMilli = 1'000'000;
    const std::int64_t wall = nanoseconds(CLOCK_REALTIME);
    const std::int64_t monotonic =
        nanoseconds(CLOCK_MONOTONIC);  // before boottime, so that the difference is never negative
    const std::int64_t boottime = nanoseconds(CLOCK_BOOTTIME);
    return {
        .wall = Instant{wall / kNanosPerMilli},
        .boot_id = boot_id_,
        .boottime_ms = static_cast<std::uint64_t>(boottime / kNanosPerMilli),
        .suspended_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, boottime - monotonic) /
                                                   kNanosPerMilli),
    };
}

void SystemRandom::fill(std::span<Byte> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        STREETLOG_ASSERT(got > 0);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace streetlog::net

#pragma once

#include <cstdint>
#include <optional>

#include "sync/change/record.hpp"

namespace streetlog::sync {

/// What one boot's unsettable clock said at one moment.
struct BootMoment {
    std::uint64_t boot_ms = 0;                  // CLOCK_BOOTTIME
    std::optional<std::uint64_t> suspended_ms;  // how much of it was sleep; none: not told
    std::uint32_t suspends = ClockEvidence::kUnknownSuspends;
};

/// How far CLOCK_BOOTTIME can be from true time between two moments of one boot, either way, in
/// milliseconds: 100 ppm of the waking span (a quartz at its worst temperature), 0.1 % of the
/// suspended span and 2 s a suspend (across a suspend the kernel reads the real-time clock chip,
/// which counts whole seconds), and 2 ms because every reading is cut to milliseconds.
///
/// Where the device does not know, the larger answer is taken: without a suspended time, or with
/// one that cannot be, the whole span counts as suspended; without a count of suspends, one is
/// assumed and one more for each started minute of sleep; and a sleep of a second or more is at
/// least one suspend whatever the count says. Order of the arguments does not matter.
[[nodiscard]] std::int64_t elapsed_error_ms(const BootMoment& a, const BootMoment& b);

}  // namespace streetlog::sync

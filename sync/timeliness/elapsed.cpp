#include "sync/timeliness/elapsed.hpp"

#include <algorithm>

#include "schema/planted.hpp"
#include "sync/timeliness/saturate.hpp"

namespace streetlog::sync {
namespace {

constexpr std::uint64_t kWakingDivisor = 10'000;   // 100 ppm
constexpr std::uint64_t kSuspendedDivisor = 1000;  // 0.1 %
constexpr std::uint64_t kSuspendErrorMs = 2000;
constexpr std::uint64_t kAssumedSuspendMs = 60'000;
constexpr std::uint64_t kCertainSuspendMs = 1000;
constexpr std::int64_t kRoundingMs = 2;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by != 0 ? 1 : 0);
}

std::uint64_t suspended_between(const BootMoment& earlier,
                                const BootMoment& later,
                                std::uint64_t span) {
    if (!earlier.suspended_ms || !later.suspended_ms) return span;
    if (*later.suspended_ms < *earlier.suspended_ms) return span;
    return std::min(*later.suspended_ms - *earlier.suspended_ms, span);
}

std::uint64_t suspends_between(const BootMoment& earlier,
                               const BootMoment& later,
                               std::uint64_t suspended) {
    const bool known = earlier.suspends != ClockEvidence::kUnknownSuspends &&
                       later.suspends != ClockEvidence::kUnknownSuspends &&
                       earlier.suspends <= later.suspends;
    if (!known) return suspended == 0 ? 0 : 1 + divide_up(suspended, kAssumedSuspendMs);
    const std::uint64_t counted = later.suspends - earlier.suspends;
    return suspended >= kCertainSuspendMs ? std::max<std::uint64_t>(counted, 1) : counted;
}

}  // namespace

std::int64_t elapsed_error_ms(const BootMoment& a, const BootMoment& b) {
    const BootMoment& earlier = a.boot_ms <= b.boot_ms ? a : b;
    const BootMoment& later = a.boot_ms <= b.boot_ms ? b : a;
    const std::uint64_t span = later.boot_ms - earlier.boot_ms;
    const std::uint64_t suspended = suspended_between(earlier, later, span);
    const std::uint64_t suspends = suspends_between(earlier, later, suspended);
    std::int64_t error = kRoundingMs;
    if (planted(Bug::kForgottenSleep))
        return add_saturated(error, to_signed(divide_up(span, kWakingDivisor)));
    error = add_saturated(error, to_signed(divide_up(span - suspended, kWakingDivisor)));
    error = add_saturated(error, to_signed(divide_up(suspended, kSuspendedDivisor)));
    std::uint64_t jitter = 0;
    if (__builtin_mul_overflow(suspends, kSuspendErrorMs, &jitter)) jitter = UINT64_MAX;
    return add_saturated(error, to_signed(jitter));
}

}  // namespace streetlog::sync

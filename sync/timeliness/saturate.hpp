#pragma once

#include <cstdint>
#include <limits>

namespace streetlog::sync {

/// Arithmetic on numbers a device sent: it stops at the ends of the range instead of overflowing,
/// so a hostile extreme yields an absurd but ordered time.
[[nodiscard]] constexpr std::int64_t add_saturated(std::int64_t a, std::int64_t b) {
    using Limits = std::numeric_limits<std::int64_t>;
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a < 0 ? Limits::min() : Limits::max();
}

[[nodiscard]] constexpr std::int64_t subtract_saturated(std::int64_t a, std::int64_t b) {
    using Limits = std::numeric_limits<std::int64_t>;
    std::int64_t difference = 0;
    if (!__builtin_sub_overflow(a, b, &difference)) return difference;
    return a < b ? Limits::min() : Limits::max();
}

/// `value`, or the largest signed number where that is smaller.
[[nodiscard]] constexpr std::int64_t to_signed(std::uint64_t value) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(value < kMax ? value : kMax);
}

}  // namespace streetlog::sync

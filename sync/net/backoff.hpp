#pragma once

#include <algorithm>
#include <array>

#include "schema/ports.hpp"

namespace streetlog::net {

struct BackoffLimits {
    Millis first{1'000};         // the longest first wait; 1 ms or more
    Millis longest{5 * 60'000};  // no wait is longer
};

/// How long to wait before the next attempt: exponential with full jitter, that is anywhere in [0,
/// ceiling], where the ceiling doubles from `first` to `longest`. Full jitter spreads devices that
/// lost the hub at the same moment. Source: M. Brooker, "Exponential Backoff and Jitter", AWS
/// Architecture Blog, 2015. Not thread-safe.
class Backoff {
  public:
    explicit Backoff(Random& random, BackoffLimits limits = {})
        : random_(random), limits_(limits), ceiling_(limits.first) {}

    [[nodiscard]] Millis next() {
        std::array<Byte, 8> bytes{};
        random_.fill(bytes);
        std::uint64_t draw = 0;
        for (Byte b : bytes) draw = draw << 8 | b;
        const Millis wait{
            static_cast<std::int64_t>(draw % (static_cast<std::uint64_t>(ceiling_.count()) + 1))};
        ceiling_ = ceiling_ > limits_.longest / 2 ? limits_.longest : ceiling_ * 2;
        return wait;
    }

    /// After a success, or when the network came up.
    void reset() { ceiling_ = std::min(limits_.first, limits_.longest); }

  private:
    Random& random_;
    BackoffLimits limits_;
    Millis ceiling_;
};

}  // namespace streetlog::net

#pragma once

#include <algorithm>

#include "schema/time.hpp"

namespace streetlog::sync {

/// The hybrid logical clock of one author. Local saves tick it; it absorbs only values the hub
/// issued, so that one bad clock can never carry the others along (sync-core §5).
class Hlc {
  public:
    explicit Hlc(HlcStamp last = {}) : last_(last) {}

    /// The stamp of a Save at wall time `now`: above every stamp given or absorbed before.
    HlcStamp tick(Instant now) {
        const std::uint64_t wall = static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms, 0))
                                   << 16;
        last_.value = std::max(last_.value + 1, wall);
        return last_;
    }

    /// Takes over a stamp the hub issued.
    void absorb(HlcStamp from_hub) { last_ = std::max(last_, from_hub); }

    [[nodiscard]] HlcStamp last() const { return last_; }

  private:
    HlcStamp last_;
};

/// What the hub makes of a record's stamp: cut to the bracket of its Save. Monotone in both ends,
/// so a record certainly saved before another never gets the later stamp.
[[nodiscard]] inline HlcStamp clamp_hlc(HlcStamp stamp, const Interval& saved) {
    const auto at = [](Instant t) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(t.ms, 0)) << 16;
    };
    return {std::min(std::max(stamp.value, at(saved.lo)), at(saved.hi) | 0xffff)};
}

}  // namespace streetlog::sync

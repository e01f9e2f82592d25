#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "schema/ports.hpp"
#include "sync/change/record.hpp"
#include "sync/timeliness/probes.hpp"

namespace streetlog::sync {

enum class ClockKind : std::uint8_t { kReal, kSimulated };

/// The device's side: watches its clocks and says at a Save what is known about the time.
///
/// Show it a reading at least every thirty seconds of waking time: that is how it counts suspends
/// and sees the wall clock being set. Where it could have missed a suspend (the process was not
/// running, or readings lay further apart) the count is unknown for the rest of the boot, and the
/// hub widens the bracket. One thread.
class ClockWitness {
  public:
    /// `last` is the stored anchor, if any, of this boot or an earlier one.
    explicit ClockWitness(std::optional<Anchor> last, ClockKind kind = ClockKind::kReal);

    /// Takes note of a reading. Readings of one boot are shown in order.
    void observe(const ClockReading& now);

    /// The evidence of a Save or of a pressed "Now" at the moment of `now`; observes it as well.
    [[nodiscard]] ClockEvidence witness(const ClockReading& now);

    /// Takes the best of a session's probes as the new anchor; `now` is a reading taken when the
    /// last answer came. False, and the old anchor stays, when none can be used. After true the
    /// caller stores anchor().
    [[nodiscard]] bool learn(std::span<const TimeProbe> probes, const ClockReading& now);

    [[nodiscard]] const std::optional<Anchor>& anchor() const { return anchor_; }

    /// The wall clock was seen being set, and the stored anchor does not say so yet: store anchor()
    /// and say anchor_stored(), before anything is recorded that leans on it. After a reboot nobody
    /// else remembers.
    [[nodiscard]] bool anchor_is_news() const { return anchor_is_news_; }

    void anchor_stored() { anchor_is_news_ = false; }

  private:
    struct WallMark {
        Instant wall;
        std::uint64_t boot_ms = 0;
    };

    void start_boot(const ClockReading& now);

    std::optional<Anchor> anchor_;
    ClockKind kind_;
    std::optional<ClockReading> last_;
    WallMark mark_;  // the anchor, or the first reading of a boot without one
    bool wall_jumped_ = false;
    bool anchor_is_news_ = false;
    std::uint32_t suspends_ = ClockEvidence::kUnknownSuspends;
};

enum class Trust : std::uint8_t { kVerified, kNotVerified };

struct HubTime {
    Instant at;
    Trust trust = Trust::kNotVerified;
};

/// The device's best idea of hub time, for showing the hours left to a deadline and nothing else:
/// anchor and boot clock when the anchor is of this boot, else the wall clock, marked.
[[nodiscard]] HubTime estimate_hub_time(const ClockReading& now,
                                        const std::optional<Anchor>& anchor);

}  // namespace streetlog::sync

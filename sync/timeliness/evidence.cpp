#include "sync/timeliness/evidence.hpp"

#include <algorithm>

#include "sync/timeliness/saturate.hpp"

namespace streetlog::sync {
namespace {

constexpr std::int64_t kWallJumpMs = 2000;     // slewing moves both clocks, so only steps show
constexpr std::uint64_t kSuspendMs = 1000;     // less is the jitter of reading two clocks
constexpr std::uint64_t kWatchGapMs = 30'000;  // awake longer than this, a suspend may be missed

std::int64_t signed_difference(std::uint64_t later, std::uint64_t earlier) {
    return later >= earlier ? to_signed(later - earlier) : -to_signed(earlier - later);
}

std::uint64_t grown(std::uint64_t later, std::uint64_t earlier) {
    return later > earlier ? later - earlier : 0;
}

bool is_of_boot(const std::optional<Anchor>& anchor, const ClockReading& now) {
    return anchor && now.boot_id != 0 && anchor->boot_id == now.boot_id &&
           anchor->boot_ms <= now.boottime_ms;
}

}  // namespace

ClockWitness::ClockWitness(std::optional<Anchor> last, ClockKind kind)
    : anchor_(last), kind_(kind) {}

void ClockWitness::start_boot(const ClockReading& now) {
    wall_jumped_ = anchor_ && anchor_->wall_set;
    mark_ = {now.wall, now.boottime_ms};
    suspends_ = now.suspended_ms < kSuspendMs ? 0 : ClockEvidence::kUnknownSuspends;
    if (!is_of_boot(anchor_, now)) return;
    mark_ = {anchor_->wall, anchor_->boot_ms};
    if (grown(now.suspended_ms, anchor_->suspended_ms) < kSuspendMs) suspends_ = anchor_->suspends;
}

void ClockWitness::observe(const ClockReading& now) {
    const bool same_boot = last_ && last_->boot_id == now.boot_id;
    if (!same_boot) {
        start_boot(now);
    } else {
        const std::uint64_t slept = grown(now.suspended_ms, last_->suspended_ms);
        const std::uint64_t awake = grown(grown(now.boottime_ms, last_->boottime_ms), slept);
        if (slept >= kSuspendMs && suspends_ != ClockEvidence::kUnknownSuspends)
            suspends_ = awake <= kWatchGapMs ? suspends_ + 1 : ClockEvidence::kUnknownSuspends;
    }
    const std::int64_t wall_passed = subtract_saturated(now.wall.ms, mark_.wall.ms);
    const std::int64_t apart =
        subtract_saturated(wall_passed, signed_difference(now.boottime_ms, mark_.boot_ms));
    if (apart > kWallJumpMs || apart < -kWallJumpMs) wall_jumped_ = true;
    if (wall_jumped_ && anchor_ && !anchor_->wall_set) anchor_is_news_ = anchor_->wall_set = true;
    last_ = now;
}

ClockEvidence ClockWitness::witness(const ClockReading& now) {
    observe(now);
    ClockEvidence out;
    out.boot_id = now.boot_id;
    out.boot_ms = now.boottime_ms;
    out.suspended_ms = now.suspended_ms;
    out.suspends = suspends_;
    if (wall_jumped_) out.flags |= ClockEvidence::kFlagWallJumped;
    if (kind_ == ClockKind::kSimulated) out.flags |= ClockEvidence::kFlagSimulated;
    if (!anchor_) return out;
    out.anchor_hub_ms = anchor_->hub.ms;
    out.anchor_boot_id = anchor_->boot_id;
    out.anchor_boot_ms = anchor_->boot_ms;
    out.anchor_wall_ms = anchor_->wall.ms;
    out.anchor_err_ms = anchor_->err_ms;
    out.anchor_suspends = anchor_->suspends;
    out.anchor_suspended_ms = anchor_->suspended_ms;
    return out;
}

bool ClockWitness::learn(std::span<const TimeProbe> probes, const ClockReading& now) {
    observe(now);
    const std::optional<Anchor> found = anchor_from_probes(probes, now, suspends_);
    if (!found) return false;
    anchor_ = found;
    mark_ = {found->wall, found->boot_ms};
    wall_jumped_ = anchor_is_news_ = false;
    return true;
}

HubTime estimate_hub_time(const ClockReading& now, const std::optional<Anchor>& anchor) {
    if (!is_of_boot(anchor, now)) return {now.wall, Trust::kNotVerified};
    const std::int64_t passed = to_signed(now.boottime_ms - anchor->boot_ms);
    return {Instant{add_saturated(anchor->hub.ms, passed)}, Trust::kVerified};
}

}  // namespace streetlog::sync

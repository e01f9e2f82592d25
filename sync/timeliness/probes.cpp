#include "sync/timeliness/probes.hpp"

#include <algorithm>
#include <limits>

#include "sync/timeliness/saturate.hpp"

namespace streetlog::sync {
namespace {

std::uint32_t half_rounded_up(std::uint64_t width) {
    const std::uint64_t half = width / 2 + width % 2;
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(half, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

std::optional<Anchor> anchor_from_probes(std::span<const TimeProbe> probes,
                                         const ClockReading& after,
                                         std::uint32_t suspends) {
    const TimeProbe* best = nullptr;
    const auto round_trip = [](const TimeProbe& p) { return p.received_boot_ms - p.sent_boot_ms; };
    for (const TimeProbe& probe : probes) {
        const bool usable = probe.hub_ms > 0 && probe.sent_boot_ms <= probe.received_boot_ms &&
                            probe.received_boot_ms <= after.boottime_ms;
        if (usable && (best == nullptr || round_trip(probe) <= round_trip(*best))) best = &probe;
    }
    if (best == nullptr || after.boot_id == 0) return std::nullopt;
    const std::uint64_t middle = best->sent_boot_ms + round_trip(*best) / 2;
    return Anchor{
        .hub = Instant{best->hub_ms},
        .boot_id = after.boot_id,
        .boot_ms = middle,
        .wall = Instant{subtract_saturated(after.wall.ms, to_signed(after.boottime_ms - middle))},
        .err_ms = half_rounded_up(round_trip(*best)),
        .suspended_ms = after.suspended_ms,
        .suspends = suspends,
    };
}

std::optional<SessionClock> session_clock_from_probes(std::span<const HubProbe> probes,
                                                      std::uint64_t boot_id,
                                                      std::optional<std::uint64_t> suspended_ms,
                                                      std::uint32_t suspends) {
    const HubProbe* best = nullptr;
    const auto width = [](const HubProbe& p) {
        return subtract_saturated(p.arrived.ms, p.answered.ms);
    };
    for (const HubProbe& probe : probes)
        if (width(probe) >= 0 && (best == nullptr || width(probe) <= width(*best))) best = &probe;
    if (best == nullptr || boot_id == 0) return std::nullopt;
    return SessionClock{
        .hub = Instant{add_saturated(best->answered.ms, width(*best) / 2)},
        .boot_id = boot_id,
        .moment = {best->boot_ms, suspended_ms, suspends},
        .error_ms = half_rounded_up(static_cast<std::uint64_t>(width(*best))),
    };
}

}  // namespace streetlog::sync

#pragma once

#include <cstdint>

#include "sync/timeliness/interval.hpp"

namespace streetlog::sync::timeliness_test {

inline constexpr std::int64_t kSecond = 1000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;

/// 2026-11-23T08:00:00Z, when the device of these tests last met the hub.
inline constexpr std::int64_t kMet = 1'795'420'800'000;
inline constexpr std::uint64_t kBoot = 0xb007;
inline constexpr std::uint64_t kBootAtMet = 5'000'000;

inline Instant at(std::int64_t after_met_ms) { return Instant{kMet + after_met_ms}; }

/// Evidence taken `after_met_ms` after the anchor in the anchor's boot; never asleep.
inline ClockEvidence same_boot(std::int64_t after_met_ms) {
    ClockEvidence clock;
    clock.boot_id = kBoot;
    clock.boot_ms = kBootAtMet + static_cast<std::uint64_t>(after_met_ms);
    clock.suspends = 0;
    clock.anchor_hub_ms = kMet;
    clock.anchor_boot_id = kBoot;
    clock.anchor_boot_ms = kBootAtMet;
    clock.anchor_wall_ms = kMet;
    clock.anchor_err_ms = 50;
    clock.anchor_suspends = 0;
    return clock;
}

/// The same anchor, but the device has been started again since, a minute ago.
inline ClockEvidence other_boot() {
    ClockEvidence clock = same_boot(0);
    clock.boot_id = kBoot + 1;
    clock.boot_ms = static_cast<std::uint64_t>(kMinute);
    return clock;
}

/// A Save of a contact at wall time `recorded`.
inline Header contact(const ClockEvidence& clock, Instant recorded) {
    Header header;
    header.seq = 1;
    header.kind = EventKind::kContact;
    header.clock = clock;
    header.recorded = recorded;
    return header;
}

inline Header live(Header header, const ClockEvidence& clock, Instant occurred) {
    header.source = TimeSource::kLive;
    header.occurred_clock = clock;
    header.occurred = occurred;
    return header;
}

inline Header typed(Header header, Instant occurred) {
    header.source = TimeSource::kTyped;
    header.occurred = occurred;
    return header;
}

}  // namespace streetlog::sync::timeliness_test

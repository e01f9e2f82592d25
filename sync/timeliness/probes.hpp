#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "schema/ports.hpp"
#include "schema/time.hpp"
#include "sync/change/record.hpp"
#include "sync/timeliness/interval.hpp"

namespace streetlog::sync {

/// One exchange as the device sees it: it asked, the hub said its time, the answer came.
struct TimeProbe {
    std::uint64_t sent_boot_ms = 0;
    std::uint64_t received_boot_ms = 0;
    std::int64_t hub_ms = 0;
};

/// The last moment at which the device knew hub time. A device stores the newest one and puts it
/// into the evidence of every Save.
struct Anchor {
    Instant hub;
    std::uint64_t boot_id = 0;
    std::uint64_t boot_ms = 0;
    Instant wall;
    std::uint32_t err_ms = 0;  // half the round trip, rounded up
    std::uint64_t suspended_ms = 0;
    std::uint32_t suspends = ClockEvidence::kUnknownSuspends;
    bool wall_set = false;  // the wall clock was seen being set since, whatever boot that was in

    friend bool operator==(const Anchor&, const Anchor&) = default;
};

/// The probe with the shortest round trip as an anchor; of equal ones the last. `after` is a
/// reading taken when the last answer came, `suspends` the count at that moment. Nothing when no
/// probe can be used: an answer before its question or after `after`, or a hub without a time.
[[nodiscard]] std::optional<Anchor> anchor_from_probes(std::span<const TimeProbe> probes,
                                                       const ClockReading& after,
                                                       std::uint32_t suspends);

/// One exchange as the hub sees it. A device asks again only when it has the last answer, so its
/// boot clock stood at `boot_ms` after `answered` and before `arrived`.
struct HubProbe {
    Instant answered;  // when the hub sent its previous answer in this session
    std::uint64_t boot_ms = 0;
    Instant arrived;
};

/// The hub's reading of the device's boot clock from the tightest exchange. It leans on nothing the
/// device says but `boot_ms`. `suspended_ms` and `suspends` are the device's at that time, where
/// told. Nothing without a usable exchange or a boot id.
[[nodiscard]] std::optional<SessionClock> session_clock_from_probes(
    std::span<const HubProbe> probes,
    std::uint64_t boot_id,
    std::optional<std::uint64_t> suspended_ms,
    std::uint32_t suspends);

}  // namespace streetlog::sync

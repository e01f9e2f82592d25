#pragma once

#include <cstdint>
#include <optional>

#include "schema/time.hpp"
#include "sync/change/record.hpp"
#include "sync/timeliness/elapsed.hpp"

namespace streetlog::sync {

/// What the hub has to say about a time it worked out. Stored with the verdict; never renumbered.
struct TimeFlags {
    static constexpr std::uint32_t kContradiction = 1;  // the evidence cannot all be true
    static constexpr std::uint32_t kWallJumped = 2;     // the device saw its wall clock being set
    static constexpr std::uint32_t kNoEvidence = 4;     // only what came before and after is known
    static constexpr std::uint32_t kSimulated = 8;      // a demonstration clock
    static constexpr std::uint32_t kFromWall = 16;      // leans on a clock a person can set
    static constexpr std::uint32_t kFuture = 32;        // typed as later than the Save
};

/// The hub's own reading of a device's boot clock, from the best probe of the running session.
struct SessionClock {
    Instant hub;  // hub time at `moment`
    std::uint64_t boot_id = 0;
    BootMoment moment;
    std::uint32_t error_ms = 0;  // half the round trip, rounded up
};

/// The device's wall clock once stood at `wall` while hub time was inside `hub`.
struct WallFix {
    Instant wall;
    Interval hub;

    friend bool operator==(const WallFix&, const WallFix&) = default;
};

/// What the hub remembers of one replica, updated record by record in order of sequence.
struct ReplicaClock {
    Instant floor;  // no later Save of this replica happened before; never rests on a wall clock
    std::optional<WallFix> fix;

    friend bool operator==(const ReplicaClock&, const ReplicaClock&) = default;
};

struct SaveTime {
    Interval saved;
    std::uint32_t flags = 0;

    friend bool operator==(const SaveTime&, const SaveTime&) = default;
};

struct OccurredTime {
    Interval occurred;
    std::uint32_t flags = 0;

    friend bool operator==(const OccurredTime&, const OccurredTime&) = default;
};

/// The bracket of the true time of a Save, from the record, the same replica's earlier records
/// (`before`) and the session's probes; `received` is when the hub took the record, and the
/// bracket never reaches past it. For the cases A, B and C see DESIGN.md. The hub calls this once,
/// at first ingest. Pure; safe with any numbers.
[[nodiscard]] SaveTime locate_save(const Header& header,
                                   Instant received,
                                   const std::optional<SessionClock>& session,
                                   const ReplicaClock& before);

/// The replica's clock after a record located by locate_save. A record that came with a receipt
/// (after a hub restore) is remembered with its bracket and kFromWall, because the receipt does
/// not say what the bracket rests on.
[[nodiscard]] ReplicaClock remember(const ReplicaClock& before,
                                    const Header& header,
                                    const SaveTime& time);

/// When the interaction happened. Live: the bracket of the moment "Now" was pressed, by the same
/// method but without `before.floor`, since a paused workflow keeps its "Now" while later records
/// are saved. Typed: exactly the asserted time, with kFuture when that is after the Save. No
/// source, or live without evidence: any time up to the Save.
[[nodiscard]] OccurredTime locate_interaction(const Header& header,
                                              Instant received,
                                              const std::optional<SessionClock>& session,
                                              const ReplicaClock& before,
                                              const SaveTime& save);

}  // namespace streetlog::sync

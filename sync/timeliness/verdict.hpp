#pragma once

#include <cstdint>
#include <string_view>

#include "schema/time.hpp"
#include "sync/change/record.hpp"
#include "sync/timeliness/interval.hpp"
#include "sync/timeliness/rules.hpp"

namespace streetlog::sync {

/// Stored and shown; never renumbered. Unproven is counted on its own, never folded into another.
enum class Verdict : std::uint16_t { kNotApplicable = 0, kOnTime = 1, kLate = 2, kUnproven = 3 };

/// Why a late record is late. kNone on a late record: the evidence does not tell.
enum class Cause : std::uint16_t {
    kNone = 0,
    kEntry = 1,   // it was saved after the window had closed
    kSync = 2,    // it was saved inside the window and reached the hub after it
    kPaused = 3,  // as kEntry, and the workflow lay paused in between
};

/// A difference of two uncertain times, [lo, hi].
struct Lag {
    Millis lo{};
    Millis hi{};

    friend auto operator<=>(const Lag&, const Lag&) = default;
};

struct Judgement {
    Verdict verdict = Verdict::kNotApplicable;
    Cause cause = Cause::kNone;
    Lag entry_lag;            // saved - interaction: the worker
    Lag sync_lag;             // received - saved: the network
    Millis lateness{};        // proven time past the window; zero unless late
    std::uint32_t rule = 0;   // id; zero when no rule was applied
    std::uint32_t flags = 0;  // TimeFlags of both times

    friend bool operator==(const Judgement&, const Judgement&) = default;
};

/// Judges one record once, from its header and the two brackets. Received exactly at interaction
/// plus limit is on time, one millisecond more is late; in between the ends of the bracket it is
/// unproven. A contradiction in the interaction's evidence, or a time typed as later than the Save,
/// is never on time. Pure; safe with any numbers.
[[nodiscard]] Judgement judge(const Header& header,
                              const OccurredTime& interaction,
                              const SaveTime& save,
                              Instant received,
                              const Rule& rule);

[[nodiscard]] std::string_view name_of(Verdict verdict);
[[nodiscard]] std::string_view name_of(Cause cause);

}  // namespace streetlog::sync

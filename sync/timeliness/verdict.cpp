#include "sync/timeliness/verdict.hpp"

#include <algorithm>

#include "sync/timeliness/saturate.hpp"

namespace streetlog::sync {
namespace {

/// The earliest and the latest instant at which the window may close.
Interval deadline(const Interval& occurred, Millis limit) {
    return {Instant{add_saturated(occurred.lo.ms, limit.count())},
            Instant{add_saturated(occurred.hi.ms, limit.count())}};
}

Lag difference(const Interval& later, const Interval& earlier) {
    return {Millis{subtract_saturated(later.lo.ms, earlier.hi.ms)},
            Millis{subtract_saturated(later.hi.ms, earlier.lo.ms)}};
}

Verdict verdict_of(const Interval& closes, Instant received, std::uint32_t flags) {
    if (received > closes.hi) return Verdict::kLate;
    if (received > closes.lo) return Verdict::kUnproven;
    constexpr std::uint32_t kDoubtful = TimeFlags::kContradiction | TimeFlags::kFuture;
    return (flags & kDoubtful) != 0 ? Verdict::kUnproven : Verdict::kOnTime;
}

Cause cause_of(const Interval& closes, const Header& header, const Interval& saved) {
    if (saved.hi <= closes.lo) return Cause::kSync;
    if (saved.lo <= closes.hi) return Cause::kNone;
    const bool paused = (header.flags & Header::kFlagPaused) != 0;
    return paused ? Cause::kPaused : Cause::kEntry;
}

}  // namespace

Judgement judge(const Header& header,
                const OccurredTime& interaction,
                const SaveTime& save,
                Instant received,
                const Rule& rule) {
    if (header.kind == EventKind::kNone || header.kind == EventKind::kImport) return {};
    const Interval closes = deadline(interaction.occurred, rule.limit);
    Judgement out;
    out.verdict = verdict_of(closes, received, interaction.flags);
    out.rule = rule.id;
    out.flags = interaction.flags | save.flags;
    out.entry_lag = difference(save.saved, interaction.occurred);
    if (header.source == TimeSource::kLive)  // "Now" is pressed before Save
        out.entry_lag.lo =
            std::clamp(out.entry_lag.lo, Millis{0}, std::max(Millis{0}, out.entry_lag.hi));
    out.sync_lag = difference({received, received}, save.saved);
    if (out.verdict == Verdict::kLate) {
        out.cause = cause_of(closes, header, save.saved);
        out.lateness = Millis{subtract_saturated(received.ms, closes.hi.ms)};
    }
    return out;
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::kNotApplicable:
            return "not_applicable";
        case Verdict::kOnTime:
            return "on_time";
        case Verdict::kLate:
            return "late";
        case Verdict::kUnproven:
            return "unproven";
    }
    return "unknown";
}

std::string_view name_of(Cause cause) {
    switch (cause) {
        case Cause::kNone:
            return "none";
        case Cause::kEntry:
            return "entry";
        case Cause::kSync:
            return "sync";
        case Cause::kPaused:
            return "paused";
    }
    return "unknown";
}

}  // namespace streetlog::sync

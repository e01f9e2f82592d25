#include "sync/timeliness/interval.hpp"

#include <algorithm>
#include <cstdlib>

#include "sync/timeliness/saturate.hpp"

namespace streetlog::sync {
namespace {

/// No hub ran before 1970, so this is "no lower bound" without the dangers of the true minimum.
constexpr Instant kUnknownPast{0};

constexpr std::int64_t kRebootErrorMs = 2000;  // the clock chip counts whole seconds
constexpr std::int64_t kWallDivisor = 1000;    // 0.1 %: between boots only the chip keeps time

struct Located {
    Interval interval;
    std::uint32_t flags = 0;
};

Interval around(std::int64_t lo, std::int64_t hi, std::int64_t shift, std::int64_t error) {
    return {Instant{subtract_saturated(add_saturated(lo, shift), error)},
            Instant{add_saturated(add_saturated(hi, shift), error)}};
}

std::optional<Interval> intersect(const Interval& a, const Interval& b) {
    const Interval both{std::max(a.lo, b.lo), std::min(a.hi, b.hi)};
    if (both.lo > both.hi) return std::nullopt;
    return both;
}

bool has_anchor(const ClockEvidence& clock) { return clock.anchor_hub_ms > 0; }

Interval anchor_interval(const ClockEvidence& clock) {
    return around(clock.anchor_hub_ms, clock.anchor_hub_ms, 0, clock.anchor_err_ms);
}

BootMoment moment_of(const ClockEvidence& clock) {
    return {clock.boot_ms, clock.suspended_ms, clock.suspends};
}

/// later - earlier in milliseconds; negative when `later` is the smaller.
std::int64_t boot_difference(std::uint64_t later, std::uint64_t earlier) {
    return later >= earlier ? to_signed(later - earlier) : -to_signed(earlier - later);
}

/// Case A.
std::optional<Interval> by_session(const ClockEvidence& clock,
                                   const std::optional<SessionClock>& session) {
    if (!session || session->boot_id != clock.boot_id) return std::nullopt;
    const std::int64_t error =
        add_saturated(session->error_ms, elapsed_error_ms(moment_of(clock), session->moment));
    return around(session->hub.ms,
                  session->hub.ms,
                  boot_difference(clock.boot_ms, session->moment.boot_ms),
                  error);
}

/// Case B.
std::optional<Interval> by_anchor(const ClockEvidence& clock) {
    if (!has_anchor(clock) || clock.anchor_boot_id != clock.boot_id) return std::nullopt;
    const BootMoment anchor{clock.anchor_boot_ms, clock.anchor_suspended_ms, clock.anchor_suspends};
    const std::int64_t error =
        add_saturated(clock.anchor_err_ms, elapsed_error_ms(anchor, moment_of(clock)));
    return around(clock.anchor_hub_ms,
                  clock.anchor_hub_ms,
                  boot_difference(clock.boot_ms, clock.anchor_boot_ms),
                  error);
}

/// Case C: the newer of the two moments at which wall clock and hub time are both known.
std::optional<Interval> by_wall(const ClockEvidence& clock,
                                Instant wall,
                                const std::optional<WallFix>& remembered) {
    std::optional<WallFix> fix = remembered;
    if (has_anchor(clock)) {
        const WallFix anchor{Instant{clock.anchor_wall_ms}, anchor_interval(clock)};
        if (!fix || fix->hub.lo <= anchor.hub.lo) fix = anchor;
    }
    if (!fix) return std::nullopt;
    const std::int64_t span = subtract_saturated(wall.ms, fix->wall.ms);
    // Divided first: the absolute value of the smallest number does not exist.
    const std::int64_t error = std::abs(span / kWallDivisor) + 1 + kRebootErrorMs;
    return around(fix->hub.lo.ms, fix->hub.hi.ms, span, error);
}

std::uint32_t flags_of(const ClockEvidence& clock) {
    std::uint32_t flags = 0;
    if ((clock.flags & ClockEvidence::kFlagWallJumped) != 0) flags |= TimeFlags::kWallJumped;
    if ((clock.flags & ClockEvidence::kFlagSimulated) != 0) flags |= TimeFlags::kSimulated;
    return flags;
}

struct Question {
    ClockEvidence clock;
    Instant wall;      // the device's wall clock at the same moment
    Interval bracket;  // certain without the evidence: what came before, what came after
    std::optional<SessionClock> session;
    std::optional<WallFix> fix;
};

/// Cases A and B together: both are independent of anything a person can set, so both hold.
Located by_boot_clock(const Question& q, const Interval& bracket, std::uint32_t flags) {
    const std::optional<Interval> a = by_session(q.clock, q.session);
    const std::optional<Interval> b = by_anchor(q.clock);
    const std::optional<Interval> both = a && b ? intersect(*a, *b) : a ? a : b;
    const std::optional<Interval> cut = both ? intersect(*both, bracket) : std::nullopt;
    if (!cut) return {bracket, flags | TimeFlags::kContradiction};
    return {*cut, flags};
}

Located locate(Question q) {
    if (q.clock.boot_id == 0) return {q.bracket, flags_of(q.clock) | TimeFlags::kNoEvidence};
    std::uint32_t flags = flags_of(q.clock);
    Interval bracket = q.bracket;
    const bool runs_back =
        q.clock.anchor_boot_id == q.clock.boot_id && q.clock.boot_ms < q.clock.anchor_boot_ms;
    if (has_anchor(q.clock) && (runs_back || anchor_interval(q.clock).lo > bracket.hi)) {
        flags |= TimeFlags::kContradiction;  // an anchor from the future anchors nothing
        q.clock.anchor_hub_ms = 0;
    }
    // The device had met the hub before this moment, whichever boot that was in.
    if (has_anchor(q.clock)) bracket.lo = std::max(bracket.lo, anchor_interval(q.clock).lo);

    const bool same_boot = (q.session && q.session->boot_id == q.clock.boot_id) ||
                           (has_anchor(q.clock) && q.clock.anchor_boot_id == q.clock.boot_id);
    if (same_boot) return by_boot_clock(q, bracket, flags);

    const bool jumped = (flags & TimeFlags::kWallJumped) != 0;
    const std::optional<Interval> claimed = jumped ? std::nullopt : by_wall(q.clock, q.wall, q.fix);
    if (!claimed) return {bracket, flags | TimeFlags::kNoEvidence};
    const std::optional<Interval> cut = intersect(*claimed, bracket);
    if (!cut) return {bracket, flags | TimeFlags::kContradiction};
    return {*cut, flags | TimeFlags::kFromWall};
}

Instant floor_of(const ReplicaClock& before) { return std::max(before.floor, kUnknownPast); }

}  // namespace

SaveTime locate_save(const Header& header,
                     Instant received,
                     const std::optional<SessionClock>& session,
                     const ReplicaClock& before) {
    const Interval bracket{std::min(floor_of(before), received), received};
    const Located located = locate({header.clock, header.recorded, bracket, session, before.fix});
    return {located.interval, located.flags};
}

ReplicaClock remember(const ReplicaClock& before, const Header& header, const SaveTime& time) {
    ReplicaClock after = before;
    if ((time.flags & TimeFlags::kFromWall) == 0) {
        after.floor = std::max(before.floor, time.saved.lo);
    } else if (has_anchor(header.clock)) {
        const Instant met = anchor_interval(header.clock).lo;
        after.floor = std::max(before.floor, std::min(met, time.saved.lo));
    }
    constexpr std::uint32_t kUnfit =
        TimeFlags::kFromWall | TimeFlags::kContradiction | TimeFlags::kNoEvidence;
    if ((time.flags & kUnfit) == 0) after.fix = WallFix{header.recorded, time.saved};
    return after;
}

OccurredTime locate_interaction(const Header& header,
                                Instant received,
                                const std::optional<SessionClock>& session,
                                const ReplicaClock& before,
                                const SaveTime& save) {
    const std::uint32_t inherited = save.flags & TimeFlags::kSimulated;
    if (header.source == TimeSource::kTyped) {
        const bool future = header.occurred > save.saved.hi;
        return {{header.occurred, header.occurred}, inherited | (future ? TimeFlags::kFuture : 0U)};
    }
    // A Save placed by a settable clock proves no upper end; its arrival does.
    const bool proven = (save.flags & TimeFlags::kFromWall) == 0;
    const Instant latest = proven ? save.saved.hi : received;
    const Interval bracket{std::min(kUnknownPast, latest), latest};
    if (header.source != TimeSource::kLive || !header.occurred_clock)
        return {bracket, inherited | TimeFlags::kNoEvidence};
    Located located =
        locate({*header.occurred_clock, header.occurred, bracket, session, before.fix});
    if ((located.flags & TimeFlags::kFromWall) != 0 && located.interval.lo > save.saved.hi) {
        // The wall clock ran ahead at "Now" and had been set back by the Save.
        located.flags = (located.flags & ~TimeFlags::kFromWall) | TimeFlags::kContradiction;
        located.interval = bracket;
        const Instant met = anchor_interval(*header.occurred_clock).lo;
        if (has_anchor(*header.occurred_clock) && met <= latest)
            located.interval.lo = std::max(bracket.lo, met);
    }
    return {located.interval, inherited | located.flags};
}

}  // namespace streetlog::sync

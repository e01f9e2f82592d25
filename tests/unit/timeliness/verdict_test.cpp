#include "sync/timeliness/verdict.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "tests/unit/timeliness/builders.hpp"

namespace streetlog::sync {
namespace {

using namespace timeliness_test;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// What the hub does with a record, with the default rule.
Judgement receive(const Header& header, Instant received, const ReplicaClock& before = {}) {
    const SaveTime save = locate_save(header, received, std::nullopt, before);
    const OccurredTime interaction =
        locate_interaction(header, received, std::nullopt, before, save);
    return judge(header, interaction, save, received, default_rule());
}

Header typed_at_zero(std::int64_t saved) {
    return typed(contact(same_boot(saved), at(saved)), at(0));
}

TEST(Judge, ReceivedAtExactly24HoursIsOnTimeAndOneMillisecondMoreIsLate) {
    const Header header = typed_at_zero(kHour);
    EXPECT_EQ(receive(header, at(kDay)).verdict, Verdict::kOnTime);
    EXPECT_EQ(receive(header, at(kDay)).lateness, Millis{0});
    EXPECT_EQ(receive(header, at(kDay + 1)).verdict, Verdict::kLate);
    EXPECT_EQ(receive(header, at(kDay + 1)).lateness, Millis{1});
}

TEST(Judge, IsUnprovenExactlyWhileTheBracketOfALiveInteractionStraddlesTheLine) {
    const Header header =
        live(contact(same_boot(2 * kHour), at(2 * kHour)), same_boot(kHour), at(kHour));
    const std::int64_t error = 50 + kHour / 10'000 + 2;
    const std::int64_t line = kHour + kDay;
    EXPECT_EQ(receive(header, at(line - error)).verdict, Verdict::kOnTime);
    EXPECT_EQ(receive(header, at(line - error + 1)).verdict, Verdict::kUnproven);
    EXPECT_EQ(receive(header, at(line + error)).verdict, Verdict::kUnproven);
    EXPECT_EQ(receive(header, at(line + error + 1)).verdict, Verdict::kLate);
}

TEST(Judge, WithoutEvidenceOfTheInstantItIsUnprovenExactlyWhenTheBracketStraddlesTheLine) {
    ClockEvidence clock = other_boot();
    clock.flags = ClockEvidence::kFlagWallJumped;
    const Header header = live(contact(clock, at(5 * kHour)), clock, at(4 * kHour));
    EXPECT_EQ(receive(header, at(kDay - 50)).verdict, Verdict::kOnTime);  // met the hub at -50 ms
    EXPECT_EQ(receive(header, at(kDay - 49)).verdict, Verdict::kUnproven);
    EXPECT_EQ(receive(header, at(90 * kDay)).verdict, Verdict::kUnproven);
}

TEST(Judge, AClockSetBackDoesNotTurnLateIntoOnTime) {
    for (const std::int64_t back : {kHour, 10 * kHour, 30 * kHour, 60 * kDay}) {
        const Instant now_shown = at(kHour - back);
        const Instant save_shown = at(40 * kHour - back);
        const Header same =
            live(contact(same_boot(40 * kHour), save_shown), same_boot(kHour), now_shown);
        EXPECT_EQ(receive(same, at(41 * kHour)).verdict, Verdict::kLate) << back;
        EXPECT_EQ(receive(same, at(41 * kHour)).cause, Cause::kEntry) << back;
        const Header rebooted = live(contact(other_boot(), save_shown), other_boot(), now_shown);
        EXPECT_NE(receive(rebooted, at(41 * kHour)).verdict, Verdict::kOnTime) << back;
    }
}

TEST(Judge, AContradictionIsNeverOnTime) {
    const Header header =
        live(contact(other_boot(), Instant{2 * kMinute}), other_boot(), Instant{kMinute});  // 1970
    const Judgement at_once = receive(header, at(kHour));
    EXPECT_EQ(at_once.verdict, Verdict::kUnproven);
    EXPECT_EQ(at_once.flags, TimeFlags::kContradiction);
    EXPECT_EQ(receive(header, at(90 * kDay)).verdict, Verdict::kUnproven);
}

TEST(Judge, ATimeTypedInTheFutureIsUnprovenAndLateOnceEvenThatIsTooOld) {
    const Header header = typed(contact(same_boot(kHour), at(kHour)), at(10 * kHour));
    EXPECT_EQ(receive(header, at(2 * kHour)).verdict, Verdict::kUnproven);
    EXPECT_EQ(receive(header, at(34 * kHour)).verdict, Verdict::kUnproven);
    EXPECT_EQ(receive(header, at(34 * kHour + 1)).verdict, Verdict::kLate);
    EXPECT_EQ(receive(header, at(2 * kHour)).flags, TimeFlags::kFuture);
}

TEST(Judge, ImportsAndRecordsThatAreNoInteractionGetNoVerdict) {
    Header header = typed_at_zero(kHour);
    for (const EventKind kind : {EventKind::kNone, EventKind::kImport}) {
        header.kind = kind;
        EXPECT_EQ(receive(header, at(90 * kDay)), Judgement{});
    }
    for (const EventKind kind :
         {EventKind::kIntake, EventKind::kContact, EventKind::kExit, EventKind::kUpdate}) {
        header.kind = kind;
        EXPECT_EQ(receive(header, at(90 * kDay)).verdict, Verdict::kLate);
    }
}

TEST(Judge, SavedInsideTheWindowAndReceivedAfterItIsTheNetwork) {
    const Judgement late = receive(typed_at_zero(23 * kHour), at(30 * kHour));
    EXPECT_EQ(late.cause, Cause::kSync);
    EXPECT_EQ(late.lateness, Millis{6 * kHour});
    EXPECT_EQ(receive(typed_at_zero(23 * kHour), at(kDay)).cause, Cause::kNone);
}

TEST(Judge, SavedAfterTheWindowIsTheEntryOrThePause) {
    Header header = typed_at_zero(25 * kHour);
    EXPECT_EQ(receive(header, at(30 * kHour)).cause, Cause::kEntry);
    header.flags = Header::kFlagPaused;
    EXPECT_EQ(receive(header, at(30 * kHour)).cause, Cause::kPaused);
    Header in_time = typed_at_zero(20 * kHour);
    in_time.flags = Header::kFlagPaused;
    EXPECT_EQ(receive(in_time, at(30 * kHour)).cause, Cause::kSync);
}

TEST(Judge, ASaveThatStraddlesTheLineHasNoProvenCause) {
    const Judgement late = receive(typed_at_zero(kDay), at(30 * kHour));
    EXPECT_EQ(late.verdict, Verdict::kLate);
    EXPECT_EQ(late.cause, Cause::kNone);
}

TEST(Judge, TheTwoLagsAreKeptApartWithTheirUncertainty) {
    const Judgement out = receive(typed_at_zero(10 * kHour), at(15 * kHour));
    const std::int64_t error = 50 + 10 * kHour / 10'000 + 2;
    EXPECT_EQ(out.entry_lag, (Lag{Millis{10 * kHour - error}, Millis{10 * kHour + error}}));
    EXPECT_EQ(out.sync_lag, (Lag{Millis{5 * kHour - error}, Millis{5 * kHour + error}}));
    EXPECT_EQ(out.rule, 1U);
}

TEST(Judge, ALiveInteractionIsNeverAfterItsSave) {
    const Header header = live(contact(same_boot(kHour), at(kHour)), same_boot(kHour), at(kHour));
    EXPECT_EQ(receive(header, at(2 * kHour)).entry_lag.lo, Millis{0});
}

TEST(Judge, UsesTheLimitOfTheRule) {
    Rule rule = default_rule();
    rule.id = 7;
    rule.limit = Millis{2 * kHour};
    const Header header = typed_at_zero(kHour);
    const OccurredTime interaction{{at(0), at(0)}, 0};
    const SaveTime save{{at(kHour), at(kHour)}, 0};
    EXPECT_EQ(judge(header, interaction, save, at(2 * kHour), rule).verdict, Verdict::kOnTime);
    const Judgement late = judge(header, interaction, save, at(2 * kHour + 1), rule);
    EXPECT_EQ(late.verdict, Verdict::kLate);
    EXPECT_EQ(late.rule, 7U);
}

TEST(Judge, TwentyFourHoursAreElapsedTimeOnDaysOf23And25Hours) {
    // 2026-03-08 and 2026-11-01: the days on which the clocks change in the United States. The
    // offset of the device changes; the instants do not.
    for (const char* start : {"2026-03-07T20:00:00-06:00", "2026-10-31T20:00:00-05:00"}) {
        const Instant occurred = parse_instant(start).value();
        Header header = contact({}, occurred);
        header = typed(header, occurred);
        EXPECT_EQ(receive(header, occurred + Millis{kDay}).verdict, Verdict::kOnTime);
        EXPECT_EQ(receive(header, occurred + Millis{kDay + 1}).verdict, Verdict::kLate);
    }
}

TEST(Judge, HostileTypedTimesDoNotOverflow) {
    const Header past = typed(contact(same_boot(kHour), at(kHour)), Instant{kMin});
    const Judgement late = receive(past, at(2 * kHour));
    EXPECT_EQ(late.verdict, Verdict::kLate);
    EXPECT_EQ(late.lateness, Millis{kMax});
    const Header future = typed(contact(same_boot(kHour), at(kHour)), Instant{kMax});
    EXPECT_EQ(receive(future, at(2 * kHour)).verdict, Verdict::kUnproven);
}

}  // namespace
}  // namespace streetlog::sync

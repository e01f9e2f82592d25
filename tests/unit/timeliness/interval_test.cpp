#include "sync/timeliness/interval.hpp"

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/timeliness/builders.hpp"

namespace streetlog::sync {
namespace {

using namespace timeliness_test;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

SessionClock session_at(std::int64_t after_met_ms) {
    return {
        at(after_met_ms), kBoot, {kBootAtMet + static_cast<std::uint64_t>(after_met_ms), 0, 0}, 20};
}

TEST(LocateSave, CountsFromTheAnchorOfTheSameBoot) {
    const Header header = contact(same_boot(10 * kHour), at(10 * kHour));
    const SaveTime time = locate_save(header, at(20 * kHour), std::nullopt, {});
    const std::int64_t error = 50 + 10 * kHour / 10'000 + 2;
    EXPECT_EQ(time.saved, (Interval{at(10 * kHour - error), at(10 * kHour + error)}));
    EXPECT_EQ(time.flags, 0U);
}

TEST(LocateSave, CountsBackFromTheLiveSessionOfTheSameBoot) {
    ClockEvidence clock = same_boot(10 * kHour);
    clock.anchor_hub_ms = 0;  // it had never met the hub when it saved
    const SaveTime time =
        locate_save(contact(clock, Instant{0}), at(20 * kHour), session_at(19 * kHour), {});
    const std::int64_t error = 20 + 9 * kHour / 10'000 + 2;
    EXPECT_EQ(time.saved, (Interval{at(10 * kHour - error), at(10 * kHour + error)}));
    EXPECT_EQ(time.flags, 0U);
}

TEST(LocateSave, FindsASaveMadeAfterTheProbeOfTheSession) {
    ClockEvidence clock = same_boot(2 * kHour);
    clock.anchor_hub_ms = 0;
    const SaveTime time =
        locate_save(contact(clock, Instant{0}), at(3 * kHour), session_at(kHour), {});
    const std::int64_t error = 20 + kHour / 10'000 + 2;
    EXPECT_EQ(time.saved, (Interval{at(2 * kHour - error), at(2 * kHour + error)}));
}

TEST(LocateSave, TakesWhatAnchorAndSessionHaveInCommon) {
    const SaveTime time = locate_save(
        contact(same_boot(kHour), at(kHour)), at(60 * kHour), session_at(50 * kHour), {});
    const std::int64_t error = 50 + kHour / 10'000 + 2;  // the anchor is the nearer of the two
    EXPECT_EQ(time.saved, (Interval{at(kHour - error), at(kHour + error)}));
}

TEST(LocateSave, AnchorAndSessionThatDisagreeAreAContradiction) {
    SessionClock session = session_at(9 * kHour);
    session.hub = at(12 * kHour);
    const SaveTime time =
        locate_save(contact(same_boot(8 * kHour), at(8 * kHour)), at(13 * kHour), session, {});
    EXPECT_EQ(time.flags, TimeFlags::kContradiction);
    EXPECT_EQ(time.saved, (Interval{at(-50), at(13 * kHour)}));
}

TEST(LocateSave, AWrongWallClockChangesNothingWithAnAnchorOfTheSameBoot) {
    const SaveTime right =
        locate_save(contact(same_boot(kHour), at(kHour)), at(30 * kHour), std::nullopt, {});
    for (const std::int64_t wall : {kMin, std::int64_t{0}, kMet - kDay, kMet + 4000 * kDay, kMax}) {
        ClockEvidence clock = same_boot(kHour);
        clock.anchor_wall_ms = wall / 2;
        const SaveTime wrong =
            locate_save(contact(clock, Instant{wall}), at(30 * kHour), std::nullopt, {});
        EXPECT_EQ(wrong, right) << wall;
    }
}

TEST(LocateSave, NeverReachesPastItsArrival) {
    const SaveTime time =
        locate_save(contact(same_boot(kHour), at(kHour)), at(kHour + 10), std::nullopt, {});
    EXPECT_EQ(time.saved.hi, at(kHour + 10));
    EXPECT_EQ(time.flags, 0U);
}

TEST(LocateSave, ASaveAfterItsArrivalIsAContradiction) {
    const SaveTime time =
        locate_save(contact(same_boot(2 * kHour), at(kHour)), at(kHour), std::nullopt, {});
    EXPECT_EQ(time.flags, TimeFlags::kContradiction);
    EXPECT_EQ(time.saved, (Interval{at(-50), at(kHour)}));
}

TEST(LocateSave, IsNotOlderThanThePredecessor) {
    const Header header = contact(same_boot(10 * kHour), at(10 * kHour));
    const SaveTime cut = locate_save(header, at(kDay), std::nullopt, {at(10 * kHour + 5), {}});
    EXPECT_EQ(cut.saved.lo, at(10 * kHour + 5));
    EXPECT_EQ(cut.flags, 0U);
    const SaveTime against = locate_save(header, at(kDay), std::nullopt, {at(11 * kHour), {}});
    EXPECT_EQ(against.flags, TimeFlags::kContradiction);
    EXPECT_EQ(against.saved, (Interval{at(11 * kHour), at(kDay)}));
}

TEST(LocateSave, AfterARebootTheWallClockCountsWithItsLastOffset) {
    ClockEvidence clock = other_boot();
    clock.anchor_wall_ms = kMet + 3 * kHour;  // three hours fast
    const SaveTime time = locate_save(contact(clock, at(8 * kHour)), at(kDay), std::nullopt, {});
    EXPECT_EQ(time.flags, TimeFlags::kFromWall);
    const std::int64_t error = 50 + 5 * kHour / 1000 + 1 + 2 * kSecond;
    EXPECT_EQ(time.saved, (Interval{at(5 * kHour - error), at(5 * kHour + error)}));
}

TEST(LocateSave, TheNewerOfAnchorAndRememberedOffsetIsUsed) {
    const WallFix newer{at(7 * kHour), {at(6 * kHour - 9), at(6 * kHour + 9)}};
    const SaveTime time = locate_save(
        contact(other_boot(), at(8 * kHour)), at(kDay), std::nullopt, {Instant{0}, newer});
    const std::int64_t error = 9 + kHour / 1000 + 1 + 2 * kSecond;
    EXPECT_EQ(time.saved, (Interval{at(7 * kHour - error), at(7 * kHour + error)}));

    const WallFix older{at(-kDay), {at(-2 * kDay), at(-2 * kDay)}};
    const SaveTime by_anchor = locate_save(
        contact(other_boot(), at(8 * kHour)), at(kDay), std::nullopt, {Instant{0}, older});
    EXPECT_EQ(by_anchor,
              locate_save(contact(other_boot(), at(8 * kHour)), at(kDay), std::nullopt, {}));
}

TEST(LocateSave, ABootIn1970IsAContradictionAndKeepsTheBracket) {
    const SaveTime time = locate_save(
        contact(other_boot(), Instant{kMinute}), at(9 * kHour), std::nullopt, {at(kHour), {}});
    EXPECT_EQ(time.flags, TimeFlags::kContradiction);
    EXPECT_EQ(time.saved, (Interval{at(kHour), at(9 * kHour)}));
}

TEST(LocateSave, TheMeetingWithTheHubIsALowerEndInAnyBoot) {
    ClockEvidence clock = other_boot();
    clock.flags = ClockEvidence::kFlagWallJumped;
    const SaveTime time =
        locate_save(contact(clock, at(8 * kHour)), at(kDay), std::nullopt, {at(-kDay), {}});
    EXPECT_EQ(time.saved, (Interval{at(-50), at(kDay)}));
}

TEST(LocateSave, AWallClockSeenJumpingInThisBootIsNotUsed) {
    ClockEvidence clock = other_boot();
    clock.flags = ClockEvidence::kFlagWallJumped;
    const SaveTime time = locate_save(contact(clock, at(8 * kHour)), at(kDay), std::nullopt, {});
    EXPECT_EQ(time.flags, TimeFlags::kWallJumped | TimeFlags::kNoEvidence);
    EXPECT_EQ(time.saved.hi, at(kDay));
}

TEST(LocateSave, WithoutEvidenceOnlyTheBracketIsKnown) {
    const SaveTime time =
        locate_save(contact({}, at(8 * kHour)), at(kDay), session_at(0), {at(3 * kHour), {}});
    EXPECT_EQ(time.flags, TimeFlags::kNoEvidence);
    EXPECT_EQ(time.saved, (Interval{at(3 * kHour), at(kDay)}));
}

TEST(LocateSave, AnAnchorFromTheFutureOrAfterTheSaveIsAContradiction) {
    ClockEvidence future = same_boot(kHour);
    future.anchor_hub_ms = kMet + 5 * kDay;
    ClockEvidence later = same_boot(kHour);
    later.anchor_boot_ms = later.boot_ms + 1;
    for (const ClockEvidence& clock : {future, later}) {
        const SaveTime time = locate_save(contact(clock, at(kHour)), at(kDay), std::nullopt, {});
        EXPECT_TRUE((time.flags & TimeFlags::kContradiction) != 0);
        EXPECT_EQ(time.saved, (Interval{Instant{0}, at(kDay)}));
    }
}

TEST(LocateSave, ASimulatedClockIsSaidSo) {
    ClockEvidence clock = same_boot(kHour);
    clock.flags = ClockEvidence::kFlagSimulated;
    EXPECT_EQ(locate_save(contact(clock, at(kHour)), at(kDay), std::nullopt, {}).flags,
              TimeFlags::kSimulated);
}

TEST(LocateSave, HostileExtremesStayInsideTheBracket) {
    constexpr std::array<std::int64_t, 5> kSigned{kMin, -1, 0, 1, kMax};
    constexpr std::array<std::uint64_t, 4> kUnsigned{0, 1, 1ULL << 63, ~0ULL};
    std::vector<std::optional<SessionClock>> sessions{std::nullopt, session_at(0)};
    for (const std::uint64_t boot : kUnsigned)
        sessions.push_back(SessionClock{at(0), kBoot, {boot, ~boot, 0}, ~0U});
    const Interval bracket{at(-kDay), at(kDay)};
    for (const std::int64_t wall : kSigned)
        for (const std::int64_t anchor : kSigned)
            for (const std::uint64_t boot : kUnsigned)
                for (const std::uint64_t other : kUnsigned)
                    for (const std::uint64_t id : {kBoot, kBoot + 1})
                        for (const auto& session : sessions) {
                            ClockEvidence clock = same_boot(0);
                            clock.boot_ms = boot;
                            clock.suspended_ms = other;
                            clock.suspends = static_cast<std::uint32_t>(other >> 32);
                            clock.anchor_hub_ms = anchor;
                            clock.anchor_wall_ms = anchor;
                            clock.anchor_boot_id = id;
                            clock.anchor_boot_ms = other;
                            clock.anchor_suspended_ms = boot;
                            clock.anchor_err_ms = static_cast<std::uint32_t>(boot);
                            const Header header = contact(clock, Instant{wall});
                            const WallFix fix{Instant{anchor}, {Instant{kMin}, Instant{kMax}}};
                            const ReplicaClock before{bracket.lo, fix};
                            const SaveTime time = locate_save(header, bracket.hi, session, before);
                            ASSERT_LE(bracket.lo, time.saved.lo);
                            ASSERT_LE(time.saved.lo, time.saved.hi);
                            ASSERT_LE(time.saved.hi, bracket.hi);
                            ASSERT_LE(bracket.lo, remember(before, header, time).floor);
                        }
}

TEST(Remember, KeepsTheLowerEndAndTheOffsetOfAProvenSave) {
    const Header header = contact(same_boot(kHour), at(4 * kHour));
    const SaveTime time = locate_save(header, at(kDay), std::nullopt, {});
    const ReplicaClock after = remember({}, header, time);
    EXPECT_EQ(after.floor, time.saved.lo);
    EXPECT_EQ(after.fix, (WallFix{at(4 * kHour), time.saved}));
}

TEST(Remember, AWallClockSetForwardDoesNotRaiseTheFloor) {
    const ReplicaClock before{at(-kHour), {}};
    const Header ahead = contact(other_boot(), at(20 * kHour));
    const SaveTime time = locate_save(ahead, at(kDay), std::nullopt, before);
    ASSERT_EQ(time.flags, TimeFlags::kFromWall);
    const ReplicaClock after = remember(before, ahead, time);
    EXPECT_EQ(after.floor, at(-50));  // it had met the hub, so much is certain
    EXPECT_FALSE(after.fix.has_value());
}

TEST(Remember, TheFloorNeverGoesDown) {
    const Header header = contact(same_boot(kHour), at(kHour));
    const SaveTime time = locate_save(header, at(kDay), std::nullopt, {});
    EXPECT_EQ(remember({at(12 * kHour), {}}, header, time).floor, at(12 * kHour));
}

}  // namespace
}  // namespace streetlog::sync

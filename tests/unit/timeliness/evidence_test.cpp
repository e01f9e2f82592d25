#include "sync/timeliness/evidence.hpp"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

constexpr std::int64_t kHub = 1'795'420'800'000;
constexpr std::uint32_t kUnknown = ClockEvidence::kUnknownSuspends;

/// A device with a right wall clock, `ms` after its start.
ClockReading reading(std::uint64_t ms, std::uint64_t suspended_ms = 0) {
    return {Instant{kHub + static_cast<std::int64_t>(ms)}, 77, ms, suspended_ms};
}

ClockReading with_wall_moved(ClockReading r, std::int64_t by) {
    r.wall.ms += by;
    return r;
}

Anchor anchor_at(std::uint64_t ms) {
    return {Instant{kHub + static_cast<std::int64_t>(ms)}, 77, ms, reading(ms).wall, 40, 0, 0};
}

bool jumped(const ClockEvidence& clock) {
    return (clock.flags & ClockEvidence::kFlagWallJumped) != 0;
}

TEST(ClockWitness, WritesDownReadingAndAnchor) {
    ClockWitness witness(anchor_at(1000));
    const ClockEvidence out = witness.witness(reading(9000));
    EXPECT_EQ(out.boot_id, 77U);
    EXPECT_EQ(out.boot_ms, 9000U);
    EXPECT_EQ(out.suspends, 0U);
    EXPECT_EQ(out.flags, 0U);
    EXPECT_EQ(out.anchor_hub_ms, kHub + 1000);
    EXPECT_EQ(out.anchor_boot_id, 77U);
    EXPECT_EQ(out.anchor_boot_ms, 1000U);
    EXPECT_EQ(out.anchor_wall_ms, kHub + 1000);
    EXPECT_EQ(out.anchor_err_ms, 40U);
}

TEST(ClockWitness, WithoutAnAnchorTheDeviceNeverMetTheHub) {
    ClockWitness witness(std::nullopt);
    EXPECT_EQ(witness.witness(reading(9000)).anchor_hub_ms, 0);
}

TEST(ClockWitness, MoreThanTwoSecondsOffTheBootClockIsAJumpOfTheWallClock) {
    for (const std::int64_t by : {2000, -2000}) {
        ClockWitness witness(anchor_at(1000));
        EXPECT_FALSE(jumped(witness.witness(with_wall_moved(reading(9000), by))));
    }
    for (const std::int64_t by : {2001, -2001}) {
        ClockWitness witness(anchor_at(1000));
        EXPECT_TRUE(jumped(witness.witness(with_wall_moved(reading(9000), by))));
    }
}

TEST(ClockWitness, AJumpTakenBackStaysSeenUntilTheNextAnchor) {
    ClockWitness witness(anchor_at(1000));
    witness.observe(with_wall_moved(reading(5000), 3'600'000));
    EXPECT_TRUE(jumped(witness.witness(reading(9000))));
    const std::vector<TimeProbe> probes{{9100, 9200, kHub + 9150}};
    ASSERT_TRUE(witness.learn(probes, reading(9300)));
    EXPECT_FALSE(jumped(witness.witness(reading(9400))));
}

TEST(ClockWitness, AJumpIsSeenInABootWithoutAnAnchorOfItsOwn) {
    Anchor old = anchor_at(1000);
    old.boot_id = 5;
    old.wall = Instant{0};
    ClockWitness witness(old);
    EXPECT_FALSE(jumped(witness.witness(reading(2000))));
    EXPECT_TRUE(jumped(witness.witness(with_wall_moved(reading(9000), -5000))));
}

TEST(ClockWitness, CountsTheSuspendsItLivesThrough) {
    ClockWitness witness(std::nullopt);
    witness.observe(reading(10'000));
    EXPECT_EQ(witness.witness(reading(20'999, 999)).suspends, 0U);
    EXPECT_EQ(witness.witness(reading(600'000, 580'000)).suspends, 1U);
    EXPECT_EQ(witness.witness(reading(610'000, 580'000)).suspends, 1U);
    EXPECT_EQ(witness.witness(reading(700'000, 660'000)).suspends, 2U);
}

TEST(ClockWitness, TheCountIsUnknownWhereASuspendMayHaveBeenMissed) {
    ClockWitness late_start(std::nullopt);
    EXPECT_EQ(late_start.witness(reading(500'000, 20'000)).suspends, kUnknown);
    ClockWitness slept_while_stopped(anchor_at(1000));
    EXPECT_EQ(slept_while_stopped.witness(reading(500'000, 20'000)).suspends, kUnknown);
    ClockWitness rarely_shown(anchor_at(1000));
    rarely_shown.observe(reading(2000));
    EXPECT_EQ(rarely_shown.witness(reading(500'000, 20'000)).suspends, kUnknown);
    EXPECT_EQ(rarely_shown.witness(reading(510'000, 25'000)).suspends, kUnknown);
}

TEST(ClockWitness, TheCountGoesOnFromTheAnchorWhenNothingSleptSince) {
    Anchor anchor = anchor_at(900'000);
    anchor.suspended_ms = 50'000;
    anchor.suspends = 4;
    ClockWitness witness(anchor);
    EXPECT_EQ(witness.witness(reading(950'000, 50'000)).suspends, 4U);
}

TEST(ClockWitness, AWallClockThatWasSetStaysSuspectInLaterBoots) {
    ClockWitness before(anchor_at(1000));
    before.observe(reading(8000));
    EXPECT_FALSE(before.anchor_is_news());
    before.observe(with_wall_moved(reading(9000), 82'087'000));
    ASSERT_TRUE(before.anchor_is_news());
    before.anchor_stored();
    EXPECT_FALSE(before.anchor_is_news());
    ClockReading next = with_wall_moved(reading(500), 82'087'000);
    next.boot_id = 78;
    ClockWitness after(before.anchor());
    EXPECT_TRUE(jumped(after.witness(next)));
    EXPECT_FALSE(after.anchor_is_news()) << "it is stored already";
}

TEST(ClockWitness, ANewBootStartsAfresh) {
    ClockWitness witness(anchor_at(1000));
    witness.observe(reading(9000, 0));
    ClockReading next = reading(500);
    next.boot_id = 78;
    const ClockEvidence out = witness.witness(next);
    EXPECT_FALSE(jumped(out));
    EXPECT_EQ(out.suspends, 0U);
    EXPECT_EQ(out.anchor_boot_id, 77U);
}

TEST(ClockWitness, KeepsTheOldAnchorWhenNoProbeCanBeUsed) {
    ClockWitness witness(anchor_at(1000));
    EXPECT_FALSE(witness.learn({}, reading(9000)));
    EXPECT_EQ(witness.anchor(), anchor_at(1000));
}

TEST(ClockWitness, MarksASimulatedClock) {
    ClockWitness witness(std::nullopt, ClockKind::kSimulated);
    EXPECT_EQ(witness.witness(reading(1)).flags, ClockEvidence::kFlagSimulated);
}

TEST(ClockWitness, ExtremeReadingsDoNotOverflow) {
    ClockWitness witness(anchor_at(1000));
    const ClockEvidence out =
        witness.witness({Instant{std::numeric_limits<std::int64_t>::min()}, 77, ~0ULL, ~0ULL});
    EXPECT_TRUE(jumped(out));
}

TEST(EstimateHubTime, FollowsTheBootClockInTheBootOfTheAnchor) {
    const HubTime now = estimate_hub_time(with_wall_moved(reading(9000), 999'999), anchor_at(1000));
    EXPECT_EQ(now.at, Instant{kHub + 9000});
    EXPECT_EQ(now.trust, Trust::kVerified);
}

TEST(EstimateHubTime, IsTheUnverifiedWallClockOtherwise) {
    Anchor old = anchor_at(1000);
    old.boot_id = 5;
    for (const std::optional<Anchor>& anchor :
         {std::optional<Anchor>(old), std::optional<Anchor>()}) {
        const HubTime now = estimate_hub_time(reading(9000), anchor);
        EXPECT_EQ(now.at, reading(9000).wall);
        EXPECT_EQ(now.trust, Trust::kNotVerified);
    }
}

}  // namespace
}  // namespace streetlog::sync

#include "sync/timeliness/probes.hpp"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

constexpr std::int64_t kHub = 1'795'420'800'000;

ClockReading reading(std::uint64_t boottime_ms) {
    return {Instant{kHub + 7'000}, 77, boottime_ms, 300};
}

TEST(AnchorFromProbes, TakesTheShortestRoundTripAndHalfOfItAsError) {
    const std::vector<TimeProbe> probes{
        {1000, 1400, kHub}, {2000, 2101, kHub + 900}, {3000, 3300, kHub}};
    const auto anchor = anchor_from_probes(probes, reading(4050), 3);
    ASSERT_TRUE(anchor.has_value());
    EXPECT_EQ(anchor->hub, Instant{kHub + 900});
    EXPECT_EQ(anchor->boot_ms, 2050U);
    EXPECT_EQ(anchor->err_ms, 51U);  // 50.5 rounded up
    EXPECT_EQ(anchor->wall, Instant{kHub + 5'000});
    EXPECT_EQ(anchor->boot_id, 77U);
    EXPECT_EQ(anchor->suspended_ms, 300U);
    EXPECT_EQ(anchor->suspends, 3U);
}

TEST(AnchorFromProbes, OfEqualRoundTripsTheLastCounts) {
    const std::vector<TimeProbe> probes{{1000, 1100, kHub}, {2000, 2100, kHub + 1000}};
    EXPECT_EQ(anchor_from_probes(probes, reading(3000), 0)->hub, Instant{kHub + 1000});
}

TEST(AnchorFromProbes, UnusableProbesGiveNoAnchor) {
    EXPECT_FALSE(anchor_from_probes({}, reading(4000), 0).has_value());
    const std::vector<TimeProbe> probes{
        {1000, 999, kHub}, {1000, 5000, kHub}, {1000, 1001, 0}, {1000, 1001, -5}};
    EXPECT_FALSE(anchor_from_probes(probes, reading(4000), 0).has_value());
    ClockReading no_boot = reading(4000);
    no_boot.boot_id = 0;
    const std::vector<TimeProbe> good{{1000, 1001, kHub}};
    EXPECT_FALSE(anchor_from_probes(good, no_boot, 0).has_value());
}

TEST(AnchorFromProbes, AHugeRoundTripDoesNotOverflow) {
    const std::vector<TimeProbe> probes{{0, ~0ULL, std::numeric_limits<std::int64_t>::max()}};
    const auto anchor = anchor_from_probes(probes, reading(~0ULL), 0);
    ASSERT_TRUE(anchor.has_value());
    EXPECT_EQ(anchor->err_ms, ~0U);
}

TEST(SessionClockFromProbes, PlacesTheBootClockBetweenAnswerAndNextQuestion) {
    const std::vector<HubProbe> probes{{Instant{kHub}, 5000, Instant{kHub + 80}},
                                       {Instant{kHub + 100}, 5100, Instant{kHub + 141}}};
    const auto session = session_clock_from_probes(probes, 77, 300, 2);
    ASSERT_TRUE(session.has_value());
    EXPECT_EQ(session->hub, Instant{kHub + 120});
    EXPECT_EQ(session->error_ms, 21U);
    EXPECT_EQ(session->moment.boot_ms, 5100U);
    EXPECT_EQ(session->moment.suspended_ms, 300U);
    EXPECT_EQ(session->moment.suspends, 2U);
}

TEST(SessionClockFromProbes, NothingWithoutAnExchangeOrABootId) {
    EXPECT_FALSE(session_clock_from_probes({}, 77, 0, 0).has_value());
    const std::vector<HubProbe> back{{Instant{kHub}, 5000, Instant{kHub - 1}}};
    EXPECT_FALSE(session_clock_from_probes(back, 77, 0, 0).has_value());
    const std::vector<HubProbe> good{{Instant{kHub}, 5000, Instant{kHub + 1}}};
    EXPECT_FALSE(session_clock_from_probes(good, 0, 0, 0).has_value());
}

}  // namespace
}  // namespace streetlog::sync

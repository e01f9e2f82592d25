#include "sync/session/pace.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

constexpr std::size_t kMost = 192 * 1024;

Pace slow() {
    Pace pace;
    pace.round_trip(800);
    return pace;
}

TEST(Pace, LeavesAFastLinkAlone) {
    Pace pace;
    EXPECT_EQ(pace.bytes(kMost), kMost);
    pace.round_trip(800);
    EXPECT_EQ(pace.bytes(kMost), Pace::kBytesMin);
    pace.round_trip(30);  // the first answer came late, the link is fast
    EXPECT_EQ(pace.bytes(kMost), kMost);
    for (std::uint64_t i = 1; i <= 50; ++i) pace.sent(i, kMost, 0);
    EXPECT_TRUE(pace.has_room());
}

TEST(Pace, GrowsToTwoSecondsOfTheLinkAndNoFurther) {
    auto pace = slow();
    std::size_t before = pace.bytes(kMost);
    constexpr std::size_t kBytesPerSecond = 9'000;
    for (int i = 0; i < 10; ++i) {
        const auto bytes = pace.bytes(kMost);
        EXPECT_LE(bytes, 2 * before);
        before = bytes;
        pace.observe(bytes, bytes * 1'000 / kBytesPerSecond);
    }
    EXPECT_NEAR(static_cast<double>(pace.bytes(kMost)), 2.0 * kBytesPerSecond, 50);
}

TEST(Pace, FallsAtOnceAndNeverBelowTheLeast) {
    auto pace = slow();
    for (int i = 0; i < 10; ++i) pace.observe(1'000'000, 1'000);
    EXPECT_EQ(pace.bytes(kMost), kMost);
    pace.observe(20'000, 4'000);
    EXPECT_EQ(pace.bytes(kMost), 10'000U);
    pace.observe(100, 60'000);
    EXPECT_EQ(pace.bytes(kMost), Pace::kBytesMin);
    pace.observe(100, 0);  // within one tick of the clock: no division by zero
    EXPECT_GE(pace.bytes(kMost), Pace::kBytesMin);
}

TEST(Pace, HasTwoMessagesUnderWay) {
    auto pace = slow();
    EXPECT_TRUE(pace.has_room());
    pace.sent(10, 4'000, 100);
    EXPECT_TRUE(pace.has_room());
    pace.sent(20, 4'000, 100);
    EXPECT_FALSE(pace.has_room());
    pace.acked(10, 2'000);
    EXPECT_TRUE(pace.has_room());
    pace.sent(30, 4'000, 2'000);
    pace.acked(30, 4'000);  // one answer for two
    EXPECT_TRUE(pace.has_room());
    pace.sent(40, 4'000, 4'000);
    pace.sent(50, 4'000, 4'000);
    pace.rewind();
    EXPECT_TRUE(pace.has_room());
}

TEST(Pace, MeasuresTheLinkAndNotTheWaitBehindTheMessageBefore) {
    auto pace = slow();
    pace.sent(1, 4'000, 0);
    pace.sent(2, 4'000, 0);
    pace.acked(1, 1'500);
    pace.acked(2, 2'500);  // a second for 4,000 bytes
    EXPECT_EQ(pace.bytes(kMost), 8'000U);
}

TEST(Pace, DoesNotGuessWhereItDoesNotKnowTheTime) {
    auto pace = slow();
    pace.sent(1, 50'000, std::nullopt);
    pace.acked(1, 100);
    EXPECT_EQ(pace.bytes(kMost), Pace::kBytesMin);
}

}  // namespace
}  // namespace streetlog::sync

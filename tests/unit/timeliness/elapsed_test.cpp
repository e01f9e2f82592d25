#include "sync/timeliness/elapsed.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

constexpr std::uint64_t kHour = 3'600'000;

TEST(ElapsedError, IsAHundredPartsInAMillionAwake) {
    EXPECT_EQ(elapsed_error_ms({0, 0, 0}, {10 * kHour, 0, 0}), 2 + 3600);
    EXPECT_EQ(elapsed_error_ms({0, 0, 0}, {1, 0, 0}), 2 + 1);  // rounded up
}

TEST(ElapsedError, AddsAThousandthOfTheSleepAndTwoSecondsASuspend) {
    EXPECT_EQ(elapsed_error_ms({0, 0, 1}, {10 * kHour, 8 * kHour, 4}), 2 + 720 + 28'800 + 3 * 2000);
}

TEST(ElapsedError, TheOrderOfTheMomentsDoesNotMatter) {
    const BootMoment a{5, 0, 1};
    const BootMoment b{10 * kHour, 8 * kHour, 4};
    EXPECT_EQ(elapsed_error_ms(a, b), elapsed_error_ms(b, a));
}

TEST(ElapsedError, AnUnknownCountIsOneSuspendAndOneMoreForEachStartedMinuteOfSleep) {
    const std::uint32_t unknown = ClockEvidence::kUnknownSuspends;
    EXPECT_EQ(elapsed_error_ms({0, 0, 0}, {kHour, 60'000, unknown}), 2 + 354 + 60 + 2 * 2000);
    EXPECT_EQ(elapsed_error_ms({0, 0, unknown}, {kHour, 60'001, 0}), 2 + 354 + 61 + 3 * 2000);
    EXPECT_EQ(elapsed_error_ms({0, 0, unknown}, {kHour, 0, unknown}), 2 + 360);
}

TEST(ElapsedError, ACountThatRunsBackIsUnknown) {
    const std::uint32_t unknown = ClockEvidence::kUnknownSuspends;
    EXPECT_EQ(elapsed_error_ms({0, 0, 9}, {kHour, kHour / 2, 3}),
              elapsed_error_ms({0, 0, unknown}, {kHour, kHour / 2, unknown}));
}

TEST(ElapsedError, ASleepIsAtLeastOneSuspend) {
    EXPECT_EQ(elapsed_error_ms({0, 0, 3}, {kHour, 1000, 3}),
              elapsed_error_ms({0, 0, 3}, {kHour, 1000, 4}));
}

TEST(ElapsedError, SleepThatIsUntoldOrRunsBackCountsAsAllOfTheSpan) {
    const std::int64_t all_asleep = elapsed_error_ms({0, 0, 0}, {kHour, kHour, 1});
    EXPECT_EQ(elapsed_error_ms({0, std::nullopt, 0}, {kHour, 0, 1}), all_asleep);
    EXPECT_EQ(elapsed_error_ms({0, 5, 0}, {kHour, 4, 1}), all_asleep);
    EXPECT_EQ(elapsed_error_ms({0, 0, 0}, {kHour, 5 * kHour, 1}), all_asleep);
}

}  // namespace
}  // namespace streetlog::sync

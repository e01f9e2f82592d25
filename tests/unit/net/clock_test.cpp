#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "sync/net/simulated_clock.hpp"
#include "sync/net/system_clock.hpp"
#include "tests/support/temp_dir.hpp"

namespace streetlog::net {
namespace {

TEST(SystemClock, TimeDoesNotRunBackAndTheBootIsTheSame) {
    SystemClock clock;
    SystemClock other;
    ClockReading last = clock.read();
    for (int i = 0; i < 1'000; ++i) {
        const ClockReading now = other.read();
        ASSERT_EQ(now.boot_id, last.boot_id);
        ASSERT_GE(now.boottime_ms, last.boottime_ms);
        ASSERT_LE(now.suspended_ms, now.boottime_ms);
        last = now;
    }
    EXPECT_NE(last.boot_id, 0U);
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    EXPECT_NEAR(static_cast<double>(clock.now().ms),
                static_cast<double>(std::chrono::duration_cast<Millis>(wall).count()),
                5'000);
}

TEST(SystemClock, TheBootIdIsTheLowHalfOfTheKernels) {
    std::string uuid;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> uuid;
    ASSERT_EQ(uuid.size(), 36U);
    const std::string low = uuid.substr(19, 4) + uuid.substr(24);
    EXPECT_EQ(SystemClock().read().boot_id, std::stoull(low, nullptr, 16));
}

TEST(SystemRandom, FillsEveryByte) {
    SystemRandom random;
    std::array<Byte, 1'000> seen{};
    for (int i = 0; i < 5; ++i) {
        std::array<Byte, 1'000> out{};
        random.fill(out);
        for (std::size_t b = 0; b < out.size(); ++b) seen[b] = static_cast<Byte>(seen[b] | out[b]);
    }
    for (const Byte b : seen) EXPECT_NE(b, 0);  // all five zero: one in 2^40
    EXPECT_NE(random.id<EntityId>(), random.id<EntityId>());
}

class ClockFileTest : public testing::Test {
  protected:
    Result<ClockShift> read(std::string_view text) {
        std::ofstream(directory_.path() / "clock") << text;
        return read_clock_shift(directory_.path() / "clock");
    }

    test::TempDir directory_;
};

TEST_F(ClockFileTest, AShiftMovesTheClocksByThatMuch) {
    const auto shift = read(
        "# three hours fast, up for days\n"
        "wall_offset_ms = 10800000\n\n"
        "boottime_offset_ms=400000000\n"
        "  boot_id = 00000000000000a1\r\n");
    ASSERT_TRUE(shift) << shift.error().message;
    SystemClock real;
    SimulatedClock pretended(*shift);
    const ClockReading before = real.read();
    const ClockReading now = pretended.read();
    const ClockReading after = real.read();
    EXPECT_GE(now.wall, before.wall + Millis{10'800'000});
    EXPECT_LE(now.wall, after.wall + Millis{10'800'000});
    EXPECT_GE(now.boottime_ms, before.boottime_ms + 400'000'000);
    EXPECT_LE(now.boottime_ms, after.boottime_ms + 400'000'000);
    EXPECT_EQ(now.boot_id, 0xa1U);
}

TEST_F(ClockFileTest, TheTimeSinceBootIsNeverNegative) {
    SimulatedClock pretended({.boottime_offset_ms = -1'000'000'000'000'000, .boot_id = {}});
    EXPECT_EQ(pretended.read().boottime_ms, 0U);
    EXPECT_EQ(pretended.read().suspended_ms, 0U);
    EXPECT_EQ(pretended.read().boot_id, SystemClock().read().boot_id);
}

TEST_F(ClockFileTest, AShiftBeyondAllTimeStopsAtItsEnd) {
    SimulatedClock last(
        {.wall_offset_ms = INT64_MAX, .boottime_offset_ms = INT64_MAX, .boot_id = {}});
    EXPECT_EQ(last.now().ms, INT64_MAX);
    EXPECT_EQ(last.read().boottime_ms, static_cast<std::uint64_t>(INT64_MAX));
    SimulatedClock early(
        {.wall_offset_ms = INT64_MIN, .boottime_offset_ms = INT64_MIN, .boot_id = {}});
    EXPECT_LT(early.now().ms, 0);
    EXPECT_EQ(early.read().boottime_ms, 0U);
}

TEST_F(ClockFileTest, AnythingElseIsRefusedWithItsLine) {
    for (const char* bad : {"wall_offset_ms = 1h",
                            "wall_offset_ms",
                            "wall = 1",
                            "boot_id = a1",
                            "= 1",
                            "wall_offset_ms = 99999999999999999999",
                            "boottime_offset_ms = "}) {
        const auto shift = read("\n" + std::string(bad) + "\n");
        ASSERT_FALSE(shift) << bad;
        EXPECT_EQ(shift.error().code, ErrorCode::kInvalidInput) << bad;
        EXPECT_NE(shift.error().message.find("line 2"), std::string::npos) << shift.error().message;
    }
    EXPECT_FALSE(read("boot_id = 00000000000000a1\nboot_id = 00000000000000a2\n"));
    EXPECT_EQ(read_clock_shift(directory_.path() / "absent").error().code, ErrorCode::kNotFound);
}

TEST_F(ClockFileTest, AFollowedClockMovesWithItsFileAndOutlivesIt) {
    const auto file = directory_.path() / "clock";
    ASSERT_TRUE(read("wall_offset_ms = 10800000\n"));
    const auto clock = FollowedClock::open(file);
    ASSERT_TRUE(clock) << clock.error().message;
    const auto hours_ahead = [&] {
        return ((*clock)->now().ms - SystemClock().now().ms + 1'800'000) / 3'600'000;
    };
    EXPECT_EQ(hours_ahead(), 3);
    ASSERT_TRUE(read("wall_offset_ms = 36000000\n"));
    EXPECT_EQ(hours_ahead(), 10);
    ASSERT_FALSE(read("wall_offset_ms = soon\n"));
    EXPECT_EQ(hours_ahead(), 10) << "a broken file changes nothing";
    std::filesystem::remove(file);
    EXPECT_EQ(hours_ahead(), 10) << "nor does a file that is gone";
    EXPECT_EQ(FollowedClock::open(file).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace streetlog::net

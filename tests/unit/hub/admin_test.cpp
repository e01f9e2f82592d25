#include "hub/admin/admin.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "hub/admin/hub_clock.hpp"
#include "hub_fixture.hpp"
#include "tests/support/new_hub.hpp"

namespace streetlog::hub {
namespace {

class HubClockTest : public testing::Test {
  protected:
    std::filesystem::path clock_file(std::string_view text) {
        const auto file = dir_.path() / "given";
        std::ofstream(file) << text;
        return file;
    }

    [[nodiscard]] std::int64_t hours_ahead() const {
        const auto clock = open_clock(hub_);
        if (!clock) return -1;
        const auto real = std::chrono::system_clock::now().time_since_epoch();
        const auto real_ms = std::chrono::duration_cast<Millis>(real).count();
        return ((*clock)->now().ms - real_ms + 1'800'000) / 3'600'000;
    }

    std::string clock_in_status() {
        auto ledger = Ledger::open(hub_, unused_);
        EXPECT_TRUE(ledger);
        if (!ledger) return {};
        const auto status = Admin{*ledger, random_}.run("status", {});
        EXPECT_TRUE(status);
        return status ? std::string{status->at("clock").as_string()} : std::string{};
    }

    test::TempDir dir_;
    std::filesystem::path hub_ = dir_.path() / "hub";
    test::SeededRandom random_{1};
    test::ManualClock unused_;
};

TEST_F(HubClockTest, AHubLivesByTheMachinesClock) {
    ASSERT_TRUE(test::init_hub(hub_, random_));
    EXPECT_EQ(hours_ahead(), 0);
    EXPECT_EQ(clock_in_status(), "real");
}

TEST_F(HubClockTest, AClockFileLaidIntoARealHubChangesNothing) {
    ASSERT_TRUE(test::init_hub(hub_, random_));
    std::ofstream(hub_ / "clock") << "wall_offset_ms = 10800000\n";
    EXPECT_EQ(hours_ahead(), 0);
    EXPECT_EQ(clock_in_status(), "real");
}

TEST_F(HubClockTest, ADemonstrationHubKeepsItsOwnCopyOfTheClockAndSaysSo) {
    const auto given = clock_file("wall_offset_ms = 10800000\n");
    ASSERT_TRUE(test::init_hub(hub_, random_, given));
    std::filesystem::remove(given);
    EXPECT_EQ(hours_ahead(), 3);
    EXPECT_EQ(clock_in_status(), "simulated");
}

TEST_F(HubClockTest, ADemonstrationHubNeverFallsBackToTheMachinesClock) {
    ASSERT_TRUE(test::init_hub(hub_, random_, clock_file("wall_offset_ms = 10800000\n")));
    std::filesystem::remove(simulated_clock_of(hub_));
    EXPECT_EQ(open_clock(hub_).error().code, ErrorCode::kNotFound);
}

TEST_F(HubClockTest, NoHubIsMadeWithAClockFileThatCannotBeUsed) {
    EXPECT_EQ(test::init_hub(hub_, random_, clock_file("three hours\n")).error().code,
              ErrorCode::kInvalidInput);
    EXPECT_EQ(test::init_hub(hub_, random_, dir_.path() / "absent").error().code,
              ErrorCode::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(hub_));
}

class AdminTest : public HubTest {};

TEST_F(AdminTest, TheListSaysWhenADeviceWasLastHeardOf) {
    test::SeededRandom random{2};
    Admin admin{*ledger_, random};
    const auto added = admin.run("device add", {{"name", "tablet"}});
    ASSERT_TRUE(added) << added.error().message;
    device_.replica_.device = *parse_id<DeviceId>(std::string{added->at("device").as_string()});
    const auto last = [&] {
        return admin.run("device list", {})->at("devices").as_array()[0].at("last_received");
    };
    EXPECT_TRUE(last().is_null());
    device_.save_client();
    push(device_);
    EXPECT_EQ(last(), boost::json::value(format_instant(clock_.now())));
}

}  // namespace
}  // namespace streetlog::hub

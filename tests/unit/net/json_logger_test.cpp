#include "sync/net/json_logger.hpp"

#include <type_traits>

#include <gtest/gtest.h>

namespace streetlog::net {
namespace {

class FixedClock final : public Clock {
  public:
    ClockReading read() override { return {.wall = Instant{1'795'442'709'250}}; }
};

// A name in a variable must not compile.
static_assert(!std::is_constructible_v<Field, const char (&)[5], std::string>);
static_assert(!std::is_constructible_v<Field, const char (&)[5], std::string_view>);
static_assert(!std::is_constructible_v<Field, const char (&)[5], const char*>);
static_assert(!std::is_convertible_v<std::string_view, LogText>);
static_assert(!std::is_convertible_v<const char*, LogText>);

TEST(JsonLogger, ALineHoldsTimeLevelEventAndFields) {
    DeviceId device;
    device.bytes[15] = 0xa1;
    const std::string line =
        format_log_line(FixedClock().now(),
                        LogLevel::kWarning,
                        "push_refused",
                        {{"device", device},
                         {"records", 12U},
                         {"took", Millis{250}},
                         {"again", true},
                         {"code", ErrorCode::kTooLarge},
                         {"peer", LogText::vouched(std::string_view("127.0.0.1:80"))}});
    EXPECT_EQ(line,
              R"({"ts":"2026-11-23T14:05:09.250Z","level":"warning","event":"push_refused",)"
              R"("device":"000000000000000000000000000000a1","records":12,"took":250,"again":true,)"
              R"("code":"too_large","peer":"127.0.0.1:80"})");
}

TEST(JsonLogger, NothingInAFieldCanBreakTheLine) {
    const std::string line = format_log_line(
        Instant{},
        LogLevel::kInfo,
        "x",
        {{"path", LogText::vouched(std::string_view("a\"b\\c\nd\x01\x7f\xc3\xa9"))}});
    EXPECT_NE(line.find(R"("path":"a\"b\\c\u000ad\u0001\u007f)"
                        "\xc3\xa9\"}"),
              std::string::npos)
        << line;
}

TEST(JsonLogger, EventsGoToStderrOneALineAndBelowTheLeastLevelNowhere) {
    FixedClock clock;
    testing::internal::CaptureStderr();
    {
        JsonLogger logger(clock, LogLevel::kInfo);
        logger.event(LogLevel::kDebug, "dropped");
        logger.event(LogLevel::kInfo, "started", {{"port", 8080}});
        logger.event(LogLevel::kError, "failed {} %v");
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              R"({"ts":"2026-11-23T14:05:09.250Z","level":"info","event":"started","port":8080})"
              "\n"
              R"({"ts":"2026-11-23T14:05:09.250Z","level":"error","event":"failed {} %v"})"
              "\n");
}

}  // namespace
}  // namespace streetlog::net

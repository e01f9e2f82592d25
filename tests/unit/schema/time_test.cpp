#include "schema/time.hpp"

#include <gtest/gtest.h>

namespace streetlog {
namespace {

TEST(Time, DatesThatDoNotExistAreRefused) {
    EXPECT_TRUE(parse_date("2024-02-29"));
    for (const char* bad :
         {"2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "2026-01-01 ", "", "x"}) {
        EXPECT_FALSE(parse_date(bad)) << bad;
    }
}

TEST(Time, InstantsSurviveFormatting) {
    const auto t = parse_instant("2026-11-23T14:05:09.250Z");
    ASSERT_TRUE(t);
    EXPECT_EQ(format_instant(*t), "2026-11-23T14:05:09.250Z");
    EXPECT_EQ(parse_instant("2026-11-23T09:05:09.250-05:00"), t);
    EXPECT_EQ(parse_instant("2026-11-23 09:05:09.250", -300), t);
    EXPECT_FALSE(parse_instant("2026-11-23 09:05:09"));
    EXPECT_FALSE(parse_instant("2026-11-23T25:00:00Z"));
    EXPECT_EQ(format_instant(Instant{-1}), "1969-12-31T23:59:59.999Z");
}

TEST(Time, TheDayDependsOnTheOffset) {
    const auto t = parse_instant("2026-11-23T03:00:00Z");
    ASSERT_TRUE(t);
    EXPECT_EQ(format_date(date_of(*t, 0)), "2026-11-23");
    EXPECT_EQ(format_date(date_of(*t, -300)), "2026-11-22");
}

}  // namespace
}  // namespace streetlog

#include "sync/timeliness/day_bucket.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

TEST(DayBucket, RowsBeginAndEndWhereHudSays) {
    const struct {
        const char* created;
        std::string_view row;
    } cases[] = {
        {"2026-02-26", "< 0 days"},
        {"2026-02-27", "0 days"},
        {"2026-02-28", "1-3 days"},
        {"2026-03-02", "1-3 days"},
        {"2026-03-03", "4-6 days"},
        {"2026-03-05", "4-6 days"},
        {"2026-03-06", "7-10 days"},
        {"2026-03-09", "7-10 days"},
        {"2026-03-10", "11+ days"},
        {"2036-03-10", "11+ days"},
    };

    const Date event = parse_date("2026-02-27").value();
    for (const auto& c : cases)
        EXPECT_EQ(name_of(day_bucket(parse_date(c.created).value(), event)), c.row) << c.created;
}

TEST(DayBucket, TwentyMinutesOverMidnightAreOneToThreeDays) {
    const Instant event = parse_instant("2026-11-23T23:50:00-06:00").value();
    const Instant created = parse_instant("2026-11-24T00:10:00-06:00").value();
    EXPECT_EQ(created - event, std::chrono::minutes{20});
    EXPECT_EQ(day_bucket(date_of(created, -360), date_of(event, -360)), DayBucket::kOneToThree);
}

}  // namespace
}  // namespace streetlog::sync

#include "sync/change/cells.hpp"

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"

namespace streetlog::sync {
namespace {

namespace col = hud::col;

const hud::Column& column(std::uint16_t id) { return *hud::find_column(id); }

struct RoundTrip {
    const char* name;
    std::uint16_t column;
    const char* text;
};

TEST(Cells, TextComesBackFromEveryType) {
    const RoundTrip kCases[] = {
        {"string", col::client::kFirstName, "Zoë"},
        {"code", col::client::kNameDataQuality, "1"},
        {"date", col::client::kDOB, "1904-02-29"},
        {"first day", col::client::kDOB, "0001-01-01"},
        {"last day", col::client::kDOB, "9999-12-31"},
        {"id", col::enrollment::kHouseholdID, "00112233445566778899aabbccddeeff"},
        {"key", col::enrollment::kPersonalID, "00112233445566778899aabbccddeeff"},
        {"our id", col::household::kHeadEnrollmentID, "00112233445566778899aabbccddeeff"},
        {"money", col::income_benefits::kEarnedAmount, "1250.50"},
        {"instant", col::interaction::kOccurredAt, "2026-11-23T14:05:09.250Z"},
        {"nothing", col::client::kSSN, ""},
    };
    for (const RoundTrip& one : kCases) {
        const auto cell = make_cell(column(one.column), one.text);
        ASSERT_TRUE(cell) << one.name;
        EXPECT_EQ(to_text(column(one.column), *cell), one.text) << one.name;
        EXPECT_EQ(is_filled(&*cell), *one.text != '\0') << one.name;
    }
}

TEST(Cells, DatesAreDaysAndIdsAreBytes) {
    EXPECT_EQ(make_cell(column(col::client::kDOB), "1970-01-02")->value,
              CellValue{std::int64_t{1}});
    const auto id = make_cell(column(col::enrollment::kHouseholdID), std::string(32, 'a'));
    EXPECT_EQ(id->value, CellValue{Bytes(16, 0xaa)});
    EXPECT_EQ(id_in(&*id), parse_id<EntityId>(std::string(32, 'a')));
}

TEST(Cells, RefusalNamesColumnAndRuleButNotTheValue) {
    const auto bad = make_cell(column(col::client::kDOB), "Zebulon");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(bad.error().message.find("Client.DOB"), std::string::npos);
    EXPECT_EQ(bad.error().message.find("Zebulon"), std::string::npos);
}

TEST(Cells, AnswerClassReadsThem) {
    const hud::Group& group = *hud::find_group(hud::grp::kHouseholdHead);
    std::vector<Cell> cells{make_cell(column(col::household::kHeadEnrollmentID), EntityId{{1}})};
    EXPECT_EQ(hud::answer_class(group, views(cells)), hud::AnswerClass::kFull);
    cells[0].value = Absent{};
    EXPECT_EQ(hud::answer_class(group, views(cells)), hud::AnswerClass::kNothing);
}

TEST(Cells, ADayOutsideTheCalendarIsNoDate) {
    const Cell far{.column = col::client::kDOB, .value = std::int64_t{2'932'897}};
    EXPECT_FALSE(date_in(&far));
    EXPECT_EQ(to_text(column(col::client::kDOB), far), "");
    const Cell early{.column = col::client::kDOB, .value = std::int64_t{-719'163}};
    EXPECT_FALSE(date_in(&early));
}

}  // namespace
}  // namespace streetlog::sync

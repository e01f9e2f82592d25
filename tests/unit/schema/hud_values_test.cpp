#include <string>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "schema/hud/values.hpp"

namespace streetlog::hud {
namespace {

const Column& column(std::uint16_t id) { return *find_column(id); }

/// What `text` becomes after a round through the cell, or "refused".
std::string round_trip(std::uint16_t id,
                       std::string_view text,
                       CodeCheck check = CodeCheck::kListed) {
    const auto value = parse_value(column(id), text, check);
    return value ? format_value(column(id), view(column(id), *value)) : "refused";
}

TEST(HudValues, EmptyTextIsAbsentEverywhere) {
    for (const Column& one : columns()) {
        const auto value = parse_value(one, "");
        ASSERT_TRUE(value) << one.name;
        EXPECT_EQ(value->kind, CellView::Kind::kAbsent) << one.name;
    }
}

TEST(HudValues, CodesMustBeInTheirList) {
    const std::uint16_t quality = col::client::kNameDataQuality;
    EXPECT_EQ(round_trip(quality, "99"), "99");
    for (const char* bad : {"3", "-1", "1.0", " 1", "1 ", "one", "99999999999999999999"}) {
        EXPECT_EQ(round_trip(quality, bad), "refused") << bad;
    }
    EXPECT_EQ(round_trip(quality, "3", CodeCheck::kAny), "3");
    EXPECT_EQ(round_trip(quality, "x", CodeCheck::kAny), "refused");
    EXPECT_EQ(round_trip(col::exit::kDestination, "37"), "refused")
        << "in the list, but not for this column";
    EXPECT_EQ(round_trip(col::enrollment::kVAMCStation, "459GE"), "459GE");
    EXPECT_EQ(round_trip(col::enrollment::kVAMCStation, "XX"), "refused");
    EXPECT_EQ(round_trip(col::services::kTypeProvided, "200"), "200");
    EXPECT_EQ(round_trip(col::services::kTypeProvided, "199"), "refused");
}

TEST(HudValues, NumbersOfJsonObeyTheSameRules) {
    EXPECT_TRUE(parse_number(column(col::client::kNameDataQuality), 1));
    EXPECT_FALSE(parse_number(column(col::client::kNameDataQuality), 3));
    EXPECT_FALSE(parse_number(column(col::client::kYearSeparated), -1));
    EXPECT_FALSE(parse_number(column(col::client::kYearSeparated), 2'147'483'648));
    EXPECT_FALSE(parse_number(column(col::client::kFirstName), 1));
    EXPECT_TRUE(parse_number(column(col::interaction::kLatitude), -12'345'678))
        << "south of the equator";
}

TEST(HudValues, DatesMustExist) {
    EXPECT_EQ(round_trip(col::client::kDOB, "2024-02-29"), "2024-02-29");
    for (const char* bad :
         {"2026-02-29", "2026-2-1", "01/02/2026", "2026-01-01 ", "2026-01-01 00:00:00"}) {
        EXPECT_EQ(round_trip(col::client::kDOB, bad), "refused") << bad;
    }
    EXPECT_EQ(round_trip(col::imported_row::kSourceDateCreated, "2026-01-02 23:59:59"),
              "2026-01-02 23:59:59");
    for (const char* bad :
         {"2026-01-02", "2026-01-02T23:59:59", "2026-01-02 24:00:00", "2026-01-02 23:59:59Z"}) {
        EXPECT_EQ(round_trip(col::imported_row::kSourceDateCreated, bad), "refused") << bad;
    }
    EXPECT_EQ(round_trip(col::interaction::kOccurredAt, "2026-01-02T03:04:05-05:00"),
              "2026-01-02T08:04:05.000Z");
    EXPECT_EQ(round_trip(col::interaction::kOccurredAt, "2026-01-02T03:04:05"), "refused")
        << "no zone";
}

TEST(HudValues, LengthCountsCharactersNotBytes) {
    const std::uint16_t name = col::client::kFirstName;
    ASSERT_EQ(column(name).max_length, 50);
    std::string fifty;
    for (int i = 0; i < 50; ++i) fifty += "\xC3\xA9";
    EXPECT_EQ(round_trip(name, fifty), fifty);
    EXPECT_EQ(round_trip(name, fifty + "x"), "refused");
}

TEST(HudValues, TextMustBeWellFormed) {
    using namespace std::string_view_literals;
    for (const auto bad : {"\xFF"sv,
                           "a\xC3"sv,
                           "\xC0\x80"sv,
                           "\xED\xA0\x80"sv,
                           "\xF4\x90\x80\x80"sv,
                           "\xE0\x80\x80"sv,
                           "a\0b"sv}) {
        EXPECT_EQ(round_trip(col::client::kFirstName, bad), "refused");
    }
    EXPECT_EQ(round_trip(col::client::kFirstName, "\xF0\x9F\x99\x82"), "\xF0\x9F\x99\x82");
}

TEST(HudValues, MoneyIsWholeCents) {
    const std::uint16_t amount = col::income_benefits::kEarnedAmount;
    EXPECT_EQ(parse_value(column(amount), "1250.5")->i, 125'050);
    EXPECT_EQ(round_trip(amount, "1250.5"), "1250.50");
    EXPECT_EQ(round_trip(amount, "7"), "7.00");
    EXPECT_EQ(round_trip(amount, "0.05"), "0.05");
    for (const char* bad :
         {"-1", "+1", "$5", "1,000.00", "1.234", ".5", "5.", "1.2.3", "1000000000000", "1.-1"}) {
        EXPECT_EQ(round_trip(amount, bad), "refused") << bad;
    }
}

TEST(HudValues, IdsAndDataAreHex) {
    const std::string id = "0123456789ABCDEF0123456789abcdef";
    EXPECT_EQ(round_trip(col::household::kHeadEnrollmentID, id),
              "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(round_trip(col::household::kHeadEnrollmentID, id.substr(1)), "refused");
    EXPECT_EQ(round_trip(col::hub_device::kSecretDigest, "00ff"), "00ff");
    EXPECT_EQ(round_trip(col::hub_device::kSecretDigest, "0ff"), "refused");
}

TEST(HudValues, ErrorsNameColumnAndRuleNotTheValue) {
    const auto refused = parse_value(column(col::client::kDOB), "31.12.1980");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(refused.error().message.find("Client.DOB"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("1980"), std::string::npos);
    const auto code = parse_value(column(col::client::kVeteranStatus), "77");
    EXPECT_NE(code.error().message.find("1.8"), std::string::npos);
    EXPECT_EQ(code.error().message.find("77"), std::string::npos);
}

}  // namespace
}  // namespace streetlog::hud

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/row.hpp"

/// HUD FY2026 data standards 3.01 to 3.04.
namespace streetlog::sync::validation {
namespace {

namespace col = hud::col::client;

constexpr std::int64_t kFull = 1;
constexpr std::array<std::int64_t, 3> kNoAnswer{8, 9, 99};
constexpr Date kEarliestBirth{std::chrono::year{1900}, std::chrono::January, std::chrono::day{1}};
/// HUD's data quality report flags births before this day.
constexpr Date kPlausibleBirth{std::chrono::year{1915}, std::chrono::January, std::chrono::day{1}};

struct Quality {
    std::uint16_t group = 0;
    std::uint16_t quality = 0;
    std::span<const std::uint16_t> values;  // empty when the answer is a refusal
    std::span<const std::uint16_t> needed;  // filled when the answer is full
};

constexpr std::array kNameParts{
    col::kFirstName, col::kMiddleName, col::kLastName, col::kNameSuffix};
constexpr std::array kNameNeeded{col::kFirstName, col::kLastName};
constexpr std::array kSsn{col::kSSN};
constexpr std::array kDob{col::kDOB};

constexpr std::array<Quality, 3> kQualities{{
    {hud::grp::kClientName, col::kNameDataQuality, kNameParts, kNameNeeded},
    {hud::grp::kClientSsn, col::kSSNDataQuality, kSsn, kSsn},
    {hud::grp::kClientDob, col::kDOBDataQuality, kDob, kDob},
}};

void check_quality(Save& save, const Op& op, const Quality& rules) {
    const auto quality = number_in(find_cell(op.cells, rules.quality));
    if (!quality) return;
    const auto name = [](std::uint16_t id) { return hud::find_column(id)->name; };
    if (std::ranges::find(kNoAnswer, *quality) != kNoAnswer.end()) {
        for (const std::uint16_t id : rules.values) {
            if (!is_filled(find_cell(op.cells, id))) continue;
            save.error(rule::kRefusedWithValue,
                       op,
                       id,
                       fmt::format("{} must be empty when {} says it is not known, refused or not "
                                   "collected",
                                   name(id),
                                   name(rules.quality)));
        }
    }
    if (*quality != kFull) return;
    for (const std::uint16_t id : rules.needed) {
        if (is_filled(find_cell(op.cells, id))) continue;
        save.error(
            rule::kFullButIncomplete,
            op,
            id,
            fmt::format("{} is needed when {} says it is complete", name(id), name(rules.quality)));
    }
}

/// Numbers that were never given out. Only for nine digits.
bool is_plausible(std::string_view ssn) {
    const std::string_view area = ssn.substr(0, 3);
    if (area == "000" || area == "666" || area[0] == '9') return false;
    if (ssn.substr(3, 2) == "00" || ssn.substr(5) == "0000") return false;
    if (std::ranges::all_of(ssn, [&](char c) { return c == ssn[0]; })) return false;
    return ssn != "123456789" && ssn != "987654321";
}

void check_ssn(Save& save, const Op& op) {
    constexpr std::size_t kLength = 9;
    const std::string_view ssn = text_in(find_cell(op.cells, col::kSSN));
    if (ssn.empty()) return;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool shaped = ssn.size() == kLength && std::ranges::all_of(ssn, [&](char c) {
                            return is_digit(c) || c == 'x' || c == 'X';
                        });
    if (!shaped) {
        save.error(rule::kSsnShape,
                   op,
                   col::kSSN,
                   "SSN: nine characters are needed, digits or x for a digit that is not known");
        return;
    }
    if (!std::ranges::all_of(ssn, is_digit)) {
        if (number_in(find_cell(op.cells, col::kSSNDataQuality)) == kFull) {
            save.error(rule::kFullButIncomplete,
                       op,
                       col::kSSN,
                       "SSN has omitted digits, so SSNDataQuality cannot say it is complete");
        }
    } else if (!is_plausible(ssn)) {
        save.warning(
            rule::kSsnImplausible, op, col::kSSN, "SSN: no such number was ever given out");
    }
}

void check_birth(Save& save, const Op& op) {
    const auto birth = date_in(find_cell(op.cells, col::kDOB));
    if (!birth) return;
    if (*birth > save.day()) {
        save.error(rule::kDobLater, op, col::kDOB, "DOB lies after the day of the interaction");
    } else if (*birth < kEarliestBirth) {
        save.error(rule::kDobTooEarly, op, col::kDOB, "DOB lies before 1900");
    } else if (*birth < kPlausibleBirth) {
        save.warning(rule::kDobEarly, op, col::kDOB, "DOB lies before 1915; is the year right?");
    }
}

void check_race(Save& save, const Op& op) {
    constexpr std::array kBoxes{col::kAmIndAKNative,
                                col::kAsian,
                                col::kBlackAfAmerican,
                                col::kHispanicLatinao,
                                col::kMidEastNAfrican,
                                col::kNativeHIPacific,
                                col::kWhite};
    const bool some = std::ranges::any_of(
        kBoxes, [&](std::uint16_t box) { return number_in(find_cell(op.cells, box)) == 1; });
    if (some && is_filled(find_cell(op.cells, col::kRaceNone))) {
        save.error(rule::kRaceContradiction,
                   op,
                   col::kRaceNone,
                   "RaceNone must be empty when a race or ethnicity is chosen");
    }
}

}  // namespace

void check_client(Save& save, const Op& op) {
    if (op.table != hud::tbl::kClient) return;
    for (const Quality& rules : kQualities) {
        if (rules.group == op.group) check_quality(save, op, rules);
    }
    if (op.group == hud::grp::kClientSsn) check_ssn(save, op);
    if (op.group == hud::grp::kClientDob) check_birth(save, op);
    if (op.group == hud::grp::kClientRace) check_race(save, op);
}

}  // namespace streetlog::sync::validation

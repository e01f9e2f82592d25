#pragma once

#include <cstdint>
#include <string_view>

#include "schema/time.hpp"

namespace streetlog::sync {

/// Rows of APR/CAPER Q6e, "Timeliness" (HUD FY2026). Whole calendar days; it says nothing about
/// the 24-hour window: 23:50 to 00:10 is twenty minutes and "1-3 days".
enum class DayBucket : std::uint16_t {
    kBelowZero = 0,
    kZero = 1,
    kOneToThree = 2,
    kFourToSix = 3,
    kSevenToTen = 4,
    kElevenOrMore = 5
};

/// `created` is the day of DateCreated, `event` the day of EntryDate or ExitDate, both in the same
/// local zone. Requires: both are dates that exist.
[[nodiscard]] DayBucket day_bucket(Date created, Date event);

/// HUD's label of the row: "1-3 days".
[[nodiscard]] std::string_view name_of(DayBucket bucket);

}  // namespace streetlog::sync

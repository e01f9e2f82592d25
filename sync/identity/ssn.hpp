#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace streetlog::sync {

/// The number of a Social Security number that can be somebody's own; blanks and hyphens are
/// skipped. None for anything but nine digits and for what no person has:
///
/// - area 000, 666 or 900 to 999, group 00, serial 0000 (never given out: ssa.gov, "Social Security
///   Number Randomization");
/// - nine equal digits, digits in a row (123456789, 876543210), two or three digits over and over;
/// - numbers printed in wallets and advertisements, which thousands gave as their own (ssa.gov,
///   "Social Security cards issued by Woolworth", and SSA's list of misused numbers).
[[nodiscard]] std::optional<std::uint32_t> valid_ssn(std::string_view text);

}  // namespace streetlog::sync

#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schema/id.hpp"

namespace streetlog::sync {

/// An error blocks Save on the device; a warning is shown and saved past. Neither makes the hub
/// refuse a record.
enum class FindingSeverity : std::uint8_t { kError, kWarning };

/// One broken rule. `message` is for people and never holds the value that broke it.
struct Finding {
    FindingSeverity severity = FindingSeverity::kError;
    std::string_view rule;  // one of namespace rule, stable
    std::uint16_t table = 0;
    std::uint16_t column = 0;  // 0: the row or the record as a whole
    EntityId entity;
    std::string message;

    friend bool operator==(const Finding&, const Finding&) = default;
};

[[nodiscard]] inline bool has_errors(std::span<const Finding> findings) {
    return std::ranges::any_of(
        findings, [](const Finding& f) { return f.severity == FindingSeverity::kError; });
}

/// Names of the rules, for programs and reports. The words a person reads are in Finding::message.
namespace rule {
// What an op may hold at all.
inline constexpr std::string_view kUnknownTarget = "op.unknown_target";
inline constexpr std::string_view kForeignColumn = "op.foreign_column";
inline constexpr std::string_view kCellOrder = "op.cell_order";
inline constexpr std::string_view kImmutable = "op.immutable_group";
// One value.
inline constexpr std::string_view kType = "value.type";
inline constexpr std::string_view kCode = "value.code";
inline constexpr std::string_view kDate = "value.date";
inline constexpr std::string_view kText = "value.text";
inline constexpr std::string_view kNumber = "value.number";
inline constexpr std::string_view kCocCode = "value.coc_code";
// One row.
inline constexpr std::string_view kRequired = "row.required";
inline constexpr std::string_view kNullUnless = "row.null_unless";
inline constexpr std::string_view kRefusedWithValue = "quality.refused_with_value";
inline constexpr std::string_view kFullButIncomplete = "quality.full_but_incomplete";
inline constexpr std::string_view kSsnShape = "ssn.shape";
inline constexpr std::string_view kSsnImplausible = "ssn.implausible";
inline constexpr std::string_view kDobLater = "dob.after_interaction";
inline constexpr std::string_view kDobTooEarly = "dob.before_1900";
inline constexpr std::string_view kDobEarly = "dob.before_1915";
inline constexpr std::string_view kRaceContradiction = "race.none_and_some";
// A stay.
inline constexpr std::string_view kEntryLater = "entry.after_interaction";
inline constexpr std::string_view kExitLater = "exit.after_interaction";
inline constexpr std::string_view kExitBeforeEntry = "exit.before_entry";
inline constexpr std::string_view kContactLater = "contact.after_interaction";
inline constexpr std::string_view kHeadCount = "household.head_count";
inline constexpr std::string_view kHeadMismatch = "household.head_mismatch";
}  // namespace rule

}  // namespace streetlog::sync

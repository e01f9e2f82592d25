#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/error.hpp"
#include "schema/hud/catalogue.hpp"

namespace streetlog::hud {

/// A value ready to be stored as a cell. By the column's type:
///   integer          kInteger
///   money            kInteger, cents
///   instant          kInteger, milliseconds since 1970 in UTC
///   string           kText
///   date, datetime   kText, "2026-11-23" and "2026-11-23 14:05:09" (HUD's local time, no zone)
///   id               kText, 32 lower-case hex digits
///   data             kData
struct Value {
    CellView::Kind kind = CellView::Kind::kAbsent;
    std::int64_t i = 0;
    std::string s;

    friend bool operator==(const Value&, const Value&) = default;
};

/// The cell `value` would be; it views `value`.
[[nodiscard]] CellView view(const Column& column, const Value& value) noexcept;

/// kAny lets a whole number pass that is not in the column's list: what another system exported is
/// kept and becomes a finding.
enum class CodeCheck : std::uint8_t { kListed, kAny };

/// Text as a form, a JSON document or a CSV file gives it. Empty text is an absent value, in every
/// column: what must be filled is for the export and the rules of sync/validate. Blanks around a
/// number or a date are refused.
///
/// kInvalidInput names the column and the rule, never the value. A column whose list hangs on
/// another one (see Column::list_key) is checked against all its lists together.
[[nodiscard]] Result<Value> parse_value(const Column& column,
                                        std::string_view text,
                                        CodeCheck check = CodeCheck::kListed);

/// A number as JSON gives it: for integer columns (list, range), money (whole cents) and instants
/// (milliseconds).
[[nodiscard]] Result<Value> parse_number(const Column& column,
                                         std::int64_t number,
                                         CodeCheck check = CodeCheck::kListed);

/// The text that parse_value reads back: of money "12.50", of data hex digits, of an instant
/// "2026-11-23T14:05:09.250Z". Empty when absent, redacted or of another type than the column.
[[nodiscard]] std::string format_value(const Column& column, const CellView& cell);

}  // namespace streetlog::hud

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "schema/hud/values.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/validate.hpp"

namespace streetlog::sync {
namespace {

using hud::ColumnType;
using Problem = std::optional<ValueProblem>;

ValueProblem problem(std::string_view rule, std::string message) {
    return ValueProblem{.rule = rule, .message = std::move(message)};
}

std::string list_of(const hud::Column& column) {
    if (column.list.empty()) return "not a code of any of its lists";
    return fmt::format("not an allowed code of list {}", column.list);
}

/// hud's refusals read "Table.Column: words".
std::string words_of(const Error& error) {
    const std::size_t colon = error.message.find(": ");
    return colon == std::string::npos ? error.message : error.message.substr(colon + 2);
}

Problem check_number(const hud::Column& column, std::int64_t number) {
    if (column.type == ColumnType::kDate) {
        const Cell cell{.column = column.id, .value = number};
        if (date_in(&cell)) return std::nullopt;
        return problem(rule::kDate, "not a day of the years 1 to 9999");
    }
    if (!hud::parse_number(column, number, hud::CodeCheck::kAny)) {
        return problem(rule::kNumber, "number out of range");
    }
    if (column.type == ColumnType::kInteger && !hud::allowed_code(column, number)) {
        return problem(rule::kCode, list_of(column));
    }
    return std::nullopt;
}

bool is_coc_column(const hud::Column& column) {
    return column.id == hud::col::enrollment::kEnrollmentCoC || column.name == "CoCCode";
}

Problem check_text(const hud::Column& column, const std::string& text) {
    if (text.empty()) return problem(rule::kText, "empty text is stored as no value");
    if (column.type == ColumnType::kString && column.code_list != nullptr &&
        hud::find_code(*column.code_list, text) == nullptr) {
        return problem(rule::kCode, list_of(column));
    }
    const auto parsed = hud::parse_value(column, text, hud::CodeCheck::kAny);
    if (!parsed) {
        const bool date = column.type == ColumnType::kDateTime;
        return problem(date ? rule::kDate : rule::kText, words_of(parsed.error()));
    }
    if (is_coc_column(column) && !hud::is_coc_code(text)) {
        return problem(rule::kCocCode, "not a CoC code of the FY2026 list, such as CA-600");
    }
    return std::nullopt;
}

enum class Shape : std::uint8_t { kNumber, kText, kId, kData };

Shape shape_of(const hud::Column& column) {
    if (holds_id(column)) return Shape::kId;
    switch (column.type) {
        case ColumnType::kString:
        case ColumnType::kDateTime:
            return Shape::kText;
        case ColumnType::kData:
        case ColumnType::kId:
            return Shape::kData;
        default:
            return Shape::kNumber;
    }
}

}  // namespace

Problem check_value(const hud::Column& column, const CellValue& value) {
    if (std::holds_alternative<Absent>(value) || std::holds_alternative<Redacted>(value)) {
        return std::nullopt;
    }
    switch (shape_of(column)) {
        case Shape::kNumber:
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                return check_number(column, *number);
            }
            return problem(
                rule::kType,
                column.type == ColumnType::kDate ? "a date is needed" : "a number is needed");
        case Shape::kText:
            if (const auto* text = std::get_if<std::string>(&value)) {
                return check_text(column, *text);
            }
            return problem(rule::kType, "text is needed");
        case Shape::kId: {
            const auto* bytes = std::get_if<Bytes>(&value);
            if (bytes != nullptr && bytes->size() == EntityId{}.bytes.size()) return std::nullopt;
            return problem(rule::kType, "an id of 16 bytes is needed");
        }
        case Shape::kData:
            if (std::holds_alternative<Bytes>(value)) return std::nullopt;
            return problem(rule::kType, "bytes are needed");
    }
    return std::nullopt;
}

}  // namespace streetlog::sync

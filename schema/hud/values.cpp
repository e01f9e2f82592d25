#include "schema/hud/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "schema/id.hpp"
#include "schema/time.hpp"

namespace streetlog::hud {
namespace {

/// Whole numbers of records: counts, years, codes, and places in millionths of a degree fit well
/// inside.
constexpr std::int64_t kIntegerMax = 2'147'483'647;
/// A cent short of a hundred million dollars: no income or grant is near it.
constexpr std::int64_t kCentsMax = 9'999'999'999;
/// Tables below are HUD's, where no number is negative.
constexpr std::uint16_t kFirstOwnTable = 500;
constexpr std::size_t kIdBytes = 16;

std::string name_of(const Column& column) {
    const Table* table = find_table(column.table);
    return fmt::format("{}.{}", table == nullptr ? "_life" : table->name, column.name);
}

std::unexpected<Error> refuse(const Column& column, std::string_view rule) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}: {}", name_of(column), rule));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(end - text.size(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

/// Bytes of the UTF-8 sequence that begins with `lead`; 0 when none does.
std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

/// Characters of well-formed UTF-8; nothing for anything else: cut, overlong, surrogate, beyond the
/// last plane, or NUL.
std::optional<std::size_t> count_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++count) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = sequence_length(lead);
        if (lead == 0 || length == 0 || text.size() - i < length) return std::nullopt;
        for (std::size_t k = 1; k < length; ++k) {
            const auto byte = static_cast<unsigned char>(text[i + k]);
            if (byte < 0x80 || byte > 0xBF) return std::nullopt;
            if (k > 1) continue;
            if ((lead == 0xE0 && byte < 0xA0) || (lead == 0xED && byte > 0x9F)) return std::nullopt;
            if ((lead == 0xF0 && byte < 0x90) || (lead == 0xF4 && byte > 0x8F)) return std::nullopt;
        }
        i += length;
    }
    return count;
}

Value integer(std::int64_t i) { return Value{.kind = CellView::Kind::kInteger, .i = i, .s = {}}; }

Value text_value(std::string s) {
    return Value{.kind = CellView::Kind::kText, .i = 0, .s = std::move(s)};
}

Result<Value> parse_string(const Column& column, std::string_view text, CodeCheck check) {
    const auto characters = count_characters(text);
    if (!characters) return refuse(column, "not well-formed UTF-8 text");
    if (*characters > column.max_length) {
        return refuse(column, fmt::format("longer than {} characters", column.max_length));
    }
    const bool listed =
        column.code_list == nullptr || find_code(*column.code_list, text) != nullptr;
    if (!listed && check == CodeCheck::kListed) {
        return refuse(column, fmt::format("not a code of list {}", column.list));
    }
    return text_value(std::string{text});
}

/// "12", "12.5" or "12.50"; no sign, no separator.
Result<Value> parse_money(const Column& column, std::string_view text) {
    constexpr std::string_view kRule = "not an amount such as 1250 or 1250.50";
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string digits{text.substr(0, point)};
    std::string cents{point < text.size() ? text.substr(point + 1) : "00"};
    if (digits.empty() || cents.empty() || cents.size() > 2) return refuse(column, kRule);
    if (cents.size() == 1) cents += '0';
    digits += cents;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!std::ranges::all_of(digits, is_digit)) return refuse(column, kRule);
    const auto amount = whole_number(digits);
    if (!amount || *amount > kCentsMax) return refuse(column, "amount too large");
    return integer(*amount);
}

Result<Value> parse_date_time(const Column& column, std::string_view text) {
    // Nineteen characters leave no room for a zone or milliseconds.
    constexpr std::size_t kLength = 19;
    if (text.size() != kLength || text[10] != ' ' || !parse_instant(text, 0)) {
        return refuse(column, "not a date and time of the form YYYY-MM-DD HH:MM:SS");
    }
    return text_value(std::string{text});
}

Result<Value> parse_data(const Column& column, std::string_view text) {
    std::vector<Byte> bytes(text.size() / 2);
    if (text.size() % 2 != 0 || !from_hex(text, bytes)) return refuse(column, "not hex digits");
    return Value{
        .kind = CellView::Kind::kData, .i = 0, .s = std::string(bytes.begin(), bytes.end())};
}

Result<Value> parse_identifier(const Column& column, std::string_view text) {
    std::array<Byte, kIdBytes> bytes{};
    if (!from_hex(text, bytes)) return refuse(column, "not an id of 32 hex digits");
    return text_value(to_hex(bytes));
}

}  // namespace

CellView view(const Column& column, const Value& value) noexcept {
    return CellView{.column = column.id, .kind = value.kind, .i = value.i, .s = value.s};
}

Result<Value> parse_number(const Column& column, std::int64_t number, CodeCheck check) {
    switch (column.type) {
        case ColumnType::kInteger:
            break;
        case ColumnType::kInstant:
            return integer(number);
        case ColumnType::kMoney:
            if (number < 0 || number > kCentsMax) return refuse(column, "amount out of range");
            return integer(number);
        default:
            return refuse(column, "not a number");
    }
    const std::int64_t lowest = column.table < kFirstOwnTable ? 0 : -kIntegerMax;
    if (number < lowest || number > kIntegerMax) return refuse(column, "number out of range");
    if (check == CodeCheck::kListed && !allowed_code(column, number)) {
        return refuse(column,
                      column.list.empty()
                          ? std::string{"not a code of any of its lists"}
                          : fmt::format("not an allowed code of list {}", column.list));
    }
    return integer(number);
}

Result<Value> parse_value(const Column& column, std::string_view text, CodeCheck check) {
    if (text.empty()) return Value{};
    switch (column.type) {
        case ColumnType::kString:
            return parse_string(column, text, check);
        case ColumnType::kMoney:
            return parse_money(column, text);
        case ColumnType::kDateTime:
            return parse_date_time(column, text);
        case ColumnType::kData:
            return parse_data(column, text);
        case ColumnType::kId:
            return parse_identifier(column, text);
        case ColumnType::kInteger: {
            const auto number = whole_number(text);
            if (!number) return refuse(column, "not a whole number");
            return parse_number(column, *number, check);
        }
        case ColumnType::kDate:
            if (!parse_date(text))
                return refuse(column, "not a date that exists, of the form YYYY-MM-DD");
            return text_value(std::string{text});
        case ColumnType::kInstant: {
            const auto instant = parse_instant(text);
            if (!instant)
                return refuse(column, "not a time with its zone, such as 2026-11-23T14:05:09Z");
            return integer(instant->ms);
        }
    }
    return refuse(column, "of unknown type");
}

std::string format_value(const Column& column, const CellView& cell) {
    if (cell.kind == CellView::Kind::kInteger) {
        if (column.type == ColumnType::kInteger) return fmt::format("{}", cell.i);
        if (column.type == ColumnType::kMoney)
            return fmt::format("{}.{:02}", cell.i / 100, cell.i % 100);
        if (column.type == ColumnType::kInstant) return format_instant(Instant{cell.i});
    }
    if (cell.kind == CellView::Kind::kText && column.type != ColumnType::kData)
        return std::string{cell.s};
    if (cell.kind == CellView::Kind::kData && column.type == ColumnType::kData) {
        return to_hex(std::vector<Byte>(cell.s.begin(), cell.s.end()));
    }
    return {};
}

}  // namespace streetlog::hud

#include "sync/change/cells.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"

namespace streetlog::sync {
namespace {

using hud::ColumnType;

constexpr std::int64_t kFirstDay = -719'162;  // 0001-01-01
constexpr std::int64_t kLastDay = 2'932'896;  // 9999-12-31

std::string_view characters(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The only key among HUD's values: members change household, so it is no reference of the row.
constexpr std::uint16_t kHouseholdOfMember = hud::col::enrollment::kHouseholdID;

}  // namespace

bool holds_id(const hud::Column& column) {
    return column.type == ColumnType::kId || column.role == hud::Role::kIdentity ||
           column.id == kHouseholdOfMember;
}

std::int64_t days_of(Date date) { return std::chrono::sys_days{date}.time_since_epoch().count(); }

Cell make_cell(const hud::Column& column, EntityId id) {
    return Cell{.column = column.id, .value = Bytes(id.bytes.begin(), id.bytes.end())};
}

Cell make_cell(const hud::Column& column, Date date) {
    return Cell{.column = column.id, .value = days_of(date)};
}

Cell make_cell(const hud::Column& column, std::int64_t number) {
    return Cell{.column = column.id, .value = number};
}

Result<Cell> make_cell(const hud::Column& column, std::string_view text, hud::CodeCheck check) {
    if (holds_id(column) && !text.empty()) {
        const auto id = parse_id<EntityId>(text);
        if (id) return make_cell(column, *id);
        const hud::Table* table = hud::find_table(column.table);
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("{}.{}: not an id of 32 hex digits",
                                table == nullptr ? "_life" : table->name,
                                column.name));
    }
    STREETLOG_TRY(hud::Value value, hud::parse_value(column, text, check));
    Cell cell{.column = column.id, .value = Absent{}};
    switch (value.kind) {
        case hud::CellView::Kind::kInteger:
            cell.value = value.i;
            break;
        case hud::CellView::Kind::kData:
            cell.value = Bytes(value.s.begin(), value.s.end());
            break;
        case hud::CellView::Kind::kText:
            if (column.type == ColumnType::kDate) {
                cell.value = days_of(parse_date(value.s).value());
            } else {
                cell.value = std::move(value.s);
            }
            break;
        default:
            break;
    }
    return cell;
}

hud::CellView view(const Cell& cell) {
    using Kind = hud::CellView::Kind;
    hud::CellView out{.column = cell.column, .kind = Kind::kAbsent, .i = 0, .s = {}};
    if (const auto* number = std::get_if<std::int64_t>(&cell.value)) {
        out.kind = Kind::kInteger;
        out.i = *number;
    } else if (const auto* text = std::get_if<std::string>(&cell.value)) {
        out.kind = Kind::kText;
        out.s = *text;
    } else if (const auto* data = std::get_if<Bytes>(&cell.value)) {
        out.kind = Kind::kData;
        out.s = characters(*data);
    } else if (const auto* codes = std::get_if<std::vector<std::uint16_t>>(&cell.value)) {
        out.kind = Kind::kCodes;
        out.i = std::ssize(*codes);
    } else if (std::holds_alternative<Redacted>(cell.value)) {
        out.kind = Kind::kRedacted;
    }
    return out;
}

std::vector<hud::CellView> views(std::span<const Cell> cells) {
    std::vector<hud::CellView> out;
    out.reserve(cells.size());
    for (const Cell& cell : cells) out.push_back(view(cell));
    return out;
}

std::string to_text(const hud::Column& column, const Cell& cell) {
    if (column.type == ColumnType::kDate) {
        const auto date = date_in(&cell);
        return date ? format_date(*date) : std::string{};
    }
    if (holds_id(column)) {
        const auto id = id_in(&cell);
        return id ? to_string(*id) : std::string{};
    }
    return hud::format_value(column, view(cell));
}

const Cell* find_cell(std::span<const Cell> cells, std::uint16_t column) {
    const auto found = std::ranges::find(cells, column, &Cell::column);
    return found == cells.end() ? nullptr : &*found;
}

std::optional<std::int64_t> number_in(const Cell* cell) {
    const auto* number = cell == nullptr ? nullptr : std::get_if<std::int64_t>(&cell->value);
    if (number == nullptr) return std::nullopt;
    return *number;
}

std::optional<Date> date_in(const Cell* cell) {
    const auto number = number_in(cell);
    if (!number || *number < kFirstDay || *number > kLastDay) return std::nullopt;
    return Date{std::chrono::sys_days{std::chrono::days{*number}}};
}

std::optional<EntityId> id_in(const Cell* cell) {
    const auto* bytes = cell == nullptr ? nullptr : std::get_if<Bytes>(&cell->value);
    EntityId id;
    if (bytes == nullptr || bytes->size() != id.bytes.size()) return std::nullopt;
    std::ranges::copy(*bytes, id.bytes.begin());
    return id;
}

std::string_view text_in(const Cell* cell) {
    const auto* text = cell == nullptr ? nullptr : std::get_if<std::string>(&cell->value);
    return text == nullptr ? std::string_view{} : std::string_view{*text};
}

bool is_filled(const Cell* cell) {
    if (cell == nullptr) return false;
    const hud::CellView seen = view(*cell);
    return hud::is_filled(&seen);
}

}  // namespace streetlog::sync

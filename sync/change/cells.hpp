#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/values.hpp"
#include "sync/change/record.hpp"

namespace streetlog::sync {

/// The column holds an entity's id: HUD calls its keys text of 32 characters, records hold 16
/// bytes.
[[nodiscard]] bool holds_id(const hud::Column& column);

/// The cell that `text` makes in `column`, by the column's type:
///   integer, money, instant   int64: number, cents, milliseconds since 1970
///   date                      int64: days since 1970-01-01
///   string, datetime          text
///   holds_id                  16 bytes of data
///   data                      data
/// Empty text makes an Absent cell. Refused with kInvalidInput as hud::parse_value does: column and
/// rule, never the value.
[[nodiscard]] Result<Cell> make_cell(const hud::Column& column,
                                     std::string_view text,
                                     hud::CodeCheck check = hud::CodeCheck::kListed);

[[nodiscard]] Cell make_cell(const hud::Column& column, EntityId id);
[[nodiscard]] Cell make_cell(const hud::Column& column, Date date);
[[nodiscard]] Cell make_cell(const hud::Column& column, std::int64_t number);

/// The cell as the catalogue's rules (answer classes, conditions) take it. Views `cell`.
[[nodiscard]] hud::CellView view(const Cell& cell);
[[nodiscard]] std::vector<hud::CellView> views(std::span<const Cell> cells);

/// The text make_cell reads back; empty when absent, redacted or of another type than the column.
[[nodiscard]] std::string to_text(const hud::Column& column, const Cell& cell);

/// The cell of `column`, or nullptr.
[[nodiscard]] const Cell* find_cell(std::span<const Cell> cells, std::uint16_t column);

/// What a cell holds, if it holds that. A day outside the years 1 to 9999 is no date, bytes other
/// than 16 are no id.
[[nodiscard]] std::optional<std::int64_t> number_in(const Cell* cell);
[[nodiscard]] std::optional<Date> date_in(const Cell* cell);
[[nodiscard]] std::optional<EntityId> id_in(const Cell* cell);
/// Empty when it holds no text.
[[nodiscard]] std::string_view text_in(const Cell* cell);
/// Something was entered, if only in redacted form.
[[nodiscard]] bool is_filled(const Cell* cell);

[[nodiscard]] std::int64_t days_of(Date date);

}  // namespace streetlog::sync

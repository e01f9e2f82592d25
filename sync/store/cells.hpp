#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/change/record.hpp"

/// Reading one column out of the cells of a write. Pure.
namespace streetlog::store {

[[nodiscard]] const sync::CellValue* find_value(const std::vector<sync::Cell>& cells,
                                                std::uint16_t column);

/// Empty when absent, redacted or of another type.
[[nodiscard]] std::string text_in(const std::vector<sync::Cell>& cells, std::uint16_t column);
[[nodiscard]] std::optional<std::int64_t> number_in(const std::vector<sync::Cell>& cells,
                                                    std::uint16_t column);
/// From 16 bytes of data or 32 hex digits.
[[nodiscard]] std::optional<EntityId> id_in(const std::vector<sync::Cell>& cells,
                                            std::uint16_t column);
/// "1980-04-04" from the same text or from days since 1970; empty otherwise.
[[nodiscard]] std::string date_in(const std::vector<sync::Cell>& cells, std::uint16_t column);

/// What names are found by: small letters without accents, and nothing but letters (and whatever is
/// not in Latin script, as it is).
[[nodiscard]] std::string name_key(std::string_view name);

}  // namespace streetlog::store

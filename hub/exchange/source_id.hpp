#pragma once

#include <string_view>

#include "schema/hud/catalogue.hpp"
#include "schema/id.hpp"

namespace streetlog::hub {

/// The entity that row `id` of `table` becomes: the first 16 bytes of SHA-256("streetlog-import/1",
/// system, 0, table name, 0, id). The same row of the same system is the same entity at every
/// import and at every hub.
[[nodiscard]] EntityId entity_of(std::string_view system,
                                 std::string_view table,
                                 std::string_view id);

/// The table whose ids `column` holds: itself for a primary key, the parent for a foreign key, and
/// Household for the household of an enrollment. nullptr for a column that holds no id.
[[nodiscard]] const hud::Table* referred_table(const hud::Column& column);

}  // namespace streetlog::hub

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hub/exchange/import_row.hpp"
#include "hub/exchange/import_run.hpp"

namespace streetlog::hub {

enum class RowOutcome : std::uint8_t { kCreated, kChanged, kUnchanged };

/// Turns one row into the record that brings `entity` to what the row says, and gives it to the
/// sink; writes nothing when the entity is so already. `line` is for findings.
[[nodiscard]] Result<RowOutcome> write_row(ImportRun& run,
                                           const hud::Table& table,
                                           const EntityId& entity,
                                           const ImportRow& row,
                                           std::uint64_t line);

}  // namespace streetlog::hub

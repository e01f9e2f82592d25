#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "schema/hud/catalogue.hpp"
#include "schema/time.hpp"
#include "sync/change/record.hpp"
#include "sync/validate/finding.hpp"

namespace streetlog::sync {

/// What the rules need beside the ops themselves.
struct ValidateContext {
    /// The day of the interaction where the device is; nothing may happen after it.
    Date interaction_day;
    /// Code of the project's type, where it is known.
    std::optional<std::int64_t> project_type;
    /// Cells of a register's winner before this Save; empty when there is none. May be left out:
    /// what hangs on it is then not checked.
    std::function<std::vector<Cell>(EntityId entity, std::uint16_t table, std::uint16_t group)>
        winner;
};

/// Checks one Save: every cell by itself, rows with the cells they are known to have, and the
/// record's stays and households. Findings come in the order of the ops, record-wide ones last. A
/// redacted cell counts as filled and is not looked into. Pure; any thread. Source: HUD FY2026 CSV
/// specification and data standards.
[[nodiscard]] std::vector<Finding> validate_save(std::span<const Op> ops,
                                                 const ValidateContext& context);

/// The rule that `value` breaks as a cell of `column` and why, or nothing. The message begins with
/// a small letter and does not name the column.
struct ValueProblem {
    std::string_view rule;
    std::string message;
};

[[nodiscard]] std::optional<ValueProblem> check_value(const hud::Column& column,
                                                      const CellValue& value);

}  // namespace streetlog::sync

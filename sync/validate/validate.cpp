#include "sync/validate/validate.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/row.hpp"

namespace streetlog::sync {
namespace validation {

const Op* Save::find_op(EntityId entity, std::uint16_t table, std::uint16_t group) const {
    const auto found = std::ranges::find_if(ops_, [&](const Op& op) {
        return op.entity == entity && op.table == table && op.group == group;
    });
    return found == ops_.end() ? nullptr : &*found;
}

const Op* Save::find_create(EntityId entity, std::uint16_t table) const {
    const auto found = std::ranges::find_if(ops_, [&](const Op& op) {
        return op.entity == entity && op.table == table && op.kind == OpKind::kCreate;
    });
    return found == ops_.end() ? nullptr : &*found;
}

std::vector<Cell> Save::cells_after(EntityId entity,
                                    std::uint16_t table,
                                    std::uint16_t group) const {
    if (const Op* op = find_op(entity, table, group)) return op->cells;
    if (!context_.winner || find_create(entity, table) != nullptr) return {};
    return context_.winner(entity, table, group);
}

std::vector<Cell> Save::row_of(const Op& op) const {
    std::vector<Cell> row = op.cells;
    const hud::Table* table = hud::find_table(op.table);
    if (table == nullptr) return row;
    for (const hud::Group& group : table->groups) {
        if (group.id == op.group) continue;
        std::ranges::copy(cells_after(op.entity, op.table, group.id), std::back_inserter(row));
    }
    if (context_.project_type) {
        row.push_back(
            Cell{.column = hud::col::project::kProjectType, .value = *context_.project_type});
    }
    return row;
}

void Save::add(FindingSeverity severity,
               std::string_view rule,
               const Op& op,
               std::uint16_t column,
               std::string message) {
    findings_.push_back(Finding{.severity = severity,
                                .rule = rule,
                                .table = op.table,
                                .column = column,
                                .entity = op.entity,
                                .message = std::move(message)});
}

void Save::error(std::string_view rule, const Op& op, std::uint16_t column, std::string message) {
    add(FindingSeverity::kError, rule, op, column, std::move(message));
}

void Save::warning(std::string_view rule, const Op& op, std::uint16_t column, std::string message) {
    add(FindingSeverity::kWarning, rule, op, column, std::move(message));
}

namespace {

/// A create op holds the keys of its table beside the cells of its group.
bool belongs(const hud::Column& column, const Op& op) {
    if (op.group != 0 && column.group == op.group) return true;
    return op.kind == OpKind::kCreate && column.table == op.table &&
           column.carried == hud::Carried::kCreate;
}

void check_cell(Save& save, const Op& op, const Cell& cell) {
    const hud::Column* column = hud::find_column(cell.column);
    if (column == nullptr || !belongs(*column, op)) {
        save.error(rule::kForeignColumn, op, cell.column, "this column is not part of the group");
        return;
    }
    if (auto problem = check_value(*column, cell.value)) {
        save.error(
            problem->rule, op, cell.column, fmt::format("{}: {}", column->name, problem->message));
    }
}

}  // namespace

bool check_shape(Save& save, const Op& op) {
    if (!hud::known_op_target(op.table, op.group)) {
        save.error(rule::kUnknownTarget, op, 0, "this version does not know the table or group");
        return false;
    }
    const auto not_ascending =
        std::ranges::adjacent_find(op.cells, std::ranges::greater_equal{}, &Cell::column);
    if (not_ascending != op.cells.end()) {
        save.error(rule::kCellOrder,
                   op,
                   not_ascending->column,
                   "cells are out of order or a column stands twice");
    }
    for (const Cell& cell : op.cells) check_cell(save, op, cell);
    const hud::Group* group = op.group == 0 ? nullptr : hud::find_group(op.group);
    const bool immutable = group != nullptr && group->merge == hud::Merge::kImmutable;
    if (immutable && op.kind == OpKind::kSetGroup &&
        save.find_create(op.entity, op.table) == nullptr) {
        save.error(
            rule::kImmutable,
            op,
            0,
            fmt::format("{} cannot be changed; void the entry and make a new one", group->name));
    }
    return true;
}

void check_conditions(Save& save, const Op& op) {
    if (op.group <= hud::kSystemGroupMax) return;
    std::vector<Cell> row;
    std::vector<hud::CellView> seen;
    for (const Cell& cell : op.cells) {
        const hud::Column* column = hud::find_column(cell.column);
        if (column == nullptr || column->null_unless_rule.empty() || !is_filled(&cell)) continue;
        if (row.empty()) {
            row = save.row_of(op);
            seen = views(row);
        }
        const hud::Known known{.table = 0, .group = op.group};
        if (hud::evaluate(column->null_unless_rule, seen, known) != hud::Truth::kFalse) continue;
        save.error(rule::kNullUnless,
                   op,
                   cell.column,
                   fmt::format("{} must be empty unless {}", column->name, column->null_unless));
    }
}

}  // namespace validation

std::vector<Finding> validate_save(std::span<const Op> ops, const ValidateContext& context) {
    using namespace validation;  // NOLINT(google-build-using-namespace)
    Save save{ops, context};
    for (const Op& op : ops) {
        if (!check_shape(save, op)) continue;
        if (op.kind != OpKind::kCreate && op.kind != OpKind::kSetGroup) continue;
        check_conditions(save, op);
        check_client(save, op);
        check_stay(save, op);
    }
    check_households(save);
    return save.take();
}

}  // namespace streetlog::sync

#include "tests/bench/field_day.hpp"

#include <algorithm>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::bench {

namespace tbl = hud::tbl;

void FieldDay::apply(const agent::BuiltSave& save, std::uint64_t seq) {
    for (std::uint16_t i = 0; i < save.ops.size(); ++i) {
        const sync::Op& op = save.ops[i];
        Thing& thing = things_[op.entity];
        if (op.kind == sync::OpKind::kCreate) {
            thing.table = op.table;
            if (op.table == tbl::kClient) clients_.push_back(op.entity);
        }
        const auto client =
            sync::id_in(sync::find_cell(op.cells, hud::col::enrollment::kPersonalID));
        const auto project =
            sync::id_in(sync::find_cell(op.cells, hud::col::enrollment::kProjectID));
        if (client && project) {
            thing.stay = Stay{*client, *project};
            open_.push_back(op.entity);
        }
        if (op.group == hud::grp::kExitExit) std::erase(open_, op.entity);
        // Contacts and notes are never written again, so their values need not be kept.
        if (op.table == tbl::kCurrentLivingSituation || op.table == tbl::kCaseNote) continue;
        Register shown{.table = op.table,
                       .group = op.group,
                       .dot = {.replica = self_, .seq = seq, .op = i},
                       .cells = {}};
        for (const sync::Cell& cell : op.cells) {
            const hud::Column* column = hud::find_column(cell.column);
            if (column->group == op.group) shown.cells.push_back(cell);
        }
        const auto at = std::ranges::find_if(thing.registers, [&](const Register& r) {
            return r.table == op.table && r.group == op.group;
        });
        if (at == thing.registers.end()) {
            thing.registers.push_back(std::move(shown));
        } else {
            *at = std::move(shown);
        }
    }
}

const FieldDay::Register* FieldDay::find(EntityId entity,
                                         std::uint16_t table,
                                         std::uint16_t group) const {
    const auto thing = things_.find(entity);
    if (thing == things_.end()) return nullptr;
    const auto at = std::ranges::find_if(thing->second.registers, [&](const Register& r) {
        return r.table == table && r.group == group;
    });
    return at == thing->second.registers.end() ? nullptr : &*at;
}

bool FieldDay::exists(EntityId entity, std::uint16_t table) const {
    const auto thing = things_.find(entity);
    return thing != things_.end() && thing->second.table == table;
}

std::vector<sync::Dot> FieldDay::on_screen(EntityId entity,
                                           std::uint16_t table,
                                           std::uint16_t group) const {
    const auto* shown = find(entity, table, group);
    return shown == nullptr ? std::vector<sync::Dot>{} : std::vector{shown->dot};
}

std::vector<sync::Cell> FieldDay::winner(EntityId entity,
                                         std::uint16_t table,
                                         std::uint16_t group) const {
    const auto* shown = find(entity, table, group);
    return shown == nullptr ? std::vector<sync::Cell>{} : shown->cells;
}

std::vector<EntityId> FieldDay::profile(EntityId) const { return {}; }

std::optional<agent::Screen::Stay> FieldDay::stay(EntityId enrollment) const {
    const auto thing = things_.find(enrollment);
    return thing == things_.end() ? std::nullopt : thing->second.stay;
}

/// Every request of a load names its enrollment.
std::vector<EntityId> FieldDay::open_enrollments(EntityId) const { return {}; }

}  // namespace streetlog::bench

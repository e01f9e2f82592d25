#include "agent/app/agent_screen.hpp"

#include <algorithm>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

constexpr std::int64_t kVoid = 2;  // list S.5

}  // namespace

void AgentScreen::note(const Error& error) const {
    if (!failure_ && error.code != ErrorCode::kNotFound) failure_ = error;
}

store::GroupView AgentScreen::group(EntityId entity, sync::RegisterId reg) const {
    // To void one entry of a merged profile says nothing about the others.
    const auto view = reg.table == hud::tbl::kClient && reg.group != hud::kLifeGroup
                          ? store::View::kMerged
                          : store::View::kOwn;
    auto found = reader_.group(entity, reg, view);
    if (found) return *std::move(found);
    note(found.error());
    return {};
}

bool AgentScreen::exists(EntityId entity, std::uint16_t table) const {
    const auto row = reader_.entity_of(entity);
    if (!row) {
        note(row.error());
        return false;
    }
    if (row->table != table) return false;
    const auto life = group(entity, {table, hud::kLifeGroup});
    return sync::number_in(sync::find_cell(life.cells, hud::col::life::kState)) != kVoid;
}

std::vector<sync::Dot> AgentScreen::on_screen(EntityId entity,
                                              std::uint16_t table,
                                              std::uint16_t grp) const {
    return group(entity, {table, grp}).supersedes;
}

std::vector<sync::Cell> AgentScreen::winner(EntityId entity,
                                            std::uint16_t table,
                                            std::uint16_t grp) const {
    return group(entity, {table, grp}).cells;
}

std::vector<EntityId> AgentScreen::profile(EntityId client) const {
    auto members = reader_.profile_of(client);
    if (!members) {
        note(members.error());
        return {};
    }
    std::erase(*members, client);
    std::ranges::sort(*members);
    return *std::move(members);
}

std::optional<Screen::Stay> AgentScreen::stay(EntityId enrollment) const {
    const auto row = reader_.enrollment(enrollment);
    if (row) return Stay{row->client, row->project};
    note(row.error());
    return std::nullopt;
}

std::vector<EntityId> AgentScreen::open_enrollments(EntityId client) const {
    const auto rows = reader_.enrollments_of(client);
    if (!rows) {
        note(rows.error());
        return {};
    }
    std::vector<EntityId> out;
    for (const auto& row : *rows)
        if (row.exit_date.empty()) out.push_back(row.id);
    return out;
}

}  // namespace streetlog::agent

#include "agent/workflow/save_builder.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/validate.hpp"

namespace streetlog::agent {
namespace {

using sync::Cell;
using sync::Op;

/// The answers by group, each with its cells in ascending column order.
std::map<std::uint16_t, Answers> by_group(const Answers& answers) {
    std::map<std::uint16_t, Answers> out;
    for (const Cell& cell : answers) {
        const hud::Column* column = hud::find_column(cell.column);
        STREETLOG_ASSERT(column != nullptr && column->role == hud::Role::kGroup);
        out[column->group].push_back(cell);
    }
    for (auto& [group, cells] : out) std::ranges::sort(cells, {}, &Cell::column);
    return out;
}

std::string path_of(const std::map<EntityId, std::string>& paths, const sync::Finding& finding) {
    const auto found = paths.find(finding.entity);
    std::string path = found == paths.end() ? std::string{} : found->second;
    const hud::Column* column = hud::find_column(finding.column);
    if (column == nullptr) return path;
    if (!path.empty()) path += '.';
    return path += column->name;
}

std::string_view name_of(std::uint16_t table) {
    const hud::Table* found = hud::find_table(table);
    return found == nullptr ? std::string_view{"entity"} : found->name;
}

/// The table a cell's id belongs to; nullptr when it is not a reference.
const hud::Table* referred(const hud::Column& column) {
    if (column.id == hud::col::enrollment::kHouseholdID) {
        return hud::find_table(hud::tbl::kHousehold);
    }
    return hud::find_table(column.references.substr(0, column.references.find('.')));
}

}  // namespace

void put(Answers& answers, Cell cell) {
    const auto place = std::ranges::lower_bound(answers, cell.column, {}, &Cell::column);
    if (place != answers.end() && place->column == cell.column) {
        *place = std::move(cell);
    } else {
        answers.insert(place, std::move(cell));
    }
}

Answers overlay(const Answers& shared, const Answers& own) {
    Answers out = shared;
    for (const Cell& cell : own) put(out, cell);
    return out;
}

SaveBuilder::SaveBuilder(const BuildContext& context, sync::EventKind kind) : context_(context) {
    save_.kind = kind;
    save_.source = sync::TimeSource::kLive;
    save_.occurred = context.now;
    save_.tz_minutes = context.tz_minutes;
}

void SaveBuilder::occurred(const Interaction& interaction) {
    if (interaction.source != sync::TimeSource::kTyped) return;
    save_.source = sync::TimeSource::kTyped;
    save_.occurred = interaction.occurred;
    save_.tz_minutes = interaction.tz_minutes.value_or(context_.tz_minutes);
    if (interaction.occurred > context_.now) {
        problem("interaction", "interaction.future", "the interaction lies in the future");
    }
}

Date SaveBuilder::day() const { return date_of(save_.occurred, save_.tz_minutes); }

void SaveBuilder::problem(std::string path, std::string_view rule, std::string message) {
    problems_.push_back(
        Problem{.path = std::move(path), .rule = std::string{rule}, .message = std::move(message)});
}

void SaveBuilder::not_found(std::string path, std::string message) {
    code_ = ErrorCode::kNotFound;
    problem(std::move(path), "entity.unknown", std::move(message));
}

bool SaveBuilder::require(EntityId entity, std::uint16_t table, const std::string& path) {
    if (context_.screen.exists(entity, table)) return true;
    not_found(path,
              fmt::format("there is no {} {} on this device", name_of(table), to_string(entity)));
    return false;
}

void SaveBuilder::require_references(std::span<const Cell> answers, const std::string& path) {
    for (const Cell& cell : answers) {
        const hud::Column* column = hud::find_column(cell.column);
        const auto id = sync::id_in(&cell);
        const hud::Table* table = column == nullptr || !id ? nullptr : referred(*column);
        if (table == nullptr) continue;
        const std::string at = path.empty() ? "" : path + ".";
        require(*id, table->id, at + std::string{column->name});
    }
}

EntityId SaveBuilder::mint(std::uint16_t table, std::string path) {
    const auto id = context_.random.id<EntityId>();
    save_.created.push_back({.id = id, .table = table});
    name(id, std::move(path));
    return id;
}

void SaveBuilder::name(EntityId entity, std::string path) {
    paths_.insert_or_assign(entity, std::move(path));
}

void SaveBuilder::create(EntityId entity,
                         std::uint16_t table,
                         std::vector<Cell> keys,
                         std::uint16_t group,
                         const Answers& answers) {
    Answers filled = answers;
    std::erase_if(filled, [](const Cell& cell) { return !sync::is_filled(&cell); });
    auto groups = by_group(filled);
    Op first{.entity = entity,
             .kind = sync::OpKind::kCreate,
             .table = table,
             .group = 0,
             .cells = std::move(keys),
             .supersedes = {},
             .profile = {}};
    if (auto own = groups.extract(group); !own.empty()) {
        first.group = group;
        std::ranges::move(own.mapped(), std::back_inserter(first.cells));
        std::ranges::sort(first.cells, {}, &Cell::column);
    }
    add(std::move(first));
    for (auto& [other, cells] : groups) {
        add(Op{.entity = entity,
               .kind = sync::OpKind::kSetGroup,
               .table = table,
               .group = other,
               .cells = std::move(cells),
               .supersedes = {},
               .profile = {}});
    }
}

void SaveBuilder::write(EntityId entity, const Answers& answers) {
    for (const auto& [id, given] : by_group(answers)) {
        const hud::Group* group = hud::find_group(id);
        if (group->writer == hud::Writer::kHub) {
            problem(std::string{hud::find_column(given.front().column)->name},
                    "field.office_only",
                    fmt::format("{} is kept by the office", group->name));
            continue;
        }
        Op op{.entity = entity,
              .kind = sync::OpKind::kSetGroup,
              .table = group->table,
              .group = group->id,
              .cells = {},
              .supersedes = context_.screen.on_screen(entity, group->table, group->id),
              .profile = {}};
        const auto shown = context_.screen.winner(entity, group->table, group->id);
        op.cells = overlay(shown, given);
        const bool says_something =
            std::ranges::any_of(op.cells, [](const Cell& c) { return sync::is_filled(&c); });
        if (op.supersedes.empty() && !says_something) continue;
        if (op.supersedes.size() == 1 && op.cells == shown) continue;
        if (group->table == hud::tbl::kClient) op.profile = context_.screen.profile(entity);
        add(std::move(op));
    }
}

void SaveBuilder::project(EntityId project) {
    const hud::Column& type = *hud::find_column(hud::col::project::kProjectType);
    const auto cells = context_.screen.winner(project, type.table, type.group);
    project_type_ = sync::number_in(sync::find_cell(cells, type.id));
}

Refusal SaveBuilder::refuse() && { return Refusal{code_, std::move(problems_)}; }

Checked<BuiltSave> SaveBuilder::finish() && {
    if (!clean()) return std::unexpected(std::move(*this).refuse());
    const sync::ValidateContext context{
        .interaction_day = day(),
        .project_type = project_type_,
        .winner = [this](EntityId entity, std::uint16_t table, std::uint16_t group) {
            return context_.screen.winner(entity, table, group);
        }};
    for (sync::Finding& finding : sync::validate_save(save_.ops, context)) {
        if (finding.severity == sync::FindingSeverity::kWarning) {
            save_.warnings.push_back(std::move(finding));
        } else {
            problem(path_of(paths_, finding), finding.rule, finding.message);
        }
    }
    if (!clean()) return std::unexpected(std::move(*this).refuse());
    return std::move(save_);
}

}  // namespace streetlog::agent

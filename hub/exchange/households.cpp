#include "hub/exchange/households.hpp"

#include <algorithm>
#include <utility>

#include "hub/exchange/row_writer.hpp"
#include "hub/exchange/source_id.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::hub {
namespace {

namespace enrollment_col = hud::col::enrollment;

constexpr std::int64_t kSelf = 1;  // list 3.15.1: head of household
constexpr std::string_view kFile = "Enrollment.csv";

const sync::Cell* cell_of(const ImportRow& row, std::uint16_t column) {
    for (const ImportGroup& part : row.groups) {
        if (const sync::Cell* cell = sync::find_cell(part.cells, column)) return cell;
    }
    return nullptr;
}

const hud::Column& column(std::uint16_t id) {
    const hud::Column* found = hud::find_column(id);
    STREETLOG_ASSERT(found != nullptr);
    return *found;
}

}  // namespace

void Households::meet(ImportRun& run,
                      std::string_view id,
                      const EntityId& enrollment,
                      const ImportRow& row,
                      std::uint64_t line) {
    if (id.empty()) {
        run.find(kFile, "HouseholdID", "is empty", line);
        return;
    }
    const auto project = sync::id_in(sync::find_cell(row.keys, enrollment_col::kProjectID));
    STREETLOG_ASSERT(project.has_value());
    const auto [place, is_new] = places_.try_emplace(std::string{id}, households_.size());
    if (is_new) {
        households_.push_back(Household{.id = std::string{id},
                                        .project = *project,
                                        .head = std::nullopt,
                                        .entered = std::nullopt,
                                        .line = line});
    }
    Household& household = households_[place->second];
    if (household.project != *project) {
        run.find(kFile, "HouseholdID", "is shared by two projects", line);
    }
    if (sync::number_in(cell_of(row, enrollment_col::kRelationshipToHoH)) != kSelf) return;
    if (household.head) {
        run.find(kFile, "RelationshipToHoH", "second head of a household; the first stands", line);
        return;
    }
    household.head = enrollment;
    household.line = line;
    if (const sync::Cell* entered = cell_of(row, enrollment_col::kEntryDate)) {
        household.entered = *entered;
    }
}

Result<void> Households::write(ImportRun& run) {
    const hud::Table* table = hud::find_table(hud::tbl::kHousehold);
    const hud::Group* head_group = hud::find_group(hud::grp::kHouseholdHead);
    STREETLOG_ASSERT(table != nullptr && head_group != nullptr);
    ImportCounts counts{.table = table->name};
    for (const Household& household : households_) {
        const EntityId entity = entity_of(run.system(), table->name, household.id);
        ImportRow row;
        row.keys.push_back(
            sync::make_cell(column(hud::col::household::kProjectID), household.project));
        if (household.head) {
            ImportGroup head{.group = head_group, .cells = {}, .not_said = {}};
            head.cells.push_back(
                sync::make_cell(column(hud::col::household::kHeadEnrollmentID), *household.head));
            if (household.entered) {
                head.cells.push_back(sync::Cell{.column = hud::col::household::kEffectiveDate,
                                                .value = household.entered->value});
            }
            row.groups.push_back(std::move(head));
        } else if (!run.sink()
                        .group_cells(entity, table->id, hud::grp::kHouseholdHead)
                        .has_value()) {
            run.find(kFile, "RelationshipToHoH", "household without a head", household.line);
        }
        auto origin = origin_cells({.system = run.system(),
                                    .file = kFile,
                                    .id = household.id,
                                    .created = {},
                                    .updated = {},
                                    .user = {}});
        STREETLOG_ASSERT(origin.has_value());  // the system and the id were checked when read
        row.origin = *std::move(origin);
        STREETLOG_TRY(const RowOutcome outcome,
                      write_row(run, *table, entity, row, household.line));
        ++counts.rows;
        counts.created += outcome == RowOutcome::kCreated ? 1U : 0U;
        counts.changed += outcome == RowOutcome::kChanged ? 1U : 0U;
        counts.unchanged += outcome == RowOutcome::kUnchanged ? 1U : 0U;
    }
    run.report().tables.push_back(counts);
    return {};
}

}  // namespace streetlog::hub

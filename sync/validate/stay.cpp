#include <array>
#include <map>

#include <fmt/format.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/validate/row.hpp"

/// HUD FY2026 data standards 3.10, 3.11, 3.15 and 4.12.
namespace streetlog::sync::validation {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace enrollment = hud::col::enrollment;
namespace exit_ = hud::col::exit;
namespace cls = hud::col::current_living_situation;
namespace household = hud::col::household;

constexpr std::int64_t kHead = 1;

/// `reported` is the op the finding is about; the cells may come from another one or be missing.
void require(Save& save,
             const Op& reported,
             std::span<const Cell> cells,
             std::span<const std::uint16_t> columns) {
    for (const std::uint16_t id : columns) {
        if (is_filled(find_cell(cells, id))) continue;
        save.error(rule::kRequired,
                   reported,
                   id,
                   fmt::format("{} is required", hud::find_column(id)->name));
    }
}

void require_enrollment(Save& save, const Op& create) {
    const auto cells = [&](std::uint16_t group) {
        return save.cells_after(create.entity, tbl::kEnrollment, group);
    };
    require(
        save, create, create.cells, std::array{enrollment::kPersonalID, enrollment::kProjectID});
    require(save, create, cells(grp::kEnrollmentEntry), std::array{enrollment::kEntryDate});
    require(save,
            create,
            cells(grp::kEnrollmentHousehold),
            std::array{enrollment::kHouseholdID, enrollment::kRelationshipToHoH});
}

void check_order(Save& save, const Op& op) {
    const auto entry_cells = save.cells_after(op.entity, tbl::kEnrollment, grp::kEnrollmentEntry);
    const auto exit_cells = save.cells_after(op.entity, tbl::kExit, grp::kExitExit);
    const auto entry = date_in(find_cell(entry_cells, enrollment::kEntryDate));
    const auto exit = date_in(find_cell(exit_cells, exit_::kExitDate));
    if (!entry || !exit || *entry <= *exit) return;
    const bool about_exit = op.table == tbl::kExit;
    // One finding a stay, at the exit if this Save writes both.
    if (!about_exit && save.find_op(op.entity, tbl::kExit, grp::kExitExit) != nullptr) return;
    save.error(rule::kExitBeforeEntry,
               op,
               about_exit ? exit_::kExitDate : enrollment::kEntryDate,
               "the exit lies before the entry");
}

void check_not_later(Save& save, const Op& op, std::uint16_t column, std::string_view rule_name) {
    const auto date = date_in(find_cell(op.cells, column));
    if (!date || *date <= save.day()) return;
    save.error(
        rule_name,
        op,
        column,
        fmt::format("{} lies after the day of the interaction", hud::find_column(column)->name));
}

struct House {
    const Op* first = nullptr;  // an op that puts a member into it
    const Op* extra = nullptr;  // the second head
    std::optional<EntityId> head;
};

}  // namespace

void check_stay(Save& save, const Op& op) {
    if (op.kind == OpKind::kCreate && op.table == tbl::kEnrollment) require_enrollment(save, op);
    switch (op.group) {
        case grp::kEnrollmentEntry:
            if (op.kind != OpKind::kCreate) {
                require(save, op, op.cells, std::array{enrollment::kEntryDate});
            }
            check_not_later(save, op, enrollment::kEntryDate, rule::kEntryLater);
            check_order(save, op);
            break;
        case grp::kExitExit:
            require(save, op, op.cells, std::array{exit_::kExitDate, exit_::kDestination});
            check_not_later(save, op, exit_::kExitDate, rule::kExitLater);
            check_order(save, op);
            break;
        case grp::kContactContact:
            require(save,
                    op,
                    op.cells,
                    std::array{cls::kInformationDate, cls::kCurrentLivingSituation});
            check_not_later(save, op, cls::kInformationDate, rule::kContactLater);
            break;
        default:
            break;
    }
}

void check_households(Save& save) {
    std::map<EntityId, House> houses;
    for (const Op& op : save.ops()) {
        if (op.group != grp::kEnrollmentHousehold) continue;
        const auto id = id_in(find_cell(op.cells, enrollment::kHouseholdID));
        if (!id) continue;
        House& house = houses[*id];
        if (house.first == nullptr) house.first = &op;
        if (number_in(find_cell(op.cells, enrollment::kRelationshipToHoH)) != kHead) continue;
        if (house.head) house.extra = &op;
        house.head = op.entity;
    }
    for (const auto& [id, house] : houses) {
        const bool created = save.find_create(id, tbl::kHousehold) != nullptr;
        if (house.extra != nullptr || (created && !house.head)) {
            save.error(rule::kHeadCount,
                       house.extra != nullptr ? *house.extra : *house.first,
                       enrollment::kRelationshipToHoH,
                       house.extra != nullptr ? "a household has only one head"
                                              : "one member must be the head of the household");
            continue;
        }
        const auto head_cells = save.cells_after(id, tbl::kHousehold, grp::kHouseholdHead);
        const auto head = id_in(find_cell(head_cells, household::kHeadEnrollmentID));
        if (!house.head || !head || *head == *house.head) continue;
        const Op* head_op = save.find_op(id, tbl::kHousehold, grp::kHouseholdHead);
        save.error(
            rule::kHeadMismatch,
            head_op != nullptr ? *head_op : *house.first,
            head_op != nullptr ? household::kHeadEnrollmentID : enrollment::kRelationshipToHoH,
            "the household has another head");
    }
}

}  // namespace streetlog::sync::validation

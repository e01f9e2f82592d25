#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/workflow/build.hpp"
#include "agent/workflow/save_builder.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace enrollment = hud::col::enrollment;
namespace household = hud::col::household;

using sync::Cell;

constexpr std::int64_t kHead = 1;

Cell id_cell(std::uint16_t column, EntityId id) {
    return sync::make_cell(*hud::find_column(column), id);
}

bool is_head(const Answers& answers) {
    return sync::number_in(sync::find_cell(answers, enrollment::kRelationshipToHoH)) == kHead;
}

std::string path_of(std::size_t member) { return fmt::format("clients[{}]", member); }

/// The same person twice, also under two ids of one merged profile.
void check_distinct(SaveBuilder& builder, const IntakeRequest& request) {
    std::set<EntityId> seen;
    for (std::size_t i = 0; i < request.members.size(); ++i) {
        const auto& id = request.members[i].client.personal_id;
        if (!id || !builder.require(*id, tbl::kClient, path_of(i) + ".PersonalID")) continue;
        bool twice = seen.contains(*id);
        for (const EntityId other : builder.screen().profile(*id)) {
            twice = twice || seen.contains(other);
        }
        if (twice) {
            builder.problem(
                path_of(i) + ".PersonalID", "client.twice", "this person is in the list already");
        }
        seen.insert(*id);
    }
}

/// What the member's enrollment will say; the CoC is asked of the head only (3.16).
Answers enrollment_answers(SaveBuilder& builder,
                           const IntakeRequest& request,
                           std::size_t i,
                           EntityId house) {
    const Answers& own = request.members[i].enrollment.answers;
    Answers out = overlay(request.shared, own);
    if (!is_head(out)) {
        if (sync::is_filled(sync::find_cell(own, enrollment::kEnrollmentCoC))) {
            builder.problem(path_of(i) + ".EnrollmentCoC",
                            "household.coc_of_member",
                            "the CoC is asked of the head of household only");
        }
        std::erase_if(out, [](const Cell& c) { return c.column == enrollment::kEnrollmentCoC; });
    }
    put(out, id_cell(enrollment::kHouseholdID, house));
    return out;
}

struct Placed {
    EntityId client;
    EntityId enrollment;
    Answers answers;
};

void create_household(SaveBuilder& builder,
                      EntityId house,
                      EntityId project,
                      const std::vector<Placed>& placed) {
    Answers head;
    for (const Placed& one : placed) {
        if (!is_head(one.answers)) continue;
        put(head, id_cell(household::kHeadEnrollmentID, one.enrollment));
        if (const auto entry =
                sync::date_in(sync::find_cell(one.answers, enrollment::kEntryDate))) {
            put(head, sync::make_cell(*hud::find_column(household::kEffectiveDate), *entry));
        }
        break;  // a second head is the validation's to name
    }
    builder.create(house,
                   tbl::kHousehold,
                   {id_cell(household::kProjectID, project)},
                   grp::kHouseholdHead,
                   head);
}

}  // namespace

Checked<BuiltSave> build_intake(const IntakeRequest& request, const BuildContext& context) {
    SaveBuilder builder{context, sync::EventKind::kIntake};
    builder.occurred(request.interaction);
    builder.require(request.project, tbl::kProject, "ProjectID");
    if (request.household) builder.require(*request.household, tbl::kHousehold, "HouseholdID");
    if (request.members.empty()) {
        builder.problem("clients", "field.required", "at least one is required");
    }
    check_distinct(builder, request);
    if (!builder.clean()) return std::move(builder).finish();

    builder.project(request.project);
    const EntityId house =
        request.household ? *request.household : builder.mint(tbl::kHousehold, {});
    std::vector<Placed> placed;
    for (std::size_t i = 0; i < request.members.size(); ++i) {
        const ClientInput& client = request.members[i].client;
        Placed& one = placed.emplace_back();
        one.client =
            client.personal_id ? *client.personal_id : builder.mint(tbl::kClient, path_of(i));
        builder.name(one.client, path_of(i));
        one.enrollment = builder.mint(tbl::kEnrollment, path_of(i));
        one.answers = enrollment_answers(builder, request, i, house);
        if (client.personal_id) {
            builder.write(one.client, client.answers);
        } else {
            builder.create(one.client, tbl::kClient, {}, grp::kClientName, client.answers);
        }
    }
    if (!request.household) create_household(builder, house, request.project, placed);
    for (const Placed& one : placed) {
        builder.create(one.enrollment,
                       tbl::kEnrollment,
                       {id_cell(enrollment::kPersonalID, one.client),
                        id_cell(enrollment::kProjectID, request.project)},
                       grp::kEnrollmentEntry,
                       one.answers);
    }
    return std::move(builder).finish();
}

}  // namespace streetlog::agent

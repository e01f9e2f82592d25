#include "agent/workflow/build.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "agent/workflow/save_builder.hpp"
#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace cls = hud::col::current_living_situation;
namespace note = hud::col::case_note;
namespace life = hud::col::life;

using sync::Cell;

constexpr std::int64_t kVoid = 2;  // list S.5

const hud::Column& column(std::uint16_t id) { return *hud::find_column(id); }

bool is_same_person(const Screen& screen, EntityId a, EntityId b) {
    if (a == b) return true;
    const auto members = screen.profile(a);
    return std::ranges::find(members, b) != members.end();
}

/// The enrollment a subject is met under; a problem when there is none or more than one.
std::optional<EntityId> enrollment_of(SaveBuilder& builder,
                                      const ContactSubject& subject,
                                      const std::string& path) {
    if (subject.client && !builder.require(*subject.client, tbl::kClient, path + ".PersonalID")) {
        return std::nullopt;
    }
    if (subject.enrollment) {
        if (!builder.require(*subject.enrollment, tbl::kEnrollment, path + ".EnrollmentID")) {
            return std::nullopt;
        }
        const auto stay = builder.screen().stay(*subject.enrollment);
        if (subject.client && stay &&
            !is_same_person(builder.screen(), *subject.client, stay->client)) {
            builder.problem(
                path, "enrollment.of_another_client", "the enrollment belongs to another client");
            return std::nullopt;
        }
        return subject.enrollment;
    }
    if (!subject.client) {
        builder.problem(path, "field.required", "EnrollmentID or PersonalID is required");
        return std::nullopt;
    }
    const auto open = builder.screen().open_enrollments(*subject.client);
    if (open.size() == 1) return open.front();
    if (open.empty()) {
        builder.not_found(path,
                          fmt::format("client {} has no open enrollment on this device",
                                      to_string(*subject.client)));
    } else {
        builder.problem(path,
                        "enrollment.several_open",
                        "the client has several open enrollments; name one with EnrollmentID");
    }
    return std::nullopt;
}

/// The project all of them belong to.
std::optional<EntityId> common_project(const Screen& screen,
                                       std::span<const EntityId> enrollments) {
    std::optional<EntityId> project;
    for (const EntityId enrollment : enrollments) {
        const auto stay = screen.stay(enrollment);
        if (!stay || (project && *project != stay->project)) return std::nullopt;
        project = stay->project;
    }
    return project;
}

void add_contact(SaveBuilder& builder,
                 EntityId enrollment,
                 Answers answers,
                 const std::string& text,
                 const std::string& path) {
    if (sync::find_cell(answers, cls::kInformationDate) == nullptr) {
        put(answers, sync::make_cell(column(cls::kInformationDate), builder.day()));
    }
    builder.create(builder.mint(tbl::kCurrentLivingSituation, path),
                   tbl::kCurrentLivingSituation,
                   {sync::make_cell(column(cls::kEnrollmentID), enrollment)},
                   grp::kContactContact,
                   answers);
    if (text.empty()) return;
    builder.create(builder.mint(tbl::kCaseNote, path),
                   tbl::kCaseNote,
                   {sync::make_cell(column(note::kEnrollmentID), enrollment)},
                   grp::kNoteText,
                   {sync::make_cell(column(note::kNoteDate), builder.day()),
                    Cell{.column = note::kText, .value = text}});
}

}  // namespace

Checked<BuiltSave> build_contact(const ContactRequest& request, const BuildContext& context) {
    SaveBuilder builder{context, sync::EventKind::kContact};
    builder.occurred(request.interaction);
    if (request.subjects.empty()) {
        builder.problem("subjects", "field.required", "at least one is required");
    }
    std::set<EntityId> seen;
    std::vector<EntityId> enrollments;
    for (std::size_t i = 0; i < request.subjects.size(); ++i) {
        const std::string path = fmt::format("subjects[{}]", i);
        const auto enrollment = enrollment_of(builder, request.subjects[i], path);
        if (!enrollment) continue;
        if (!seen.insert(*enrollment).second) {
            builder.problem(path, "client.twice", "this person is in the list already");
        }
        enrollments.push_back(*enrollment);
    }
    if (!builder.clean()) return std::move(builder).finish();

    if (const auto project = common_project(context.screen, enrollments)) {
        builder.project(*project);
    }
    for (std::size_t i = 0; i < enrollments.size(); ++i) {
        add_contact(builder,
                    enrollments[i],
                    overlay(request.shared, request.subjects[i].answers),
                    request.note,
                    fmt::format("subjects[{}]", i));
    }
    return std::move(builder).finish();
}

Checked<BuiltSave> build_exit(const ExitRequest& request, const BuildContext& context) {
    SaveBuilder builder{context, sync::EventKind::kExit};
    builder.occurred(request.interaction);
    if (request.exits.empty()) {
        builder.problem("exits", "field.required", "at least one is required");
    }
    std::set<EntityId> seen;
    for (std::size_t i = 0; i < request.exits.size(); ++i) {
        const ExitInput& exit = request.exits[i];
        const std::string path = fmt::format("exits[{}]", i);
        if (!builder.require(exit.enrollment, tbl::kEnrollment, path + ".EnrollmentID")) continue;
        if (!seen.insert(exit.enrollment).second) {
            builder.problem(path, "enrollment.twice", "this enrollment is in the list already");
            continue;
        }
        builder.name(exit.enrollment, path);
        const Answers answers = overlay(request.shared, exit.answers);
        for (const std::uint16_t needed :
             {hud::col::exit::kExitDate, hud::col::exit::kDestination}) {
            if (sync::is_filled(sync::find_cell(answers, needed))) continue;
            const std::string name{column(needed).name};
            builder.problem(path + "." + name, "row.required", name + " is required");
        }
        builder.write(exit.enrollment, answers);
    }
    return std::move(builder).finish();
}

Checked<BuiltSave> build_update(const UpdateRequest& request, const BuildContext& context) {
    SaveBuilder builder{context, sync::EventKind::kUpdate};
    builder.occurred(request.interaction);
    if (builder.require(request.entity, request.table, {})) {
        builder.require_references(request.answers, {});
        if (request.table == tbl::kEnrollment) {
            if (const auto stay = context.screen.stay(request.entity)) {
                builder.project(stay->project);
            }
        }
        builder.write(request.entity, request.answers);
    }
    auto built = std::move(builder).finish();
    if (built && built->ops.empty()) {
        std::vector<Problem> nothing;
        nothing.push_back({{}, "update.nothing", "this changes nothing"});
        return std::unexpected(Refusal{ErrorCode::kInvalidInput, std::move(nothing)});
    }
    return built;
}

Checked<BuiltSave> build_void(const VoidRequest& request, const BuildContext& context) {
    SaveBuilder builder{context, sync::EventKind::kNone};
    const auto shown = context.screen.winner(request.entity, request.table, hud::kLifeGroup);
    if (sync::number_in(sync::find_cell(shown, life::kState)) == kVoid) {
        std::vector<Problem> already;
        already.push_back({{}, "void.already", "this entry is void already"});
        return std::unexpected(Refusal{ErrorCode::kConflict, std::move(already)});
    }
    if (request.reason.empty()) {
        builder.problem("Reason", "field.required", "a reason is required");
    }
    builder.require(request.entity, request.table, {});
    Answers cells{sync::make_cell(column(life::kState), kVoid),
                  Cell{.column = life::kReason, .value = request.reason}};
    if (request.replaced_by) {
        builder.require(*request.replaced_by, request.table, "ReplacedBy");
        cells.push_back(sync::make_cell(column(life::kReplacedBy), *request.replaced_by));
    }
    builder.add(sync::Op{
        .entity = request.entity,
        .kind = sync::OpKind::kVoid,
        .table = request.table,
        .group = hud::kLifeGroup,
        .cells = std::move(cells),
        .supersedes = context.screen.on_screen(request.entity, request.table, hud::kLifeGroup),
        .profile = {}});
    return std::move(builder).finish();
}

}  // namespace streetlog::agent

#include "agent/workflow/build.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/workflow/save_builder.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "tests/support/fake_screen.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;
namespace exit_ = hud::col::exit;
namespace cls = hud::col::current_living_situation;
namespace note = hud::col::case_note;
namespace life = hud::col::life;

using sync::Cell;
using sync::Op;
using sync::OpKind;

constexpr EntityId kProject{{0xaa}};
constexpr EntityId kPerson{{0x01}};
constexpr EntityId kOther{{0x02}};
constexpr EntityId kStay{{0x11}};
constexpr EntityId kOtherStay{{0x12}};
constexpr EntityId kNobody{{0x77}};

Cell cell(std::uint16_t column, const char* text) {
    return sync::make_cell(*hud::find_column(column), text, hud::CodeCheck::kAny).value();
}

Cell id_cell(std::uint16_t column, EntityId id) {
    return sync::make_cell(*hud::find_column(column), id);
}

std::vector<std::string> problems(const Checked<BuiltSave>& built) {
    std::vector<std::string> out;
    if (built) return out;
    for (const Problem& one : built.error().problems) out.push_back(one.path + " " + one.rule);
    return out;
}

using Found = std::vector<std::string>;

/// Two clients with one open stay each in one outreach project.
class Build : public testing::Test {
  protected:
    Build() {
        screen_.add(kProject, tbl::kProject);
        screen_.registers[{kProject, tbl::kProject, hud::find_column(kType)->group}] = {
            .dots = {}, .cells = {cell(kType, "4")}};
        const std::pair<EntityId, EntityId> kBoth[] = {{kPerson, kStay}, {kOther, kOtherStay}};
        for (const auto& [person, stay] : kBoth) {
            screen_.add(person, tbl::kClient);
            screen_.add(stay, tbl::kEnrollment);
            screen_.stays[stay] = {.client = person, .project = kProject};
            screen_.registers[{stay, tbl::kEnrollment, grp::kEnrollmentEntry}] = {
                .dots = {{.replica = {}, .seq = 1, .op = 0}},
                .cells = {cell(enrollment::kEntryDate, "2026-11-10")}};
        }
    }

    BuildContext context() {
        return {.screen = screen_,
                .random = random_,
                .now = *parse_instant("2026-11-23T18:00:00Z"),
                .tz_minutes = -300};
    }

    static constexpr std::uint16_t kType = hud::col::project::kProjectType;

    FakeScreen screen_;
    CountingRandom random_;
};

ContactRequest met(std::vector<ContactSubject> subjects) {
    return {.subjects = std::move(subjects),
            .shared = {cell(cls::kCurrentLivingSituation, "116")},
            .note = {},
            .interaction = {}};
}

TEST_F(Build, AContactIsANewSituationForEachSubject) {
    auto request = met({{.enrollment = kStay, .client = {}, .answers = {}},
                        {.enrollment = {},
                         .client = kOther,
                         .answers = {cell(cls::kCurrentLivingSituation, "101"),
                                     cell(cls::kLocationDetails, "under the bridge")}}});
    request.note = "needs a blanket";
    const auto built = build_contact(request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->kind, sync::EventKind::kContact);
    ASSERT_EQ(built->ops.size(), 5U);
    EXPECT_EQ(built->created.size(), 4U);

    const Op& first = built->ops[0];
    EXPECT_EQ(first.kind, OpKind::kCreate);
    EXPECT_EQ(first.group, grp::kContactContact);
    EXPECT_EQ(first.cells,
              (std::vector<Cell>{id_cell(cls::kEnrollmentID, kStay),
                                 cell(cls::kInformationDate, "2026-11-23"),
                                 cell(cls::kCurrentLivingSituation, "116")}));
    const Op& words = built->ops[1];
    EXPECT_EQ(words.table, tbl::kCaseNote);
    EXPECT_EQ(words.cells,
              (std::vector<Cell>{id_cell(note::kEnrollmentID, kStay),
                                 cell(note::kNoteDate, "2026-11-23"),
                                 cell(note::kText, "needs a blanket")}));
    const Op& second = built->ops[2];
    EXPECT_EQ(sync::id_in(sync::find_cell(second.cells, cls::kEnrollmentID)), kOtherStay);
    EXPECT_EQ(sync::number_in(sync::find_cell(second.cells, cls::kCurrentLivingSituation)), 101);
    const Op& place = built->ops[3];
    EXPECT_EQ(place.group, grp::kContactPlace);
    EXPECT_EQ(place.entity, second.entity);
}

TEST_F(Build, AContactNeedsASituation) {
    auto request = met({{.enrollment = kStay, .client = {}, .answers = {}}});
    request.shared.clear();
    EXPECT_EQ(problems(build_contact(request, context())),
              Found{"subjects[0].CurrentLivingSituation row.required"});
}

TEST_F(Build, ATypedInteractionSetsTheDayAndCannotLieAhead) {
    auto request = met({{.enrollment = kStay, .client = {}, .answers = {}}});
    request.interaction = {.source = sync::TimeSource::kTyped,
                           .occurred = *parse_instant("2026-11-23T02:00:00Z"),
                           .tz_minutes = -300};
    const auto built = build_contact(request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->source, sync::TimeSource::kTyped);
    EXPECT_EQ(built->occurred, request.interaction.occurred);
    EXPECT_EQ(*sync::find_cell(built->ops[0].cells, cls::kInformationDate),
              cell(cls::kInformationDate, "2026-11-22"));
    request.interaction.occurred = context().now + Millis{1};
    EXPECT_EQ(problems(build_contact(request, context())), Found{"interaction interaction.future"});
}

TEST_F(Build, AContactWithSomeoneUnknownIsNotFound) {
    for (const auto& subject :
         {ContactSubject{.enrollment = {}, .client = kNobody, .answers = {}},
          ContactSubject{.enrollment = kNobody, .client = {}, .answers = {}}}) {
        const auto built = build_contact(met({subject}), context());
        ASSERT_FALSE(built);
        EXPECT_EQ(built.error().error.code, ErrorCode::kNotFound);
        EXPECT_NE(built.error().error.message.find(to_string(kNobody)), std::string::npos);
    }
}

TEST_F(Build, AClientAloneMeansItsOnlyOpenStay) {
    const ContactSubject subject{.enrollment = {}, .client = kPerson, .answers = {}};
    screen_.stays[EntityId{{0x13}}] = {.client = kPerson, .project = kProject};
    EXPECT_EQ(problems(build_contact(met({subject}), context())),
              Found{"subjects[0] enrollment.several_open"});
    screen_.stays.erase(EntityId{{0x13}});
    EXPECT_TRUE(build_contact(met({subject}), context()));
    screen_.stays.erase(kStay);
    const auto none = build_contact(met({subject}), context());
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().error.code, ErrorCode::kNotFound);
}

TEST_F(Build, ASubjectIsNamedOnceAndByItsOwnStay) {
    const ContactSubject subject{.enrollment = kStay, .client = {}, .answers = {}};
    EXPECT_EQ(problems(build_contact(met({subject, subject}), context())),
              Found{"subjects[1] client.twice"});
    const ContactSubject mixed{.enrollment = kStay, .client = kOther, .answers = {}};
    EXPECT_EQ(problems(build_contact(met({mixed}), context())),
              Found{"subjects[0] enrollment.of_another_client"});
    screen_.profiles[kOther] = {kPerson};
    EXPECT_TRUE(build_contact(met({mixed}), context())) << "two ids of one merged client";
}

TEST_F(Build, VerifiedByIsForCoordinatedEntryOnly) {
    auto request = met({{.enrollment = kStay, .client = {}, .answers = {}}});
    put(request.shared, cell(cls::kVerifiedBy, "the shelter"));
    EXPECT_EQ(problems(build_contact(request, context())),
              Found{"subjects[0].VerifiedBy row.null_unless"});
}

ExitRequest leave(EntityId stay, const char* day, const char* destination) {
    return {.exits = {{.enrollment = stay, .answers = {cell(exit_::kDestination, destination)}}},
            .shared = {cell(exit_::kExitDate, day)},
            .interaction = {}};
}

TEST_F(Build, AnExitIsAGroupOfItsEnrollment) {
    screen_.registers[{kStay, tbl::kExit, grp::kExitExit}] = {
        .dots = {{.replica = {}, .seq = 3, .op = 0}, {.replica = {}, .seq = 9, .op = 1}},
        .cells = {cell(exit_::kExitDate, "2026-11-12"), cell(exit_::kDestination, "24")}};
    const auto built = build_exit(leave(kStay, "2026-11-20", "30"), context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->kind, sync::EventKind::kExit);
    EXPECT_TRUE(built->created.empty());
    ASSERT_EQ(built->ops.size(), 1U);
    const Op& op = built->ops[0];
    EXPECT_EQ(op.entity, kStay);
    EXPECT_EQ(op.kind, OpKind::kSetGroup);
    EXPECT_EQ(op.table, tbl::kExit);
    EXPECT_EQ(op.supersedes, screen_.on_screen(kStay, tbl::kExit, grp::kExitExit));
    EXPECT_EQ(
        op.cells,
        (std::vector<Cell>{cell(exit_::kExitDate, "2026-11-20"), cell(exit_::kDestination, "30")}));
}

TEST_F(Build, AnExitHoldsItsOtherGroupsToo) {
    auto request = leave(kStay, "2026-11-20", "24");
    put(request.shared, cell(exit_::kCounselingReceived, "0"));
    const auto built = build_exit(request, context());
    ASSERT_TRUE(built);
    ASSERT_EQ(built->ops.size(), 2U);
    EXPECT_EQ(built->ops[1].group, grp::kExitCounseling);
}

TEST_F(Build, AnExitThatCannotBeIsRefused) {
    EXPECT_EQ(problems(build_exit(leave(kStay, "2026-11-09", "24"), context())),
              Found{"exits[0].ExitDate exit.before_entry"});
    EXPECT_EQ(problems(build_exit(leave(kStay, "2026-11-24", "24"), context())),
              Found{"exits[0].ExitDate exit.after_interaction"});
    auto bare = leave(kStay, "2026-11-20", "24");
    bare.exits[0].answers.clear();
    EXPECT_EQ(problems(build_exit(bare, context())), Found{"exits[0].Destination row.required"});
    auto twice = leave(kStay, "2026-11-20", "24");
    twice.exits.push_back(twice.exits[0]);
    EXPECT_EQ(problems(build_exit(twice, context())), Found{"exits[1] enrollment.twice"});
    const auto unknown = build_exit(leave(kNobody, "2026-11-20", "24"), context());
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().error.code, ErrorCode::kNotFound);
    EXPECT_NE(unknown.error().error.message.find(to_string(kNobody)), std::string::npos);
}

TEST_F(Build, AnUpdateWritesTheGroupsItChanges) {
    const UpdateRequest request{.entity = kStay,
                                .table = tbl::kEnrollment,
                                .answers = {cell(enrollment::kDisablingCondition, "1"),
                                            cell(enrollment::kDateOfEngagement, "2026-11-15")},
                                .interaction = {}};
    const auto built = build_update(request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->kind, sync::EventKind::kUpdate);
    ASSERT_EQ(built->ops.size(), 2U);
    EXPECT_EQ(built->ops[0].group, grp::kEnrollmentDisabling);
    EXPECT_EQ(built->ops[1].group, grp::kEnrollmentEngagement);
}

TEST_F(Build, AnUpdateThatChangesNothingIsRefused) {
    const UpdateRequest request{.entity = kStay,
                                .table = tbl::kEnrollment,
                                .answers = {cell(enrollment::kEntryDate, "2026-11-10")},
                                .interaction = {}};
    EXPECT_EQ(problems(build_update(request, context())), Found{" update.nothing"});
}

TEST_F(Build, AnUpdateMayEmptyAField) {
    screen_.registers[{kPerson, tbl::kClient, grp::kClientDob}] = {
        .dots = {{.replica = {}, .seq = 2, .op = 0}},
        .cells = {cell(client::kDOB, "1980-02-01"), cell(client::kDOBDataQuality, "1")}};
    UpdateRequest request{.entity = kPerson,
                          .table = tbl::kClient,
                          .answers = {cell(client::kDOBDataQuality, "8")},
                          .interaction = {}};
    EXPECT_EQ(problems(build_update(request, context())), Found{"DOB quality.refused_with_value"})
        << "the birth date was not shown, so it stays and contradicts";
    put(request.answers, {.column = client::kDOB, .value = sync::Absent{}});
    const auto built = build_update(request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->ops[0].cells, request.answers);
}

TEST_F(Build, AnUpdateRefersOnlyToWhatExists) {
    const UpdateRequest unknown{
        .entity = kNobody, .table = tbl::kClient, .answers = {}, .interaction = {}};
    EXPECT_EQ(problems(build_update(unknown, context())), Found{" entity.unknown"});
    const UpdateRequest house{.entity = kStay,
                              .table = tbl::kEnrollment,
                              .answers = {id_cell(enrollment::kHouseholdID, kNobody)},
                              .interaction = {}};
    EXPECT_EQ(problems(build_update(house, context())), Found{"HouseholdID entity.unknown"});
}

TEST_F(Build, GroupsOfTheOfficeAreNotWrittenHere) {
    const UpdateRequest request{.entity = kProject,
                                .table = tbl::kProject,
                                .answers = {cell(hud::col::project::kProjectType, "1")},
                                .interaction = {}};
    EXPECT_EQ(problems(build_update(request, context())), Found{"ProjectType field.office_only"});
}

TEST_F(Build, AVoidWritesTheLifeOfTheEntity) {
    screen_.registers[{kStay, tbl::kEnrollment, grp::kLife}] = {
        .dots = {{.replica = {}, .seq = 2, .op = 5}}, .cells = {cell(life::kState, "1")}};
    VoidRequest request{.entity = kStay,
                        .table = tbl::kEnrollment,
                        .reason = "entered twice",
                        .replaced_by = kOtherStay};
    const auto built = build_void(request, context());
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->kind, sync::EventKind::kNone);
    ASSERT_EQ(built->ops.size(), 1U);
    const Op& op = built->ops[0];
    EXPECT_EQ(op.kind, OpKind::kVoid);
    EXPECT_EQ(op.table, tbl::kEnrollment);
    EXPECT_EQ(op.group, hud::kLifeGroup);
    EXPECT_EQ(op.supersedes.size(), 1U);
    EXPECT_EQ(op.cells,
              (std::vector<Cell>{cell(life::kState, "2"),
                                 cell(life::kReason, "entered twice"),
                                 id_cell(life::kReplacedBy, kOtherStay)}));

    screen_.registers[{kStay, tbl::kEnrollment, grp::kLife}].cells = op.cells;
    const auto again = build_void(request, context());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().error.code, ErrorCode::kConflict);
    request.entity = kOtherStay;
    request.reason.clear();
    EXPECT_EQ(problems(build_void(request, context())), Found{"Reason field.required"});
    request.entity = kNobody;
    request.reason = "r";
    EXPECT_EQ(problems(build_void(request, context())), Found{" entity.unknown"});
}

}  // namespace
}  // namespace streetlog::agent

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/workflow/build.hpp"
#include "agent/workflow/json_requests.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/codec.hpp"
#include "tests/support/fake_screen.hpp"

namespace streetlog::agent {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;
namespace household = hud::col::household;

using sync::Op;
using sync::OpKind;

constexpr EntityId kProject{{0xaa}};
constexpr EntityId kKnown{{0xbb}};
constexpr EntityId kAlias{{0xbc}};
constexpr EntityId kHouse{{0xcc}};

class BuildIntake : public testing::Test {
  protected:
    BuildIntake() { screen_.add(kProject, tbl::kProject); }

    Checked<BuiltSave> build(const std::string& clients, const std::string& rest = "") {
        const std::string text = R"({"ProjectID":")" + to_string(kProject) +
                                 R"(","EntryDate":"2026-11-20","interaction":"now",)" + rest +
                                 R"("clients":[)" + clients + "]}";
        const auto request = parse_intake(text);
        EXPECT_TRUE(request) << request.error().error.message;
        if (!request) return std::unexpected(request.error());
        return build_intake(*request,
                            {.screen = screen_,
                             .random = random_,
                             .now = *parse_instant("2026-11-23T03:00:00Z"),
                             .tz_minutes = -300});
    }

    /// The client of kKnown with a name and a social security number on screen.
    void know_client() {
        screen_.add(kKnown, tbl::kClient);
        screen_.registers[{kKnown, tbl::kClient, grp::kClientName}] = {
            .dots = {{.replica = {}, .seq = 4, .op = 0}, {.replica = {}, .seq = 7, .op = 2}},
            .cells = {{.column = client::kFirstName, .value = std::string{"Ana"}},
                      {.column = client::kMiddleName, .value = std::string{"B"}},
                      {.column = client::kLastName, .value = std::string{"Ruiz"}},
                      {.column = client::kNameDataQuality, .value = std::int64_t{1}}}};
        screen_.registers[{kKnown, tbl::kClient, grp::kClientSsn}] = {
            .dots = {{.replica = {}, .seq = 4, .op = 1}},
            .cells = {{.column = client::kSSN, .value = sync::Redacted{}},
                      {.column = client::kSSNDataQuality, .value = std::int64_t{1}}}};
    }

    FakeScreen screen_;
    CountingRandom random_;
};

std::vector<const Op*> ops_on(const BuiltSave& save, std::uint16_t table, std::uint16_t group) {
    std::vector<const Op*> out;
    for (const Op& op : save.ops) {
        if (op.table == table && op.group == group) out.push_back(&op);
    }
    return out;
}

std::vector<std::string> problems(const Checked<BuiltSave>& built) {
    std::vector<std::string> out;
    if (built) return out;
    for (const Problem& one : built.error().problems) out.push_back(one.path + " " + one.rule);
    return out;
}

using Found = std::vector<std::string>;

const std::string kFamily =
    R"({"FirstName":"Ana","LastName":"Ruiz","NameDataQuality":1,"DOB":"1980-02-01","DOBDataQuality":1,)"
    R"("RelationshipToHoH":1,"DisablingCondition":0,"LivingSituation":116,"EnrollmentCoC":"CA-600"},)"
    R"({"FirstName":"Ben","NameDataQuality":2,"RelationshipToHoH":3},)"
    R"({"FirstName":"Cleo","NameDataQuality":2,"RelationshipToHoH":2},)"
    R"({"NameDataQuality":99,"RelationshipToHoH":2,"EntryDate":"2026-11-21"},)"
    R"({"SSN":"xxxxx1120","SSNDataQuality":2,"RelationshipToHoH":2})";

TEST_F(BuildIntake, AFamilyOfFiveIsOneRecordWithOneHead) {
    const auto built = build(kFamily);
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->kind, sync::EventKind::kIntake);
    EXPECT_EQ(built->source, sync::TimeSource::kLive);
    EXPECT_EQ(built->occurred, *parse_instant("2026-11-23T03:00:00Z"));
    EXPECT_EQ(built->created.size(), 11U);

    const auto houses = ops_on(*built, tbl::kHousehold, grp::kHouseholdHead);
    ASSERT_EQ(houses.size(), 1U);
    EXPECT_EQ(houses[0]->kind, OpKind::kCreate);
    const auto stays = ops_on(*built, tbl::kEnrollment, grp::kEnrollmentEntry);
    const auto members = ops_on(*built, tbl::kEnrollment, grp::kEnrollmentHousehold);
    ASSERT_EQ(stays.size(), 5U);
    ASSERT_EQ(members.size(), 5U);
    int heads = 0;
    for (const Op* member : members) {
        EXPECT_EQ(sync::id_in(sync::find_cell(member->cells, enrollment::kHouseholdID)),
                  houses[0]->entity);
        const auto role =
            sync::number_in(sync::find_cell(member->cells, enrollment::kRelationshipToHoH));
        heads += role == 1 ? 1 : 0;
    }
    EXPECT_EQ(heads, 1);
    EXPECT_EQ(sync::id_in(sync::find_cell(houses[0]->cells, household::kHeadEnrollmentID)),
              stays[0]->entity);
    EXPECT_EQ(sync::to_text(*hud::find_column(household::kEffectiveDate),
                            *sync::find_cell(houses[0]->cells, household::kEffectiveDate)),
              "2026-11-20");
    EXPECT_EQ(ops_on(*built, tbl::kEnrollment, grp::kEnrollmentCoc).size(), 1U);
}

TEST_F(BuildIntake, EveryCreatedEntityHasOneCreateOpAndSupersedesNothing) {
    const auto built = build(kFamily);
    ASSERT_TRUE(built);
    std::set<EntityId> ids;
    for (const BuiltSave::NewEntity& one : built->created) {
        EXPECT_TRUE(ids.insert(one.id).second);
        EXPECT_EQ(std::ranges::count_if(built->ops,
                                        [&](const Op& op) {
                                            return op.entity == one.id && op.table == one.table &&
                                                   op.kind == OpKind::kCreate;
                                        }),
                  1);
    }
    for (const Op& op : built->ops) {
        EXPECT_TRUE(op.supersedes.empty());
        EXPECT_TRUE(op.profile.empty());
        EXPECT_TRUE(ids.contains(op.entity));
    }
}

TEST_F(BuildIntake, AnEnrollmentCarriesItsKeysAsBytes) {
    const auto built = build(R"({"RelationshipToHoH":1})");
    ASSERT_TRUE(built) << built.error().error.message;
    const auto stays = ops_on(*built, tbl::kEnrollment, grp::kEnrollmentEntry);
    ASSERT_EQ(stays.size(), 1U);
    EXPECT_EQ(stays[0]->kind, OpKind::kCreate);
    ASSERT_EQ(stays[0]->cells.size(), 3U);
    EXPECT_EQ(sync::id_in(sync::find_cell(stays[0]->cells, enrollment::kProjectID)), kProject);
    const auto clients = ops_on(*built, tbl::kClient, 0);
    ASSERT_EQ(clients.size(), 1U) << "a client of whom nothing is known has keys only";
    EXPECT_EQ(sync::id_in(sync::find_cell(stays[0]->cells, enrollment::kPersonalID)),
              clients[0]->entity);
}

TEST_F(BuildIntake, OnlyGroupsOfWhichSomethingWasGivenAreWritten) {
    const auto built =
        build(R"({"FirstName":"Ana","NameDataQuality":2,"DOB":null,"RelationshipToHoH":1})");
    ASSERT_TRUE(built) << built.error().error.message;
    std::set<std::uint16_t> groups;
    for (const Op& op : built->ops) groups.insert(op.group);
    EXPECT_EQ(groups,
              (std::set<std::uint16_t>{grp::kClientName,
                                       grp::kHouseholdHead,
                                       grp::kEnrollmentEntry,
                                       grp::kEnrollmentHousehold}));
}

TEST_F(BuildIntake, AKnownClientIsNotMintedAndItsOtherCellsAreCarriedForward) {
    know_client();
    const auto built = build(R"({"PersonalID":")" + to_string(kKnown) +
                             R"(","FirstName":"Anna","RelationshipToHoH":1})");
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_EQ(built->created.size(), 2U);
    const auto names = ops_on(*built, tbl::kClient, grp::kClientName);
    ASSERT_EQ(names.size(), 1U);
    EXPECT_EQ(names[0]->entity, kKnown);
    EXPECT_EQ(names[0]->kind, OpKind::kSetGroup);
    EXPECT_EQ(
        names[0]->cells,
        (std::vector<sync::Cell>{{.column = client::kFirstName, .value = std::string{"Anna"}},
                                 {.column = client::kMiddleName, .value = std::string{"B"}},
                                 {.column = client::kLastName, .value = std::string{"Ruiz"}},
                                 {.column = client::kNameDataQuality, .value = std::int64_t{1}}}));
    EXPECT_EQ(names[0]->supersedes, screen_.on_screen(kKnown, tbl::kClient, grp::kClientName));
    EXPECT_TRUE(ops_on(*built, tbl::kClient, grp::kClientSsn).empty());
}

TEST_F(BuildIntake, ARedactedCellStaysRedacted) {
    know_client();
    const auto built = build(R"({"PersonalID":")" + to_string(kKnown) +
                             R"(","SSNDataQuality":2,"RelationshipToHoH":1})");
    ASSERT_TRUE(built) << built.error().error.message;
    const auto ssn = ops_on(*built, tbl::kClient, grp::kClientSsn);
    ASSERT_EQ(ssn.size(), 1U);
    EXPECT_TRUE(ssn[0]->redacted());
}

TEST_F(BuildIntake, AnEditOfAMergedClientNamesTheOtherMembers) {
    know_client();
    screen_.profiles[kKnown] = {kAlias};
    const auto built = build(R"({"PersonalID":")" + to_string(kKnown) +
                             R"(","FirstName":"Anna","RelationshipToHoH":1})");
    ASSERT_TRUE(built);
    EXPECT_EQ(ops_on(*built, tbl::kClient, grp::kClientName)[0]->profile,
              std::vector<EntityId>{kAlias});
}

TEST_F(BuildIntake, AnswersThatSayWhatIsThereAlreadyAreNotWritten) {
    know_client();
    const std::string same =
        R"({"PersonalID":")" + to_string(kKnown) + R"(","FirstName":"Ana","RelationshipToHoH":1})";
    auto built = build(same);
    ASSERT_TRUE(built);
    EXPECT_EQ(ops_on(*built, tbl::kClient, grp::kClientName).size(), 1U)
        << "two values stand side by side, so saying one of them settles it";
    screen_.registers[{kKnown, tbl::kClient, grp::kClientName}].dots.pop_back();
    built = build(same);
    ASSERT_TRUE(built);
    EXPECT_TRUE(ops_on(*built, tbl::kClient, grp::kClientName).empty());
}

TEST_F(BuildIntake, SomeoneJoinsAHousehold) {
    screen_.add(kHouse, tbl::kHousehold);
    const std::string house = R"("HouseholdID":")" + to_string(kHouse) + R"(",)";
    const auto built =
        build(R"({"FirstName":"Dee","NameDataQuality":2,"RelationshipToHoH":2})", house);
    ASSERT_TRUE(built) << built.error().error.message;
    EXPECT_TRUE(ops_on(*built, tbl::kHousehold, grp::kHouseholdHead).empty());
    screen_.registers[{kHouse, tbl::kHousehold, grp::kHouseholdHead}] = {
        .dots = {},
        .cells = {sync::make_cell(*hud::find_column(household::kHeadEnrollmentID), EntityId{{9}})}};
    EXPECT_EQ(problems(build(R"({"RelationshipToHoH":1})", house)),
              Found{"clients[0].RelationshipToHoH household.head_mismatch"});
}

TEST_F(BuildIntake, UnknownIdsAreNotFoundAndNamed) {
    const std::string id = to_string(kKnown);
    const auto built = build(R"({"PersonalID":")" + id + R"(","RelationshipToHoH":1})",
                             R"("HouseholdID":")" + to_string(kHouse) + R"(",)");
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().error.code, ErrorCode::kNotFound);
    EXPECT_NE(built.error().error.message.find(id), std::string::npos);
    EXPECT_EQ(problems(built),
              (Found{"HouseholdID entity.unknown", "clients[0].PersonalID entity.unknown"}));
    screen_.entities.clear();
    EXPECT_EQ(problems(build(R"({"RelationshipToHoH":1})")), Found{"ProjectID entity.unknown"});
}

TEST_F(BuildIntake, OnePersonCannotBeTwoMembers) {
    know_client();
    screen_.add(kAlias, tbl::kClient);
    screen_.profiles[kAlias] = {kKnown};
    for (const EntityId other : {kKnown, kAlias}) {
        EXPECT_EQ(problems(build(R"({"PersonalID":")" + to_string(kKnown) +
                                 R"(","RelationshipToHoH":1},{"PersonalID":")" + to_string(other) +
                                 R"(","RelationshipToHoH":2})")),
                  Found{"clients[1].PersonalID client.twice"});
    }
}

TEST_F(BuildIntake, BrokenRulesAreAllReportedWithTheirPlace) {
    const auto built = build(
        R"({"FirstName":"Zebulonia","NameDataQuality":9,"RelationshipToHoH":2,"EntryDate":"2026-11-23"},)"
        R"({"SSN":"12","SSNDataQuality":1})");
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().error.code, ErrorCode::kInvalidInput);
    EXPECT_EQ(problems(built),
              (Found{"clients[0].FirstName quality.refused_with_value",
                     "clients[1].SSN ssn.shape",
                     "clients[0].EntryDate entry.after_interaction",
                     "clients[1].RelationshipToHoH row.required",
                     "clients[0].RelationshipToHoH household.head_count"}))
        << "the 23rd has not begun at UTC-5";
    EXPECT_EQ(built.error().error.message.find("Zebulonia"), std::string::npos);
}

TEST_F(BuildIntake, TheCocIsAskedOfTheHeadOnly) {
    EXPECT_EQ(problems(build(
                  R"({"RelationshipToHoH":1},{"RelationshipToHoH":2,"EnrollmentCoC":"CA-600"})")),
              Found{"clients[1].EnrollmentCoC household.coc_of_member"});
    const auto built =
        build(R"({"RelationshipToHoH":1},{"RelationshipToHoH":2})", R"("EnrollmentCoC":"CA-600",)");
    ASSERT_TRUE(built);
    EXPECT_EQ(ops_on(*built, tbl::kEnrollment, grp::kEnrollmentCoc).size(), 1U);
}

TEST_F(BuildIntake, WarningsDoNotBlock) {
    const auto built = build(R"({"SSN":"123456789","SSNDataQuality":1,"RelationshipToHoH":1})");
    ASSERT_TRUE(built);
    ASSERT_EQ(built->warnings.size(), 1U);
    EXPECT_EQ(built->warnings[0].rule, sync::rule::kSsnImplausible);
}

TEST_F(BuildIntake, TheRecordSurvivesTheCodec) {
    const auto built = build(kFamily);
    ASSERT_TRUE(built);
    sync::Record record;
    record.header.replica = {.device = DeviceId{{1}}, .incarnation = 1};
    record.header.seq = 5;
    record.header.occurred = built->occurred;
    record.header.kind = built->kind;
    record.ops = built->ops;
    const auto bytes = sync::encode(record);
    const auto back = sync::decode(sync::view_of(bytes));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, record);
}

}  // namespace
}  // namespace streetlog::agent

#include "sync/validate/validate.hpp"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::sync {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;
namespace exit_ = hud::col::exit;
namespace cls = hud::col::current_living_situation;
namespace household = hud::col::household;

using Texts = std::initializer_list<std::pair<std::uint16_t, const char*>>;

constexpr EntityId kPerson{{1}};
constexpr EntityId kStay{{2}};
constexpr EntityId kHouse{{3}};
constexpr EntityId kProject{{4}};
constexpr EntityId kOtherStay{{5}};

const hud::Column& column(std::uint16_t id) { return *hud::find_column(id); }

/// An op on `group` of that entity; cells from text, unchecked against code lists.
Op write(EntityId entity, std::uint16_t group, Texts texts) {
    Op op{.entity = entity,
          .kind = OpKind::kSetGroup,
          .table = hud::find_group(group)->table,
          .group = group,
          .cells = {},
          .supersedes = {},
          .profile = {}};
    for (const auto& [id, text] : texts) {
        op.cells.push_back(make_cell(column(id), text, hud::CodeCheck::kAny).value());
    }
    std::ranges::sort(op.cells, {}, &Cell::column);
    return op;
}

Op enroll(EntityId stay, Texts texts) {
    Op op = write(stay, grp::kEnrollmentEntry, texts);
    op.kind = OpKind::kCreate;
    op.cells.insert(op.cells.begin(),
                    {make_cell(column(enrollment::kPersonalID), kPerson),
                     make_cell(column(enrollment::kProjectID), kProject)});
    return op;
}

Op member(EntityId stay, const char* relationship) {
    Op op =
        write(stay, grp::kEnrollmentHousehold, {{enrollment::kRelationshipToHoH, relationship}});
    op.cells.insert(op.cells.begin(), make_cell(column(enrollment::kHouseholdID), kHouse));
    return op;
}

Op house(EntityId head) {
    return Op{.entity = kHouse,
              .kind = OpKind::kCreate,
              .table = tbl::kHousehold,
              .group = grp::kHouseholdHead,
              .cells = {make_cell(column(household::kProjectID), kProject),
                        make_cell(column(household::kHeadEnrollmentID), head)},
              .supersedes = {},
              .profile = {}};
}

struct Known {
    std::map<std::tuple<EntityId, std::uint16_t, std::uint16_t>, std::vector<Cell>> winners;
    std::optional<std::int64_t> project_type;
};

std::vector<Finding> check(const std::vector<Op>& ops, const Known& known = {}) {
    const ValidateContext context{
        .interaction_day =
            Date{std::chrono::year{2026}, std::chrono::November, std::chrono::day{23}},
        .project_type = known.project_type,
        .winner = [&](EntityId entity, std::uint16_t table, std::uint16_t group) {
            const auto found = known.winners.find({entity, table, group});
            return found == known.winners.end() ? std::vector<Cell>{} : found->second;
        }};
    return validate_save(ops, context);
}

/// "rule column" of each finding, warnings with a leading "?".
std::vector<std::string> rules(const std::vector<Finding>& findings) {
    std::vector<std::string> out;
    for (const Finding& one : findings) {
        const hud::Column* at = hud::find_column(one.column);
        out.push_back((one.severity == FindingSeverity::kWarning ? "?" : "") +
                      std::string{one.rule} +
                      (at == nullptr ? std::string{} : " " + std::string{at->name}));
    }
    return out;
}

using Rules = std::vector<std::string>;

struct RowCase {
    const char* name;
    std::uint16_t group;
    std::vector<std::pair<std::uint16_t, const char*>> texts;
    Rules expected;
};

class ValidateRow : public testing::TestWithParam<RowCase> {};

TEST_P(ValidateRow, FindsExactlyTheseRules) {
    Op op = write(kPerson, GetParam().group, {});
    for (const auto& [id, text] : GetParam().texts) {
        op.cells.push_back(make_cell(column(id), text, hud::CodeCheck::kAny).value());
    }
    std::ranges::sort(op.cells, {}, &Cell::column);
    EXPECT_EQ(rules(check({op})), GetParam().expected);
}

const RowCase kClientCases[] = {
    {"whole_name",
     grp::kClientName,
     {{client::kFirstName, "Ana"}, {client::kLastName, "Ruiz"}, {client::kNameDataQuality, "1"}},
     {}},
    {"full_name_without_last_name",
     grp::kClientName,
     {{client::kFirstName, "Ana"}, {client::kNameDataQuality, "1"}},
     {"quality.full_but_incomplete LastName"}},
    {"code_name",
     grp::kClientName,
     {{client::kFirstName, "Red Hat"}, {client::kNameDataQuality, "2"}},
     {}},
    {"refused_name_with_a_name",
     grp::kClientName,
     {{client::kFirstName, "Ana"}, {client::kNameDataQuality, "9"}},
     {"quality.refused_with_value FirstName"}},
    {"unknown_quality_code",
     grp::kClientName,
     {{client::kFirstName, "Ana"}, {client::kNameDataQuality, "3"}},
     {"value.code NameDataQuality"}},
    {"ssn", grp::kClientSsn, {{client::kSSN, "078051120"}, {client::kSSNDataQuality, "1"}}, {}},
    {"ssn_last_four",
     grp::kClientSsn,
     {{client::kSSN, "xxxxx1120"}, {client::kSSNDataQuality, "2"}},
     {}},
    {"ssn_last_four_called_full",
     grp::kClientSsn,
     {{client::kSSN, "xxxxx1120"}, {client::kSSNDataQuality, "1"}},
     {"quality.full_but_incomplete SSN"}},
    {"ssn_too_short",
     grp::kClientSsn,
     {{client::kSSN, "07805112"}, {client::kSSNDataQuality, "2"}},
     {"ssn.shape SSN"}},
    {"ssn_with_letters",
     grp::kClientSsn,
     {{client::kSSN, "07805112a"}, {client::kSSNDataQuality, "2"}},
     {"ssn.shape SSN"}},
    {"ssn_area_000",
     grp::kClientSsn,
     {{client::kSSN, "000051120"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_area_666",
     grp::kClientSsn,
     {{client::kSSN, "666051120"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_area_900",
     grp::kClientSsn,
     {{client::kSSN, "900051120"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_group_00",
     grp::kClientSsn,
     {{client::kSSN, "078001120"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_serial_0000",
     grp::kClientSsn,
     {{client::kSSN, "078050000"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_one_digit_nine_times",
     grp::kClientSsn,
     {{client::kSSN, "111111111"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_run",
     grp::kClientSsn,
     {{client::kSSN, "123456789"}, {client::kSSNDataQuality, "1"}},
     {"?ssn.implausible SSN"}},
    {"ssn_not_collected_but_there",
     grp::kClientSsn,
     {{client::kSSN, "078051120"}, {client::kSSNDataQuality, "99"}},
     {"quality.refused_with_value SSN"}},
    {"born_today",
     grp::kClientDob,
     {{client::kDOB, "2026-11-23"}, {client::kDOBDataQuality, "1"}},
     {}},
    {"born_tomorrow",
     grp::kClientDob,
     {{client::kDOB, "2026-11-24"}, {client::kDOBDataQuality, "1"}},
     {"dob.after_interaction DOB"}},
    {"born_1915",
     grp::kClientDob,
     {{client::kDOB, "1915-01-01"}, {client::kDOBDataQuality, "2"}},
     {}},
    {"born_1914",
     grp::kClientDob,
     {{client::kDOB, "1914-12-31"}, {client::kDOBDataQuality, "1"}},
     {"?dob.before_1915 DOB"}},
    {"born_1899",
     grp::kClientDob,
     {{client::kDOB, "1899-12-31"}, {client::kDOBDataQuality, "1"}},
     {"dob.before_1900 DOB"}},
    {"birth_not_known", grp::kClientDob, {{client::kDOB, ""}, {client::kDOBDataQuality, "8"}}, {}},
    {"full_birth_without_date",
     grp::kClientDob,
     {{client::kDOBDataQuality, "1"}},
     {"quality.full_but_incomplete DOB"}},
    {"race_refused", grp::kClientRace, {{client::kWhite, "0"}, {client::kRaceNone, "9"}}, {}},
    {"race_refused_and_chosen",
     grp::kClientRace,
     {{client::kWhite, "1"}, {client::kRaceNone, "9"}},
     {"race.none_and_some RaceNone"}},
};

const RowCase kStayCases[] = {
    {"coc", grp::kEnrollmentCoc, {{enrollment::kEnrollmentCoC, "CA-600"}}, {}},
    {"coc_that_is_none",
     grp::kEnrollmentCoc,
     {{enrollment::kEnrollmentCoC, "ZZ-600"}},
     {"value.coc_code EnrollmentCoC"}},
    {"prior_living_homeless",
     grp::kEnrollmentPriorLiving,
     {{enrollment::kLivingSituation, "116"}},
     {}},
    {"prior_living_of_the_exit_list",
     grp::kEnrollmentPriorLiving,
     {{enrollment::kLivingSituation, "24"}},
     {"value.code LivingSituation"}},
    {"subsidy_of_a_rental",
     grp::kEnrollmentPriorLiving,
     {{enrollment::kLivingSituation, "435"}, {enrollment::kRentalSubsidyType, "428"}},
     {}},
    {"subsidy_without_a_rental",
     grp::kEnrollmentPriorLiving,
     {{enrollment::kLivingSituation, "116"}, {enrollment::kRentalSubsidyType, "428"}},
     {"row.null_unless RentalSubsidyType"}},
    {"entry_tomorrow",
     grp::kEnrollmentEntry,
     {{enrollment::kEntryDate, "2026-11-24"}},
     {"entry.after_interaction EntryDate"}},
    {"exit", grp::kExitExit, {{exit_::kExitDate, "2026-11-23"}, {exit_::kDestination, "24"}}, {}},
    {"exit_without_destination",
     grp::kExitExit,
     {{exit_::kExitDate, "2026-11-23"}},
     {"row.required Destination"}},
    {"exit_without_date", grp::kExitExit, {{exit_::kDestination, "24"}}, {"row.required ExitDate"}},
    {"exit_tomorrow",
     grp::kExitExit,
     {{exit_::kExitDate, "2026-11-24"}, {exit_::kDestination, "24"}},
     {"exit.after_interaction ExitDate"}},
    {"exit_to_a_code_for_contacts_only",
     grp::kExitExit,
     {{exit_::kExitDate, "2026-11-23"}, {exit_::kDestination, "37"}},
     {"value.code Destination"}},
    {"other_destination_said_for_another",
     grp::kExitExit,
     {{exit_::kExitDate, "2026-11-23"},
      {exit_::kDestination, "24"},
      {exit_::kOtherDestination, "a boat"}},
     {"row.null_unless OtherDestination"}},
};

std::string name_of(const testing::TestParamInfo<RowCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Client, ValidateRow, testing::ValuesIn(kClientCases), name_of);
INSTANTIATE_TEST_SUITE_P(Stay, ValidateRow, testing::ValuesIn(kStayCases), name_of);

TEST(Validate, MessagesHoldNoValue) {
    for (const char* planted : {"Zebulonia", "07805112Q"}) {
        const std::vector<Op> ops{
            write(kPerson,
                  grp::kClientName,
                  {{client::kFirstName, planted}, {client::kNameDataQuality, "9"}}),
            write(kPerson,
                  grp::kClientSsn,
                  {{client::kSSN, "07805112Q"}, {client::kSSNDataQuality, "1"}})};
        const auto found = check(ops);
        EXPECT_EQ(found.size(), 2U);
        for (const Finding& one : found) {
            EXPECT_EQ(one.message.find(planted), std::string::npos);
            EXPECT_EQ(one.entity, kPerson);
        }
    }
}

TEST(Validate, AColumnOfAnotherGroupIsForeign) {
    Op op = write(kPerson, grp::kClientSsn, {{client::kSSNDataQuality, "99"}});
    op.cells.push_back(make_cell(column(client::kSex), "1").value());
    EXPECT_EQ(rules(check({op})), Rules{"op.foreign_column Sex"});
}

TEST(Validate, KeysStandOnlyInACreateOp) {
    Op op = enroll(kStay, {{enrollment::kEntryDate, "2026-11-01"}});
    op.kind = OpKind::kSetGroup;
    EXPECT_EQ(rules(check({op})),
              (Rules{"op.foreign_column PersonalID", "op.foreign_column ProjectID"}));
}

TEST(Validate, AnUnknownGroupIsNamed) {
    Op op = write(kPerson, grp::kClientSsn, {});
    op.group = 1113;
    EXPECT_EQ(rules(check({op})), Rules{"op.unknown_target"});
}

TEST(Validate, CellsStandInAscendingOrderOnceEach) {
    Op op = write(
        kPerson, grp::kClientSsn, {{client::kSSN, "078051120"}, {client::kSSNDataQuality, "1"}});
    std::swap(op.cells[0], op.cells[1]);
    EXPECT_EQ(rules(check({op})), Rules{"op.cell_order SSNDataQuality"});
    op.cells = {op.cells[0], op.cells[0]};
    EXPECT_NE(rules(check({op})), Rules{});
}

TEST(Validate, ValuesHaveTheTypeOfTheirColumn) {
    const auto type_of = [](std::uint16_t id, CellValue value) {
        const auto bad = check_value(column(id), value);
        return bad ? bad->rule : std::string_view{};
    };
    EXPECT_EQ(type_of(client::kDOB, std::string{"2026-11-23"}), rule::kType);
    EXPECT_EQ(type_of(client::kDOB, std::int64_t{99'999'999}), rule::kDate);
    EXPECT_EQ(type_of(client::kFirstName, std::int64_t{1}), rule::kType);
    EXPECT_EQ(type_of(client::kFirstName, std::string(50, 'a')), "");
    EXPECT_EQ(type_of(client::kFirstName, std::string(51, 'a')), rule::kText);
    EXPECT_EQ(type_of(client::kFirstName, std::string{"\xff"}), rule::kText);
    EXPECT_EQ(type_of(client::kNameDataQuality, std::string{"1"}), rule::kType);
    EXPECT_EQ(type_of(client::kYearEnteredService, std::int64_t{-1}), rule::kNumber);
    EXPECT_EQ(type_of(enrollment::kHouseholdID, Bytes(15)), rule::kType);
    EXPECT_EQ(type_of(enrollment::kHouseholdID, Bytes(16)), "");
    EXPECT_EQ(type_of(client::kSSN, Redacted{}), "");
    EXPECT_EQ(type_of(client::kSSN, Absent{}), "");
}

TEST(Validate, ARedactedSsnMayStayCompleteButNotRefused) {
    Op op = write(kPerson, grp::kClientSsn, {{client::kSSN, ""}, {client::kSSNDataQuality, "1"}});
    op.cells[0].value = Redacted{};
    EXPECT_EQ(rules(check({op})), Rules{});
    op.cells[1].value = std::int64_t{9};
    EXPECT_EQ(rules(check({op})), Rules{"quality.refused_with_value SSN"});
}

TEST(Validate, AnEnrollmentNeedsItsKeysEntryDateAndRelationship) {
    EXPECT_EQ(
        rules(check({enroll(kStay, {{enrollment::kEntryDate, "2026-11-23"}}), member(kStay, "1")})),
        Rules{});
    Op bare = enroll(kStay, {});
    bare.cells.clear();
    EXPECT_EQ(rules(check({bare})),
              (Rules{"row.required PersonalID",
                     "row.required ProjectID",
                     "row.required EntryDate",
                     "row.required HouseholdID",
                     "row.required RelationshipToHoH"}));
}

TEST(Validate, AnExitLiesNotBeforeTheEntryOfTheSameStay) {
    Known known;
    known.winners[{kStay, tbl::kEnrollment, grp::kEnrollmentEntry}] =
        write(kStay, grp::kEnrollmentEntry, {{enrollment::kEntryDate, "2026-11-10"}}).cells;
    const auto leave = [](const char* day) {
        return write(kStay, grp::kExitExit, {{exit_::kExitDate, day}, {exit_::kDestination, "24"}});
    };
    EXPECT_EQ(rules(check({leave("2026-11-10")}, known)), Rules{});
    EXPECT_EQ(rules(check({leave("2026-11-09")}, known)), Rules{"exit.before_entry ExitDate"});
    const Op later = write(kStay, grp::kEnrollmentEntry, {{enrollment::kEntryDate, "2026-11-15"}});
    EXPECT_EQ(rules(check({later, leave("2026-11-12")}, known)),
              Rules{"exit.before_entry ExitDate"});
    known.winners[{kStay, tbl::kExit, grp::kExitExit}] = leave("2026-11-12").cells;
    EXPECT_EQ(rules(check({later}, known)), Rules{"exit.before_entry EntryDate"});
}

TEST(Validate, AContactNeedsItsDateAndSituationAndIsNeverChanged) {
    Op met = write(kOtherStay, grp::kContactContact, {});
    met.kind = OpKind::kCreate;
    EXPECT_EQ(rules(check({met})),
              (Rules{"row.required InformationDate", "row.required CurrentLivingSituation"}));
    met = write(kOtherStay,
                grp::kContactContact,
                {{cls::kInformationDate, "2026-11-24"}, {cls::kCurrentLivingSituation, "116"}});
    EXPECT_EQ(rules(check({met})),
              (Rules{"op.immutable_group", "contact.after_interaction InformationDate"}));
}

TEST(Validate, VerifiedByHangsOnTheProjectType) {
    Op met = write(kOtherStay,
                   grp::kContactContact,
                   {{cls::kInformationDate, "2026-11-23"},
                    {cls::kCurrentLivingSituation, "116"},
                    {cls::kVerifiedBy, "the shelter"}});
    met.kind = OpKind::kCreate;
    EXPECT_EQ(rules(check({met})), Rules{}) << "the type is not known, so nothing is decided";
    EXPECT_EQ(rules(check({met}, {.winners = {}, .project_type = 14})), Rules{});
    EXPECT_EQ(rules(check({met}, {.winners = {}, .project_type = 4})),
              Rules{"row.null_unless VerifiedBy"});
}

TEST(Validate, ANewHouseholdHasExactlyOneHead) {
    EXPECT_EQ(rules(check({house(kStay), member(kStay, "1"), member(kOtherStay, "2")})), Rules{});
    EXPECT_EQ(rules(check({house(kStay), member(kStay, "3"), member(kOtherStay, "2")})),
              Rules{"household.head_count RelationshipToHoH"});
    EXPECT_EQ(rules(check({house(kStay), member(kStay, "1"), member(kOtherStay, "1")})),
              Rules{"household.head_count RelationshipToHoH"});
    EXPECT_EQ(rules(check({house(kOtherStay), member(kStay, "1"), member(kOtherStay, "2")})),
              Rules{"household.head_mismatch HeadEnrollmentID"});
}

TEST(Validate, AMemberWhoJoinsIsNotASecondHead) {
    Known known;
    known.winners[{kHouse, tbl::kHousehold, grp::kHouseholdHead}] = {
        make_cell(column(household::kHeadEnrollmentID), kOtherStay)};
    EXPECT_EQ(rules(check({member(kStay, "2")}, known)), Rules{});
    EXPECT_EQ(rules(check({member(kStay, "1")}, known)),
              Rules{"household.head_mismatch RelationshipToHoH"});
}

}  // namespace
}  // namespace streetlog::sync

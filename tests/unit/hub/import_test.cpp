#include "hub/exchange/import.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "hub/exchange/source_id.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "tests/unit/hub/import_fixture.hpp"

namespace streetlog::hub::test {
namespace {

namespace tbl = hud::tbl;
namespace grp = hud::grp;
namespace col = hud::col;

constexpr std::string_view kSystem = "SYN-1";

EntityId client(std::string_view id) { return entity_of(kSystem, "Client", id); }

EntityId enrollment(std::string_view id) { return entity_of(kSystem, "Enrollment", id); }

TEST_F(ImportTest, CountsEveryTableOfTheSyntheticSet) {
    const ImportReport report = import();
    ASSERT_FALSE(report.failure.has_value()) << report.failure->message;
    EXPECT_EQ(report.source_system, kSystem);
    EXPECT_EQ(report.export_id, "EXP2026SYN01");
    EXPECT_EQ(report.source_id, "FL-510");
    EXPECT_TRUE(report.rejects.empty())
        << report.rejects.front().file << ' ' << report.rejects.front().column;
    EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
    const std::map<std::string_view, std::uint64_t> expected{{"Organization", 2},
                                                             {"User", 2},
                                                             {"Project", 4},
                                                             {"Funder", 4},
                                                             {"ProjectCoC", 4},
                                                             {"Inventory", 2},
                                                             {"Affiliation", 0},
                                                             {"HMISParticipation", 4},
                                                             {"CEParticipation", 4},
                                                             {"Client", 22},
                                                             {"Enrollment", 22},
                                                             {"Household", 17},
                                                             {"Exit", 13},
                                                             {"IncomeBenefits", 35},
                                                             {"HealthAndDV", 18},
                                                             {"EmploymentEducation", 0},
                                                             {"Disabilities", 206},
                                                             {"Services", 3},
                                                             {"CurrentLivingSituation", 25},
                                                             {"Assessment", 0},
                                                             {"AssessmentQuestions", 0},
                                                             {"AssessmentResults", 0},
                                                             {"Event", 0},
                                                             {"YouthEducationStatus", 0}};
    std::uint64_t total = 0;
    EXPECT_EQ(report.tables.size(), expected.size());
    for (const ImportCounts& counts : report.tables) {
        EXPECT_EQ(counts.created, expected.at(counts.table)) << counts.table;
        EXPECT_EQ(counts.rows, counts.created) << counts.table;
        total += counts.created;
    }
    EXPECT_EQ(sink_.records.size(), total);
    EXPECT_GT(sink_.flushes, 0);
    for (const sync::Record& record : sink_.records) {
        EXPECT_EQ(record.header.kind, sync::EventKind::kImport);
        EXPECT_EQ(record.header.source, sync::TimeSource::kNone);
    }
}

TEST_F(ImportTest, AClientCarriesItsValuesAndWhereItCameFrom) {
    ASSERT_FALSE(import().failure);
    const auto name = sink_.group_cells(client("C001"), tbl::kClient, grp::kClientName);
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(sync::text_in(sync::find_cell(*name, col::client::kFirstName)), "Amber");
    EXPECT_EQ(sync::find_cell(*name, col::client::kMiddleName), nullptr);
    const auto dob = sink_.group_cells(client("C001"), tbl::kClient, grp::kClientDob);
    ASSERT_TRUE(dob.has_value());
    EXPECT_EQ(sync::date_in(sync::find_cell(*dob, col::client::kDOB)), parse_date("2001-12-02"));
    const auto origin =
        sink_.group_cells(client("C001"), tbl::kImportedRow, grp::kImportedRowSource);
    ASSERT_TRUE(origin.has_value());
    const auto text = [&](std::uint16_t column) {
        return sync::text_in(sync::find_cell(*origin, column));
    };
    EXPECT_EQ(text(col::imported_row::kSourceSystem), kSystem);
    EXPECT_EQ(text(col::imported_row::kSourceFile), "Client.csv");
    EXPECT_EQ(text(col::imported_row::kSourceID), "C001");
    EXPECT_EQ(text(col::imported_row::kSourceDateCreated), "2026-01-12 09:00:00");
    EXPECT_EQ(text(col::imported_row::kSourceUserID), "U2");
}

TEST_F(ImportTest, KeysPointAtTheEntitiesTheyMean) {
    ASSERT_FALSE(import().failure);
    const auto created = std::ranges::find_if(sink_.records, [](const sync::Record& record) {
        return record.ops.front().entity == enrollment("E012");
    });
    ASSERT_NE(created, sink_.records.end());
    const sync::Op& op = created->ops.front();
    EXPECT_EQ(op.kind, sync::OpKind::kCreate);
    EXPECT_EQ(sync::id_in(sync::find_cell(op.cells, col::enrollment::kPersonalID)), client("C012"));
    EXPECT_EQ(sync::id_in(sync::find_cell(op.cells, col::enrollment::kProjectID)),
              entity_of(kSystem, "Project", "P3"));
    const EntityId household = entity_of(kSystem, "Household", "H011");
    const auto member =
        sink_.group_cells(enrollment("E012"), tbl::kEnrollment, grp::kEnrollmentHousehold);
    ASSERT_TRUE(member.has_value());
    EXPECT_EQ(sync::id_in(sync::find_cell(*member, col::enrollment::kHouseholdID)), household);
    const auto head = sink_.group_cells(household, tbl::kHousehold, grp::kHouseholdHead);
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(sync::id_in(sync::find_cell(*head, col::household::kHeadEnrollmentID)),
              enrollment("E011"));
    EXPECT_EQ(sync::date_in(sync::find_cell(*head, col::household::kEffectiveDate)),
              parse_date("2026-03-02"));
}

TEST_F(ImportTest, AnExitIsAPartOfItsEnrollment) {
    ASSERT_FALSE(import().failure);
    const auto exit = sink_.group_cells(enrollment("E002"), tbl::kExit, grp::kExitExit);
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(sync::number_in(sync::find_cell(*exit, col::exit::kDestination)), 101);
    EXPECT_FALSE(sink_.exists(entity_of(kSystem, "Exit", "EXI1")));
}

TEST_F(ImportTest, ASecondImportWritesNothing) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    const ImportReport again = import();
    ASSERT_FALSE(again.failure.has_value());
    EXPECT_EQ(sink_.records.size(), records);
    for (const ImportCounts& counts : again.tables) {
        EXPECT_EQ(counts.unchanged, counts.rows) << counts.table;
    }
    EXPECT_TRUE(again.findings.empty());
}

TEST_F(ImportTest, AChangedRowWritesExactlyTheChangedGroup) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    edit("Client.csv", "C001,Amber,", "C001,Ambra,");
    const ImportReport report = import();
    EXPECT_EQ(report.find("Client")->changed, 1U);
    ASSERT_EQ(sink_.records.size(), records + 1);
    const sync::Record& record = sink_.records.back();
    ASSERT_EQ(record.ops.size(), 1U);
    EXPECT_EQ(record.ops[0].entity, client("C001"));
    EXPECT_EQ(record.ops[0].kind, sync::OpKind::kSetGroup);
    EXPECT_EQ(record.ops[0].group, grp::kClientName);
    EXPECT_EQ(record.ops[0].supersedes.size(), 1U);
    EXPECT_EQ(sink_.siblings(client("C001"), tbl::kClient, grp::kClientName), 1U);
}

TEST_F(ImportTest, AGroupThatBecameBlankIsWrittenAsEmptyOnce) {
    ASSERT_FALSE(import().failure);
    edit("Client.csv", "2001-12-02,1,1,", "2001-12-02,1,,");
    EXPECT_EQ(import().find("Client")->changed, 1U);
    const auto sex = sink_.group_cells(client("C001"), tbl::kClient, grp::kClientSex);
    ASSERT_TRUE(sex.has_value());
    ASSERT_EQ(sex->size(), 1U);
    EXPECT_TRUE(std::holds_alternative<sync::Absent>(sex->front().value));
    EXPECT_EQ(import().find("Client")->changed, 0U);
}

TEST_F(ImportTest, AnImmutableGroupStaysAsFirstImported) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    edit("CurrentLivingSituation.csv", "CUR1,E001,C001,2026-01-12", "CUR1,E001,C001,2026-01-13");
    const ImportReport report = import();
    EXPECT_EQ(sink_.records.size(), records);
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].file, "CurrentLivingSituation.csv");
    EXPECT_EQ(report.findings[0].first_line, 2U);
}

TEST_F(ImportTest, AKeyStaysAsFirstImported) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    edit("Enrollment.csv", "E001,C001,P1,", "E001,C001,P2,");
    const ImportReport report = import();
    EXPECT_EQ(sink_.records.size(), records);
    ASSERT_NE(finding(report, "Enrollment.csv", "ProjectID"), nullptr);
}

TEST_F(ImportTest, ADeletedRowVoidsWhatIsKnown) {
    ASSERT_FALSE(import().failure);
    edit("CurrentLivingSituation.csv",
         "2026-01-12 18:00:01,2026-01-12 18:00:01,U1,,",
         "2026-01-12 18:00:01,2026-01-12 18:00:01,U1,2026-02-01 10:00:00,");
    EXPECT_EQ(import().find("CurrentLivingSituation")->changed, 1U);
    const sync::Op& op = sink_.records.back().ops.at(0);
    EXPECT_EQ(op.kind, sync::OpKind::kVoid);
    EXPECT_EQ(op.group, hud::kLifeGroup);
    EXPECT_EQ(op.entity, entity_of(kSystem, "CurrentLivingSituation", "CUR1"));
    EXPECT_EQ(import().find("CurrentLivingSituation")->changed, 0U);
}

TEST_F(ImportTest, ADeletedRowThatIsNotKnownBringsNoValues) {
    edit("Client.csv",
         "2026-01-12 09:00:00,2026-01-12 09:00:00,U2,,",
         "2026-01-12 09:00:00,2026-01-12 09:00:00,U2,2026-02-01 10:00:00,");
    ASSERT_FALSE(import().failure);
    EXPECT_TRUE(sink_.exists(client("C001")));
    EXPECT_FALSE(sink_.group_cells(client("C001"), tbl::kClient, grp::kClientName));
    EXPECT_TRUE(sink_.group_cells(client("C001"), tbl::kClient, hud::kLifeGroup));
}

TEST_F(ImportTest, AnotherSourceSystemMeansOtherEntities) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    const ImportReport other = import_set(set(), sink_, {.source_system = "other", .progress = {}});
    EXPECT_EQ(sink_.records.size(), 2 * records);
    EXPECT_EQ(other.source_system, "other");
}

TEST_F(ImportTest, AnImportThatStoppedIsFinishedByTheNextOne) {
    sink_.fail_at = 40;
    const ImportReport stopped = import();
    ASSERT_TRUE(stopped.failure.has_value());
    EXPECT_EQ(stopped.failure->code, ErrorCode::kStorage);
    EXPECT_EQ(sink_.records.size(), 40U);
    sink_.fail_at.reset();
    ASSERT_FALSE(import().failure);
    MemorySink whole;
    ASSERT_FALSE(import_set(set(), whole).failure);
    EXPECT_EQ(sink_.records.size(), whole.records.size());
}

TEST_F(ImportTest, ProgressNamesEveryFileAndItsRows) {
    std::map<std::string, std::uint64_t> seen;
    ImportOptions options;
    options.progress = [&](const ImportProgress& at) { seen[std::string{at.file}] = at.rows; };
    ASSERT_FALSE(import_set(set(), sink_, options).failure);
    EXPECT_EQ(seen.size(), 23U);
    EXPECT_EQ(seen["Disabilities.csv"], 206U);
}

}  // namespace
}  // namespace streetlog::hub::test

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "hub/exchange/import.hpp"
#include "hub/exchange/source_id.hpp"
#include "schema/hud/fields.hpp"
#include "tests/unit/hub/import_fixture.hpp"

namespace streetlog::hub::test {
namespace {

TEST_F(ImportTest, AValueThatCannotBeReadRejectsItsRowWithoutShowingIt) {
    edit("Client.csv", "2001-12-02", "2001-13-02");
    const ImportReport report = import();
    ASSERT_FALSE(report.failure);
    ASSERT_FALSE(report.rejects.empty());
    const ImportReject& reject = report.rejects.front();
    EXPECT_EQ(reject.file, "Client.csv");
    EXPECT_EQ(reject.line, 2U);
    EXPECT_EQ(reject.column, "DOB");
    EXPECT_EQ(reject.reason, "not a date that exists, of the form YYYY-MM-DD");
    EXPECT_EQ(report.find("Client")->created, 21U);
    // What hangs on the client falls with it, each row with its own reason.
    for (const ImportReject& other : report.rejects) {
        EXPECT_EQ(other.reason.find("2001"), std::string::npos);
    }
    EXPECT_EQ(report.find("Enrollment")->rejected, 1U);
    EXPECT_EQ(report.rejects.at(1).file, "Enrollment.csv");
    EXPECT_EQ(report.rejects.at(1).column, "PersonalID");
    EXPECT_GT(report.find("Disabilities")->rejected, 0U);
}

TEST_F(ImportTest, ACodeOutsideItsListIsKeptAndCounted) {
    edit("Exit.csv", "2026-03-04,101", "2026-03-04,336");
    const ImportReport report = import();
    EXPECT_TRUE(report.rejects.empty());
    const ImportFinding* found = finding(report, "Exit.csv", "Destination");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->first_line, 2U);
    EXPECT_EQ(found->count, 1U);
    const auto cells = sink_.group_cells(
        entity_of("SYN-1", "Enrollment", "E002"), hud::tbl::kExit, hud::grp::kExitExit);
    ASSERT_TRUE(cells.has_value());
    EXPECT_EQ(sync::number_in(sync::find_cell(*cells, hud::col::exit::kDestination)), 336);
}

TEST_F(ImportTest, OfTwoRowsWithOneIdTheFirstGoesIn) {
    append("Organization.csv", "O1,Other,0,,2024-10-01 14:05:00,2024-10-01 14:05:00,U1,,EXP1");
    const ImportReject reject = only_reject();
    EXPECT_EQ(reject.file, "Organization.csv");
    EXPECT_EQ(reject.line, 4U);
    EXPECT_EQ(reject.column, "OrganizationID");
}

TEST_F(ImportTest, ASecondExitOfAnEnrollmentIsRejected) {
    const std::string text = read_text(set() / "Exit.csv");
    const std::size_t begin = text.find("EXI1,");
    append("Exit.csv", "EXIX," + text.substr(begin + 5, text.find('\r', begin) - begin - 5));
    const ImportReject reject = only_reject();
    EXPECT_EQ(reject.file, "Exit.csv");
    EXPECT_EQ(reject.line, 15U);
    EXPECT_EQ(reject.column, "EnrollmentID");
}

TEST_F(ImportTest, AReferenceToNothingIsRejected) {
    edit("Services.csv", "SER1,E008,", "SER1,E999,");
    const ImportReject reject = only_reject();
    EXPECT_EQ(reject.file, "Services.csv");
    EXPECT_EQ(reject.line, 2U);
    EXPECT_EQ(reject.column, "EnrollmentID");
}

TEST_F(ImportTest, AReferenceToWhatAnEarlierImportBroughtIsFine) {
    ASSERT_FALSE(import().failure);
    const std::string clients = read_text(set() / "Client.csv");
    write_text(set() / "Client.csv", clients.substr(0, clients.find('\n') + 1));
    const ImportReport report = import();
    EXPECT_TRUE(report.rejects.empty());
    EXPECT_EQ(report.find("Enrollment")->unchanged, 22U);
}

TEST_F(ImportTest, ARowThatNamesAnotherClientThanItsEnrollmentIsRejected) {
    edit("Services.csv", "SER1,E008,C008", "SER1,E008,C009");
    const ImportReject reject = only_reject();
    EXPECT_EQ(reject.column, "PersonalID");
    EXPECT_EQ(reject.reason, "is not the one of the enrollment");
}

TEST_F(ImportTest, ABrokenRowIsRejectedAndTheRestGoesIn) {
    edit("Organization.csv", "O1,Harbor Outreach", "O1,Harbor \"Out\"reach");
    const ImportReport report = import();
    ASSERT_FALSE(report.rejects.empty());
    EXPECT_EQ(report.rejects.front().file, "Organization.csv");
    EXPECT_EQ(report.rejects.front().line, 2U);
    EXPECT_EQ(report.find("Organization")->created, 1U);
}

TEST_F(ImportTest, TextThatIsNotUtf8IsRejectedByColumn) {
    edit("Client.csv", "C001,Amber", "C001,Amb\xE9r");
    const ImportReport report = import();
    ASSERT_FALSE(report.rejects.empty());
    EXPECT_EQ(report.rejects.front().column, "FirstName");
    EXPECT_EQ(report.rejects.front().line, 2U);
    EXPECT_EQ(report.rejects.front().reason, "not well-formed UTF-8 text");
}

TEST_F(ImportTest, ColumnsMayStandInAnyOrder) {
    write_text(set() / "Organization.csv",
               "\xEF\xBB\xBFOrganizationName,VictimServiceProvider,OrganizationID,UserID,ExportID,"
               "DateDeleted,DateUpdated,DateCreated,OrganizationCommonName\n"
               "\"Harbor,\nOutreach\",0,O1,U1,X,,2024-10-01 14:05:00,2024-10-01 14:05:00,\n"
               "North Star Housing,0,O2,U1,X,,2024-10-01 14:05:00,2024-10-01 14:05:00,\n");
    const ImportReport report = import();
    EXPECT_TRUE(report.rejects.empty());
    EXPECT_TRUE(report.findings.empty());
    const auto cells = sink_.group_cells(entity_of("SYN-1", "Organization", "O1"),
                                         hud::tbl::kOrganization,
                                         hud::grp::kOrganizationName);
    ASSERT_TRUE(cells.has_value());
    EXPECT_EQ(sync::text_in(sync::find_cell(*cells, hud::col::organization::kOrganizationName)),
              "Harbor,\nOutreach");
}

TEST_F(ImportTest, AColumnTheFileLacksIsReportedAndErasesNothing) {
    ASSERT_FALSE(import().failure);
    const std::size_t records = sink_.records.size();
    // Geocode and GeographyType, of the same group as CoCCode, are not there.
    write_text(set() / "ProjectCoC.csv",
               "ProjectCoCID,ProjectID,CoCCode,Colour\r\n"
               "PRO1,P1,FL-510,red\r\n"
               "PRO2,P2,FL-511,red\r\n");
    const ImportReport report = import();
    ASSERT_NE(finding(report, "ProjectCoC.csv", "Colour"), nullptr);
    ASSERT_NE(finding(report, "ProjectCoC.csv", "Geocode"), nullptr);
    EXPECT_EQ(report.find("ProjectCoC")->unchanged, 1U);
    ASSERT_EQ(sink_.records.size(), records + 1);
    const auto& ops = sink_.records.back().ops;
    ASSERT_EQ(ops.size(), 1U);
    const auto text = [&](std::uint16_t column) {
        return sync::text_in(sync::find_cell(ops[0].cells, column));
    };
    EXPECT_EQ(text(hud::col::project_coc::kCoCCode), "FL-511");
    EXPECT_EQ(text(hud::col::project_coc::kGeocode), "121452");
}

TEST_F(ImportTest, AFileWithoutItsKeyIsLeftOut) {
    edit("Services.csv", "EnrollmentID", "EnrolmentID");
    const ImportReport report = import();
    ASSERT_FALSE(report.failure);
    EXPECT_EQ(report.find("Services"), nullptr);
    EXPECT_NE(finding(report, "Services.csv", "EnrollmentID"), nullptr);
    EXPECT_NE(finding(report, "Services.csv", "EnrolmentID"), nullptr);
}

TEST_F(ImportTest, AMissingFileIsReportedAndTheRestGoesIn) {
    std::filesystem::remove(set() / "Services.csv");
    const ImportReport report = import();
    ASSERT_FALSE(report.failure);
    EXPECT_EQ(report.find("Services"), nullptr);
    const ImportFinding* found = finding(report, "Services.csv", "");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->what, "file is missing");
    EXPECT_EQ(report.find("CurrentLivingSituation")->created, 25U);
}

TEST_F(ImportTest, ASecondHeadIsAFindingAndTheFirstStands) {
    edit("Enrollment.csv", "E012,C012,P3,2026-03-02,H011,2", "E012,C012,P3,2026-03-02,H011,1");
    const ImportReport report = import();
    const ImportFinding* found = finding(report, "Enrollment.csv", "RelationshipToHoH");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->first_line, 13U);
}

TEST_F(ImportTest, AHashedSetIsRefusedBeforeAnythingIsWritten) {
    edit("Export.csv", ",2,1,SYN-1", ",2,4,SYN-1");
    const ImportReport report = import();
    ASSERT_TRUE(report.failure.has_value());
    EXPECT_EQ(report.failure->code, ErrorCode::kUnsupported);
    EXPECT_TRUE(sink_.records.empty());
}

TEST_F(ImportTest, WithoutExportCsvOrDirectoryNothingIsImported) {
    std::filesystem::remove(set() / "Export.csv");
    ImportReport report = import();
    ASSERT_TRUE(report.failure.has_value());
    EXPECT_EQ(report.failure->code, ErrorCode::kNotFound);
    report = import_set(set() / "nowhere", sink_);
    ASSERT_TRUE(report.failure.has_value());
    EXPECT_EQ(report.failure->code, ErrorCode::kNotFound);
    EXPECT_TRUE(sink_.records.empty());
}

TEST_F(ImportTest, ASetWithoutASystemNameNeedsOneFromTheCaller) {
    edit("Export.csv", ",2,1,SYN-1", ",2,1,");
    ASSERT_TRUE(import().failure.has_value());
    const ImportReport named = import_set(set(), sink_, {.source_system = "s", .progress = {}});
    EXPECT_FALSE(named.failure.has_value());
}

TEST_F(ImportTest, RejectsAreWrittenAsCsv) {
    const auto path = directory_.path() / "rejects.csv";
    const std::vector<ImportReject> rejects{{"A.csv", 7, "DOB", "is \"bad\", really"}};
    ASSERT_TRUE(write_rejects_csv(path, rejects).has_value());
    EXPECT_EQ(read_text(path),
              "File,Line,Column,Reason\r\nA.csv,7,DOB,\"is \"\"bad\"\", really\"\r\n");
    EXPECT_FALSE(write_rejects_csv(directory_.path() / "no" / "where.csv", rejects).has_value());
}

}  // namespace
}  // namespace streetlog::hub::test

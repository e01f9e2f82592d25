#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::hud {
namespace {

const Column& column(std::uint16_t id) {
    const Column* found = find_column(id);
    EXPECT_NE(found, nullptr) << id;
    return *found;
}

TEST(HudCatalogue, HoldsTheWholeStandard) {
    std::size_t files = 0;
    std::size_t columns_of_hud = 0;
    std::size_t groups_of_hud = 0;
    for (const Table& table : tables()) {
        if (table.file.empty()) continue;
        ++files;
        columns_of_hud += table.columns.size();
        groups_of_hud += table.groups.size();
    }
    EXPECT_EQ(files, 24U);
    EXPECT_EQ(columns_of_hud, 519U);
    EXPECT_EQ(groups_of_hud, 82U);
    EXPECT_EQ(tables().size(), 24U + 17U);
    EXPECT_EQ(groups().size(), 82U + 19U + 3U + 1U);
    EXPECT_EQ(
        std::ranges::count_if(code_lists(),
                              [](const CodeList& list) { return !list.number.starts_with("S."); }),
        88);
    EXPECT_EQ(
        std::ranges::count_if(code_lists(), [](const CodeList& list) { return list.deciding; }),
        31);
}

TEST(HudCatalogue, EveryNumberIsGivenOnceAndFindsItsOwner) {
    std::set<std::uint16_t> seen;
    for (const Table& table : tables()) {
        EXPECT_TRUE(seen.insert(table.id).second) << table.id;
        EXPECT_EQ(find_table(table.id), &table);
        EXPECT_EQ(find_table(table.name), &table);
        if (!table.file.empty()) EXPECT_EQ(find_table(table.file), &table);
        for (const Column& one : table.columns) {
            EXPECT_EQ(one.table, table.id);
            EXPECT_EQ(find_column(table.id, one.name), &one) << one.name;
        }
        for (const Group& one : table.groups) EXPECT_EQ(one.table, table.id) << one.key;
    }
    seen.clear();
    for (const Column& one : columns()) {
        EXPECT_TRUE(seen.insert(one.id).second) << one.id;
        EXPECT_EQ(find_column(one.id), &one);
    }
    seen.clear();
    for (const Group& one : groups()) {
        EXPECT_TRUE(seen.insert(one.id).second) << one.id;
        EXPECT_EQ(find_group(one.id), &one);
    }
    for (const CodeList& list : code_lists())
        EXPECT_EQ(find_list(list.number), &list) << list.number;
}

TEST(HudCatalogue, EveryColumnIsInItsGroupOrHasARole) {
    for (const Column& one : columns()) {
        EXPECT_EQ(one.group == 0, one.role != Role::kGroup) << one.name;
        EXPECT_EQ(one.role == Role::kIdentity, one.carried != Carried::kNone) << one.name;
        if (one.group == 0) continue;
        const Group* group = find_group(one.group);
        ASSERT_NE(group, nullptr) << one.name;
        EXPECT_EQ(std::ranges::count(group->columns, one.id), 1) << one.name;
    }
}

TEST(HudCatalogue, WellKnownNumbersStay) {
    static_assert(grp::kClientName == 1110);
    static_assert(grp::kLife == kLifeGroup);
    static_assert(tbl::kClient == 110);
    static_assert(col::client::kFirstName == 11020);
    static_assert(col::exit::kExitDate == 13040);
    EXPECT_EQ(column(col::enrollment::kEntryDate).name, "EntryDate");
    EXPECT_EQ(column(col::enrollment::kEntryDate).group, grp::kEnrollmentEntry);
    EXPECT_EQ(column(col::enrollment::kEntryDate).type, ColumnType::kDate);
    EXPECT_EQ(find_group(grp::kClientName)->key, "client.name");
    EXPECT_EQ(find_group(grp::kClientName)->merge, Merge::kRegister);
    EXPECT_EQ(find_group(grp::kClientName)->scope, Scope::kIndex);
    EXPECT_EQ(find_group(grp::kClientName)->privacy, Privacy::kPii);
    EXPECT_EQ(find_group(grp::kClientName)->stages, stage::kRecordCreation);
    EXPECT_EQ(find_group(grp::kHealthDv)->stages, stage::kStart | stage::kUpdate);
    EXPECT_EQ(find_group(grp::kContactContact)->merge, Merge::kImmutable);
    EXPECT_EQ(find_table(tbl::kExit)->facet_of, tbl::kEnrollment);
    EXPECT_EQ(find_table(tbl::kHubUser)->id, 630);
    EXPECT_EQ(find_group(grp::kHubUserAccount)->writer, Writer::kHub);
    EXPECT_EQ(find_group(grp::kImportedRowSource)->scope, Scope::kHub);
    EXPECT_EQ(find_group(grp::kHubDeviceRegistration)->columns.size(), 5U);
}

TEST(HudCatalogue, LookUpsOfWhatDoesNotExistFindNothing) {
    EXPECT_EQ(find_table(std::uint16_t{0}), nullptr);
    EXPECT_EQ(find_table(std::uint16_t{65535}), nullptr);
    EXPECT_EQ(find_table("client"), nullptr);
    EXPECT_EQ(find_column(std::uint16_t{11021}), nullptr);
    EXPECT_EQ(find_column(tbl::kClient, "EntryDate"), nullptr);
    EXPECT_EQ(find_group(1111), nullptr);
    EXPECT_EQ(find_list("3.12.2"), nullptr);
    EXPECT_EQ(find_code(*find_list("1.10"), 2), nullptr);
}

TEST(HudCatalogue, OtherSpellingsAreRead) {
    EXPECT_EQ(find_column(tbl::kProjectCoC, "Zip"), find_column(tbl::kProjectCoC, "ZIP"));
    EXPECT_EQ(find_column(tbl::kExit, "WorkPlaceViolenceThreats")->name,
              "WorkplaceViolenceThreats");
    EXPECT_EQ(find_column(tbl::kDisabilities, "TcellCount")->id, col::disabilities::kTCellCount);
}

TEST(HudCatalogue, EachLivingSituationColumnHasItsOwnCodes) {
    const Column& prior = column(col::enrollment::kLivingSituation);
    const Column& current = column(col::current_living_situation::kCurrentLivingSituation);
    const Column& destination = column(col::exit::kDestination);
    const auto allowed = [](const Column& where) {
        return std::ranges::count_if(where.code_list->codes, [&](const Code& code) {
            return allowed_code(where, code.code);
        });
    };
    EXPECT_EQ(allowed(prior), 22);
    EXPECT_EQ(allowed(current), 24);
    EXPECT_EQ(allowed(destination), 29);
    EXPECT_FALSE(allowed_code(current, 24));
    EXPECT_TRUE(allowed_code(destination, 24));
    EXPECT_TRUE(allowed_code(current, 37));
    EXPECT_FALSE(allowed_code(prior, 37));
    EXPECT_FALSE(allowed_code(destination, 37));
    EXPECT_FALSE(allowed_code(destination, 12345));
}

TEST(HudCatalogue, ListsHangOnTheKeyOfTheRow) {
    const Column& response = column(col::disabilities::kDisabilityResponse);
    EXPECT_EQ(list_for(response, 10)->number, "4.10.2");
    EXPECT_EQ(list_for(response, 6)->number, "1.8");
    const Column& service = column(col::services::kTypeProvided);
    EXPECT_EQ(list_for(service, 161)->number, "P2.2");
    EXPECT_EQ(list_for(service, 999), nullptr);
    EXPECT_TRUE(allowed_code(service, 200));
    EXPECT_FALSE(allowed_code(service, 199));
    EXPECT_TRUE(allowed_code(column(col::client::kYearSeparated), 1999))
        << "a column without a list";
}

TEST(HudCatalogue, CodesKeepTheirOrderAndCanBeFound) {
    const CodeList& stations = *find_list("V6.1");
    ASSERT_TRUE(stations.textual);
    ASSERT_NE(find_code(stations, "459GE"), nullptr);
    EXPECT_EQ(find_code(stations, 402), nullptr);
    for (const CodeList& list : code_lists()) {
        ASSERT_EQ(list.codes.size(), list.index.size()) << list.number;
        for (const Code& code : list.codes) {
            EXPECT_EQ(list.textual ? find_code(list, code.text) : find_code(list, code.code), &code)
                << list.number;
        }
    }
    EXPECT_TRUE(find_code(*find_list("2.06.1"), 47)->retired);
    EXPECT_EQ(find_code(*find_list("S.3"), 2)->label, "Different people");
}

TEST(HudCatalogue, CocCodesAreKnown) {
    EXPECT_TRUE(is_coc_code("CA-600"));
    EXPECT_TRUE(is_coc_code("AK-500"));
    for (const char* bad : {"CA-999", "ca-600", "CA600", "", "CA-6000"})
        EXPECT_FALSE(is_coc_code(bad)) << bad;
    EXPECT_EQ(coc_name("AK-500"), "Anchorage CoC");
}

TEST(HudCatalogue, OpsOutsideTheCatalogueAreNotUnderstood) {
    EXPECT_TRUE(known_op_target(tbl::kClient, grp::kClientName));
    EXPECT_TRUE(known_op_target(tbl::kClient, 0));
    EXPECT_TRUE(known_op_target(tbl::kClient, kLifeGroup));
    EXPECT_TRUE(known_op_target(tbl::kHubDevice, grp::kHubDeviceRegistration));
    EXPECT_FALSE(known_op_target(tbl::kClient, grp::kEnrollmentEntry)) << "another table's group";
    EXPECT_FALSE(known_op_target(tbl::kClient, 2)) << "a system group of a later version";
    EXPECT_FALSE(known_op_target(tbl::kClient, 1198));
    EXPECT_FALSE(known_op_target(tbl::kExport, 0)) << "written by the export only";
    EXPECT_FALSE(known_op_target(250, 0));
    EXPECT_FALSE(known_op_target(650, kLifeGroup));
}

TEST(HudCatalogue, ConditionsOfTheCsvAreCompiled) {
    const Column& when = column(col::health_and_dv::kWhenOccurred);
    EXPECT_EQ(when.null_unless, "DomesticViolenceSurvivor = 1");
    const CellView yes{
        col::health_and_dv::kDomesticViolenceSurvivor, CellView::Kind::kInteger, 1, {}};
    const CellView no{
        col::health_and_dv::kDomesticViolenceSurvivor, CellView::Kind::kInteger, 0, {}};
    EXPECT_EQ(evaluate(when.null_unless_rule, {&yes, 1}, {}), Truth::kTrue);
    EXPECT_EQ(evaluate(when.null_unless_rule, {&no, 1}, {}), Truth::kFalse);
    EXPECT_EQ(evaluate(when.null_unless_rule, {}, {}), Truth::kUnknown);
    EXPECT_EQ(evaluate(when.null_unless_rule, {}, {.table = tbl::kHealthAndDV, .group = 0}),
              Truth::kFalse);

    const Condition& affiliation = column(col::project::kResidentialAffiliation).required_rule;
    const auto project = [&](std::int64_t type, std::int64_t sub_type) {
        const CellView cells[] = {
            {col::project::kProjectType, CellView::Kind::kInteger, type, {}},
            {col::project::kRRHSubType, CellView::Kind::kInteger, sub_type, {}}};
        return evaluate(affiliation, cells, {});
    };
    EXPECT_EQ(project(6, 2), Truth::kTrue);
    EXPECT_EQ(project(13, 1), Truth::kTrue);
    EXPECT_EQ(project(13, 2), Truth::kFalse);
    EXPECT_EQ(project(4, 1), Truth::kFalse);
}

}  // namespace
}  // namespace streetlog::hud

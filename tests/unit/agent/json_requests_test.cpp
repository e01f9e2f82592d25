#include "agent/workflow/json_requests.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "agent/workflow/json_tree.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;

const std::string kId(32, 'a');
const std::string kOtherId(32, 'b');

/// `clients` and `rest` inside an intake that is otherwise right.
std::string intake(const std::string& clients, const std::string& rest = R"("interaction":"now")") {
    return R"({"ProjectID":")" + kId + R"(","EntryDate":"2026-11-23","clients":[)" + clients +
           "]," + rest + "}";
}

/// "path rule" of every problem.
template <class Request>
std::vector<std::string> problems(const Checked<Request>& checked) {
    std::vector<std::string> out;
    if (checked) return out;
    for (const Problem& one : checked.error().problems) out.push_back(one.path + " " + one.rule);
    return out;
}

using Found = std::vector<std::string>;

TEST(JsonRequests, IntakeIsRead) {
    const auto read = parse_intake(intake(
        R"({"FirstName":"Zoë","NameDataQuality":1,"DOB":"1980-02-01","RelationshipToHoH":1,"LivingSituation":116},)"
        R"({"PersonalID":")" +
            kOtherId + R"(","RelationshipToHoH":2,"DOB":null})",
        R"("interaction":"2026-11-23T14:00:00-05:00")"));
    ASSERT_TRUE(read) << read.error().error.message;
    EXPECT_EQ(read->project, parse_id<EntityId>(kId));
    EXPECT_EQ(read->interaction,
              (Interaction{.source = sync::TimeSource::kTyped,
                           .occurred = *parse_instant("2026-11-23T19:00:00Z"),
                           .tz_minutes = -300}));
    ASSERT_EQ(read->members.size(), 2U);
    const auto& first = read->members[0];
    EXPECT_FALSE(first.client.personal_id);
    EXPECT_EQ(sync::text_in(sync::find_cell(first.client.answers, client::kFirstName)), "Zoë");
    EXPECT_EQ(first.enrollment.answers.size(), 2U);
    EXPECT_EQ(
        sync::number_in(sync::find_cell(first.enrollment.answers, enrollment::kLivingSituation)),
        116);
    EXPECT_EQ(read->members[1].client.personal_id, parse_id<EntityId>(kOtherId));
    EXPECT_EQ(read->members[1].client.answers,
              (Answers{{.column = client::kDOB, .value = sync::Absent{}}}))
        << "null empties a field, which is not the same as not showing it";
    ASSERT_EQ(read->shared.size(), 1U);
    EXPECT_EQ(read->shared[0].column, enrollment::kEntryDate);
}

TEST(JsonRequests, AnswersComeInAscendingColumnOrder) {
    const auto read = parse_intake(
        intake(R"({"NameDataQuality":2,"DOBDataQuality":99,"LastName":"x","FirstName":"y"})"));
    ASSERT_TRUE(read);
    EXPECT_TRUE(std::ranges::is_sorted(read->members[0].client.answers, {}, &sync::Cell::column));
}

TEST(JsonRequests, ContactExitUpdateAndVoidAreRead) {
    const auto met = parse_contact(
        R"({"subjects":[{"EnrollmentID":")" + kId + R"("},{"PersonalID":")" + kOtherId +
        R"(","CurrentLivingSituation":101}],"note":"n",)"
        R"("CurrentLivingSituation":116,"LocationDetails":"p","interaction":"now"})");
    ASSERT_TRUE(met) << met.error().error.message;
    EXPECT_EQ(met->subjects[0].enrollment, parse_id<EntityId>(kId));
    EXPECT_EQ(met->subjects[1].client, parse_id<EntityId>(kOtherId));
    EXPECT_EQ(met->subjects[1].answers.size(), 1U);
    EXPECT_EQ(met->shared.size(), 2U);
    EXPECT_EQ(met->note, "n");
    EXPECT_EQ(met->interaction.source, sync::TimeSource::kLive);

    const auto left =
        parse_exit(R"({"exits":[{"EnrollmentID":")" + kId +
                   R"(","Destination":24}],"ExitDate":"2026-11-23","interaction":"now"})");
    ASSERT_TRUE(left) << left.error().error.message;
    EXPECT_EQ(left->exits[0].enrollment, parse_id<EntityId>(kId));
    EXPECT_EQ(left->shared.size(), 1U);

    const auto changed = parse_update(R"({"HouseholdID":")" + kOtherId + R"(","EnrollmentID":")" +
                                      kId + R"(","HousingAssessment":1,"interaction":"now"})");
    ASSERT_TRUE(changed) << changed.error().error.message;
    EXPECT_EQ(changed->table, hud::tbl::kEnrollment);
    EXPECT_EQ(changed->entity, parse_id<EntityId>(kId));
    EXPECT_EQ(changed->answers.size(), 2U) << "the household is a value, the exit's groups a facet";

    const auto gone = parse_void(R"({"EnrollmentID":")" + kId +
                                 R"(","Reason":"twice","ReplacedBy":")" + kOtherId + R"("})");
    ASSERT_TRUE(gone) << gone.error().error.message;
    EXPECT_EQ(gone->table, hud::tbl::kEnrollment);
    EXPECT_EQ(gone->reason, "twice");
    EXPECT_EQ(gone->replaced_by, parse_id<EntityId>(kOtherId));
}

TEST(JsonRequests, MoneyIsInDollars) {
    const std::string head =
        R"({"IncomeBenefitsID":")" + kId + R"(","interaction":"now","EarnedAmount":)";
    for (const auto& [text, cents] : {std::pair{"1250", 125'000}, std::pair{"1250.5", 125'050}}) {
        const auto read = parse_update(head + text + "}");
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(sync::number_in(&read->answers[0]), cents) << text;
    }
    EXPECT_EQ(problems(parse_update(head + "1250.505}")), Found{"EarnedAmount value.form"});
    EXPECT_EQ(problems(parse_update(head + "1e3}")), Found{"EarnedAmount value.form"});
}

struct ErrorCase {
    const char* name;
    std::string clients;
    Found expected;
};

class JsonIntakeErrors : public testing::TestWithParam<ErrorCase> {};

/// Stands for something private in each of them.
constexpr const char* kPlanted = "Zebulonia";

TEST_P(JsonIntakeErrors, NamePathAndRuleButNotTheValue) {
    const auto read = parse_intake(intake(GetParam().clients));
    ASSERT_FALSE(read);
    EXPECT_EQ(problems(read), GetParam().expected);
    const Error& error = read.error().error;
    EXPECT_EQ(error.message.find(kPlanted), std::string::npos);
    for (const Problem& one : read.error().problems) {
        EXPECT_NE(error.message.find(one.path), std::string::npos);
        EXPECT_NE(error.message.find(one.rule), std::string::npos);
        EXPECT_FALSE(one.message.empty());
    }
}

const ErrorCase kErrors[] = {
    {"unknown_field", R"({"Nickname":"Zebulonia"})", {"clients[0].Nickname field.unknown"}},
    {"a_value_as_key", R"({"Zebulonia Ruiz":1})", {"clients[0].(key) field.unknown"}},
    {"meta_field", R"({"DateCreated":"2026-11-23"})", {"clients[0].DateCreated field.unknown"}},
    {"key_of_the_row",
     R"({"EnrollmentID":"Zebulonia"})",
     {"clients[0].EnrollmentID field.unknown"}},
    {"household_of_one", R"({"HouseholdID":null})", {"clients[0].HouseholdID field.unknown"}},
    {"text_for_a_code", R"({"NameDataQuality":"1"})", {"clients[0].NameDataQuality field.type"}},
    {"number_for_text", R"({"SSN":123456789})", {"clients[0].SSN field.type"}},
    {"truth_for_a_code", R"({"VeteranStatus":true})", {"clients[0].VeteranStatus field.type"}},
    {"decimal_code", R"({"VeteranStatus":1.0})", {"clients[0].VeteranStatus field.type"}},
    {"huge_code",
     R"({"VeteranStatus":18446744073709551615})",
     {"clients[0].VeteranStatus field.type"}},
    {"list_for_text", R"({"FirstName":["Zebulonia"]})", {"clients[0].FirstName field.type"}},
    {"code_outside_list", R"({"NameDataQuality":3})", {"clients[0].NameDataQuality value.code"}},
    {"negative_code", R"({"NameDataQuality":-1})", {"clients[0].NameDataQuality value.form"}},
    {"excluded_code", R"({"LivingSituation":24})", {"clients[0].LivingSituation value.code"}},
    {"no_coc", R"({"EnrollmentCoC":"ZZ-999"})", {"clients[0].EnrollmentCoC value.coc_code"}},
    {"no_date", R"({"DOB":"Zebulonia"})", {"clients[0].DOB value.form"}},
    {"day_that_does_not_exist", R"({"DOB":"2025-02-29"})", {"clients[0].DOB value.form"}},
    {"too_long",
     R"({"FirstName":"Zebulonia)" + std::string(50, 'a') + "\"}",
     {"clients[0].FirstName value.form"}},
    {"bad_id", R"({"PersonalID":"Zebulonia"})", {"clients[0].PersonalID value.form"}},
    {"id_of_zeros",
     R"({"PersonalID":")" + std::string(32, '0') + "\"}",
     {"clients[0].PersonalID value.form"}},
    {"number_as_id", R"({"PersonalID":7})", {"clients[0].PersonalID field.type"}},
    {"not_an_object", R"("Zebulonia")", {"clients[0] field.type"}},
    {"key_twice",
     R"({"FirstName":"Zebulonia","FirstName":"b"})",
     {"clients[0].FirstName json.duplicate_key"}},
    {"all_at_once",
     R"({"FirstName":1,"DOB":"Zebulonia"},{"SSNDataQuality":4,"Nickname":"Zebulonia"})",
     {"clients[0].FirstName field.type",
      "clients[0].DOB value.form",
      "clients[1].SSNDataQuality value.code",
      "clients[1].Nickname field.unknown"}},
};

INSTANTIATE_TEST_SUITE_P(Table, JsonIntakeErrors, testing::ValuesIn(kErrors), [](const auto& info) {
    return std::string{info.param.name};
});

TEST(JsonRequests, WhatIsRequiredIsNamed) {
    EXPECT_EQ(
        problems(parse_intake("{}")),
        (Found{
            "ProjectID field.required", "interaction field.required", "clients field.required"}));
    EXPECT_EQ(problems(parse_intake("[]")), Found{" field.type"});
    EXPECT_EQ(problems(parse_contact(R"({"subjects":[{}],"interaction":"now"})")),
              Found{"subjects[0] field.required"});
    EXPECT_EQ(problems(parse_exit(R"({"exits":[{}],"interaction":"now"})")),
              Found{"exits[0].EnrollmentID field.required"});
    EXPECT_EQ(problems(parse_update(R"({"SSN":"x","interaction":"now"})")),
              Found{" field.required"});
    EXPECT_EQ(problems(parse_void(R"({"PersonalID":")" + kId + R"("})")),
              Found{"Reason field.required"});
}

TEST(JsonRequests, TheInteractionIsNowOrATimeWithItsZone) {
    for (const char* wrong :
         {R"("yesterday")", R"("2026-11-23 14:00")", R"("2026-11-23")", R"("NOW")"}) {
        EXPECT_EQ(problems(parse_intake(intake("{}", std::string{R"("interaction":)"} + wrong))),
                  Found{"interaction value.form"})
            << wrong;
    }
    EXPECT_EQ(problems(parse_intake(intake("{}", R"("interaction":5)"))),
              Found{"interaction field.type"});
    const auto zulu = parse_intake(intake("{}", R"("interaction":"2026-11-23T14:00Z")"));
    ASSERT_TRUE(zulu);
    EXPECT_EQ(zulu->interaction.tz_minutes, std::nullopt) << "the device's own zone decides";
    const auto east = parse_intake(intake("{}", R"("interaction":"2026-11-23T14:00+05:30")"));
    ASSERT_TRUE(east);
    EXPECT_EQ(east->interaction.tz_minutes, 330);
}

TEST(JsonRequests, AnUpdateNamesOneEntity) {
    EXPECT_EQ(problems(parse_update(R"({"PersonalID":")" + kId + R"(","EnrollmentID":")" +
                                    kOtherId + R"(","interaction":"now"})")),
              Found{"EnrollmentID field.unknown"});
}

TEST(JsonTree, MalformedTextIsNamedByLineAndColumn) {
    const auto message = [](std::string_view text) {
        const auto tree = parse_json(text);
        return tree ? std::string{} : tree.error().error.message;
    };
    EXPECT_NE(message("{\n  \"a\": Zebulonia}").find("line 2, column 8"), std::string::npos)
        << message("{\n  \"a\": Zebulonia}");
    EXPECT_NE(message("").find("line 1, column 1"), std::string::npos);
    EXPECT_NE(message("{\"a\":1").find("line 1, column 7"), std::string::npos)
        << message("{\"a\":1");
    EXPECT_NE(message("{} {}").find("line 1, column 4"), std::string::npos) << message("{} {}");
    EXPECT_NE(message("{\"a\":1,}").find("json.syntax"), std::string::npos);
    EXPECT_NE(message("\"\xff\"").find("json.syntax"), std::string::npos);
    EXPECT_EQ(message("{\n  \"a\": Zebulonia}").find("Zebulonia"), std::string::npos);
}

TEST(JsonTree, DepthAndSizeHaveLimits) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(parse_json(nested(kJsonDepthMax)));
    EXPECT_EQ(problems(parse_json(nested(kJsonDepthMax + 1))), Found{" json.too_deep"});
    const std::string large = "\"" + std::string(kJsonBytesMax - 2, 'a') + "\"";
    EXPECT_TRUE(parse_json(large));
    const auto larger = parse_json(large + " ");
    EXPECT_EQ(problems(larger), Found{" json.too_large"});
    EXPECT_EQ(larger.error().error.code, ErrorCode::kTooLarge);
}

TEST(JsonTree, EscapesAndOrderSurvive) {
    const auto tree = parse_json(R"({"b":"a\n\u00e9","a":[1,-2.50,null,false]})");
    ASSERT_TRUE(tree);
    ASSERT_EQ(tree->items.size(), 2U);
    EXPECT_EQ(tree->items[0].key, "b");
    EXPECT_EQ(tree->items[0].text, "a\né");
    EXPECT_EQ(tree->items[1].items[0].integer, 1);
    EXPECT_EQ(tree->items[1].items[1].text, "-2.50");
    EXPECT_EQ(tree->items[1].items[3].kind, JsonNode::Kind::kBool);
}

}  // namespace
}  // namespace streetlog::agent

#include "agent/app/form.hpp"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include "agent/workflow/json_requests.hpp"
#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::agent {
namespace {

namespace json = boost::json;
namespace client = hud::col::client;
namespace enrollment = hud::col::enrollment;

constexpr EntityId kProject{{0xaa}};
constexpr EntityId kClient{{0xcc}};

FormDefaults defaults() {
    return {.project = kProject, .coc = "CA-600", .today = *parse_date("2026-11-23")};
}

Checked<IntakeRequest> intake(const json::object& form) {
    const auto document = intake_document(form, defaults());
    if (!document) return std::unexpected(document.error());
    return parse_intake(*document);
}

std::string text(const Answers& answers, std::uint16_t column) {
    const auto* cell = sync::find_cell(answers, column);
    return cell == nullptr ? "(none)" : sync::to_text(*hud::find_column(column), *cell);
}

TEST(Form, AnIntakeTakesWhatWasNotSaidAsNotCollected) {
    const auto request = intake({{"first", "Ana"}});
    ASSERT_TRUE(request) << request.error().error.message;
    EXPECT_EQ(request->project, kProject);
    EXPECT_EQ(request->interaction, Interaction{});
    ASSERT_EQ(request->members.size(), 1U);
    const Answers& answers = request->members[0].client.answers;
    EXPECT_EQ(text(answers, client::kFirstName), "Ana");
    EXPECT_EQ(text(answers, client::kNameDataQuality), "2");
    EXPECT_EQ(text(answers, client::kSSNDataQuality), "99");
    EXPECT_EQ(text(answers, client::kDOBDataQuality), "99");
    EXPECT_EQ(text(request->shared, enrollment::kEntryDate), "2026-11-23");
    const Answers& stay = request->members[0].enrollment.answers;
    EXPECT_EQ(text(stay, enrollment::kRelationshipToHoH), "1");
    EXPECT_EQ(text(stay, enrollment::kEnrollmentCoC), "CA-600");
}

TEST(Form, TheSsnSaysItselfHowCompleteItIs) {
    struct Case {
        const char* typed;
        const char* stored;
        const char* quality;
    };

    for (const Case& one : {Case{"123-45-6780", "123456780", "1"},
                            Case{"6780", "xxxxx6780", "2"},
                            Case{"12xxx6780", "12xxx6780", "2"}}) {
        const auto request = intake({{"ssn", one.typed}});
        ASSERT_TRUE(request);
        const Answers& answers = request->members[0].client.answers;
        EXPECT_EQ(text(answers, client::kSSN), one.stored) << one.typed;
        EXPECT_EQ(text(answers, client::kSSNDataQuality), one.quality) << one.typed;
    }
}

TEST(Form, AnAnswerByNameStandsAboveFlagsAndDefaults) {
    const auto request =
        intake({{"first", "Ana"},
                {"set", json::array{"NameDataQuality=99", "FirstName=", "VeteranStatus=0"}}});
    ASSERT_TRUE(request);
    const Answers& answers = request->members[0].client.answers;
    EXPECT_EQ(text(answers, client::kNameDataQuality), "99");
    EXPECT_EQ(text(answers, client::kVeteranStatus), "0");
    EXPECT_FALSE(sync::is_filled(sync::find_cell(answers, client::kFirstName)));
}

TEST(Form, AKnownClientKeepsWhatIsNotSaid) {
    const auto request = intake({{"client", json::array{to_string(kClient)}}});
    ASSERT_TRUE(request);
    EXPECT_EQ(request->members[0].client.personal_id, kClient);
    EXPECT_TRUE(request->members[0].client.answers.empty());
}

TEST(Form, ATypedTimeGivesTheDayWhereItHappened) {
    const auto request = intake({{"at", "2026-11-20T23:30:00-08:00"}});
    ASSERT_TRUE(request);
    EXPECT_EQ(request->interaction.source, sync::TimeSource::kTyped);
    EXPECT_EQ(request->interaction.occurred, *parse_instant("2026-11-21T07:30:00Z"));
    EXPECT_EQ(request->interaction.tz_minutes, -480);
    EXPECT_EQ(text(request->shared, enrollment::kEntryDate), "2026-11-20");
}

TEST(Form, AValueThatIsNoNumberIsLeftToTheParserToName) {
    const auto request = intake({{"set", json::array{"VeteranStatus=yes", "Nonsense=1"}}});
    ASSERT_FALSE(request);
    std::vector<std::string> rules;
    for (const auto& one : request.error().problems) rules.push_back(one.path + " " + one.rule);
    EXPECT_EQ(rules,
              (std::vector<std::string>{"clients[0].VeteranStatus field.type",
                                        "clients[0].Nonsense field.unknown"}));
}

TEST(Form, TextWithQuotesAndLinesArrivesAsItWasTyped) {
    const std::string note = "said \"no\"\n\tback\\slash, \xc3\xa9";
    const auto document =
        contact_document({{"client", json::array{to_string(kClient)}}, {"note", note}});
    ASSERT_TRUE(document);
    const auto request = parse_contact(*document);
    ASSERT_TRUE(request) << request.error().error.message;
    EXPECT_EQ(request->note, note);
}

TEST(Form, SeveralClientsAreMetInOneContact) {
    const auto document = contact_document(
        {{"client", json::array{to_string(kClient), to_string(kProject)}}, {"situation", "116"}});
    ASSERT_TRUE(document);
    const auto request = parse_contact(*document);
    ASSERT_TRUE(request);
    ASSERT_EQ(request->subjects.size(), 2U);
    EXPECT_EQ(request->subjects[1].client, kProject);
    EXPECT_EQ(text(request->shared, hud::col::current_living_situation::kCurrentLivingSituation),
              "116");
}

TEST(Form, ACodeIsANumberAndAnExitHasADay) {
    const auto document = exit_document({{"enrollment", json::array{to_string(kClient)}},
                                         {"destination", "435"},
                                         {"set", json::array{"DestinationSubsidyType=428"}}},
                                        defaults());
    ASSERT_TRUE(document);
    EXPECT_NE(document->find(R"("DestinationSubsidyType":428)"), std::string::npos) << *document;
    EXPECT_TRUE(parse_exit(*document));
}

TEST(Form, ExactlyOneEntityIsUpdatedOrVoided) {
    EXPECT_EQ(update_document({{"set", json::array{"FirstName=A"}}}).error().code,
              ErrorCode::kUsage);
    EXPECT_EQ(void_document({{"client", json::array{to_string(kClient)}},
                             {"contact", json::array{to_string(kProject)}}})
                  .error()
                  .code,
              ErrorCode::kUsage);
    EXPECT_EQ(update_document({{"client", json::array{to_string(kClient)}}}).error().code,
              ErrorCode::kUsage);
    const auto document =
        void_document({{"contact", json::array{to_string(kClient)}}, {"reason", "twice"}});
    ASSERT_TRUE(document);
    const auto request = parse_void(*document);
    ASSERT_TRUE(request) << request.error().error.message;
    EXPECT_EQ(request->table, hud::tbl::kCurrentLivingSituation);
    EXPECT_EQ(request->reason, "twice");
}

TEST(Form, AnIntakeWithoutAProjectSaysHowToNameOne) {
    FormDefaults none = defaults();
    none.project = {};
    const auto document = intake_document({{"first", "Ana"}}, none);
    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().code, ErrorCode::kUsage);
    EXPECT_NE(document.error().hint.find("projects"), std::string::npos);
}

}  // namespace
}  // namespace streetlog::agent

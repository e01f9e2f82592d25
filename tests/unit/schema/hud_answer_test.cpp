#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schema/hud/catalogue.hpp"
#include "schema/hud/fields.hpp"

namespace streetlog::hud {
namespace {

CellView number(std::uint16_t column, std::int64_t value) {
    return {.column = column, .kind = CellView::Kind::kInteger, .i = value, .s = {}};
}

CellView text(std::uint16_t column, std::string_view value) {
    return {.column = column, .kind = CellView::Kind::kText, .i = 0, .s = value};
}

CellView empty(std::uint16_t column) {
    return {.column = column, .kind = CellView::Kind::kAbsent, .i = 0, .s = {}};
}

CellView redacted(std::uint16_t column) {
    return {.column = column, .kind = CellView::Kind::kRedacted, .i = 0, .s = {}};
}

struct Case {
    std::string name;
    std::uint16_t group = 0;
    std::vector<CellView> cells;
    int expected = 0;

    friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
};

class HudAnswer : public testing::TestWithParam<Case> {};

TEST_P(HudAnswer, HasTheClass) {
    const Case& one = GetParam();
    const Group* group = find_group(one.group);
    ASSERT_NE(group, nullptr);
    EXPECT_EQ(static_cast<int>(answer_class(*group, one.cells)), one.expected);
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

namespace client = col::client;
namespace enrollment = col::enrollment;

INSTANTIATE_TEST_SUITE_P(
    Codes,
    HudAnswer,
    testing::Values(
        Case{"FullName", grp::kClientName, {number(client::kNameDataQuality, 1)}, 3},
        Case{"StreetName", grp::kClientName, {number(client::kNameDataQuality, 2)}, 2},
        Case{"NameNotKnown", grp::kClientName, {number(client::kNameDataQuality, 8)}, 1},
        Case{"NameRefused", grp::kClientName, {number(client::kNameDataQuality, 9)}, 1},
        Case{"NameNotCollected", grp::kClientName, {number(client::kNameDataQuality, 99)}, 0},
        Case{"NameWithoutQuality", grp::kClientName, {text(client::kFirstName, "x")}, 0},
        Case{"NothingAtAll", grp::kClientName, {}, 0},
        Case{"QualityEmptied", grp::kClientName, {empty(client::kNameDataQuality)}, 0},
        Case{"UnknownCodeIsPartial", grp::kClientName, {number(client::kNameDataQuality, 5)}, 2},
        Case{"QualityAsText", grp::kClientName, {text(client::kNameDataQuality, "1")}, 3},
        Case{"QualityUnreadable", grp::kClientName, {text(client::kNameDataQuality, "1?")}, 0},
        Case{"RelationshipZeroIsPartial",
             grp::kEnrollmentHousehold,
             {number(enrollment::kRelationshipToHoH, 0)},
             2},
        Case{"CaseManagerLeftIsAReason",
             grp::kExitCmExitReason,
             {number(col::exit::kCMExitReason, 8)},
             3},
        Case{
            "CaseManagementNine", grp::kExitCmExitReason, {number(col::exit::kCMExitReason, 9)}, 3},
        Case{"Station", grp::kEnrollmentVamc, {text(enrollment::kVAMCStation, "459GE")}, 3},
        Case{
            "StationNotCollected", grp::kEnrollmentVamc, {text(enrollment::kVAMCStation, "99")}, 0},
        Case{"StationOfNobody", grp::kEnrollmentVamc, {text(enrollment::kVAMCStation, "000")}, 2},
        Case{"OutcomeUnknown",
             grp::kServiceReferralOutcome,
             {number(col::services::kReferralOutcome, 3)},
             1}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    FollowUps,
    HudAnswer,
    testing::Values(
        Case{"NoExitInterview", grp::kExitExit, {number(col::exit::kDestination, 30)}, 0},
        Case{"Deceased", grp::kExitExit, {number(col::exit::kDestination, 24)}, 3},
        Case{"OtherDestinationMissing", grp::kExitExit, {number(col::exit::kDestination, 17)}, 2},
        Case{"OtherDestinationBlank",
             grp::kExitExit,
             {number(col::exit::kDestination, 17), text(col::exit::kOtherDestination, "")},
             2},
        Case{"OtherDestinationSaid",
             grp::kExitExit,
             {number(col::exit::kDestination, 17), text(col::exit::kOtherDestination, "x")},
             3},
        Case{"SubsidyMissing", grp::kExitExit, {number(col::exit::kDestination, 435)}, 2},
        Case{"DvFollowUpRefused",
             grp::kHealthDv,
             {number(col::health_and_dv::kDomesticViolenceSurvivor, 1),
              number(col::health_and_dv::kWhenOccurred, 1),
              number(col::health_and_dv::kCurrentlyFleeing, 9)},
             2},
        Case{"DvNo", grp::kHealthDv, {number(col::health_and_dv::kDomesticViolenceSurvivor, 0)}, 3},
        Case{"RefusalIsNotLoweredFurther", grp::kExitExit, {number(col::exit::kDestination, 8)}, 1},
        // An institution needs the length of stay everywhere, the street only in projects that ask
        // form A.
        Case{"InstitutionWithoutStay",
             grp::kEnrollmentPriorLiving,
             {number(enrollment::kLivingSituation, 225)},
             2},
        Case{"StreetWithoutStayInUnknownProject",
             grp::kEnrollmentPriorLiving,
             {number(enrollment::kLivingSituation, 116)},
             3},
        Case{"StreetWithoutStayInOutreach",
             grp::kEnrollmentPriorLiving,
             {number(enrollment::kLivingSituation, 116), number(col::project::kProjectType, 4)},
             2},
        Case{"StreetWithoutStayInHousing",
             grp::kEnrollmentPriorLiving,
             {number(enrollment::kLivingSituation, 116), number(col::project::kProjectType, 3)},
             3},
        Case{"TimesRefused",
             grp::kEnrollmentPriorLiving,
             {number(enrollment::kLivingSituation, 116),
              number(enrollment::kTimesHomelessPastThreeYears, 9)},
             2}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OtherKinds,
    HudAnswer,
    testing::Values(
        Case{"RaceTicked",
             grp::kClientRace,
             {number(client::kAsian, 1), number(client::kRaceNone, 99)},
             3},
        Case{"RaceInWords",
             grp::kClientRace,
             {number(client::kAsian, 0), text(client::kAdditionalRaceEthnicity, "x")},
             2},
        Case{"RaceRefused",
             grp::kClientRace,
             {number(client::kAsian, 0), number(client::kRaceNone, 9)},
             1},
        Case{"RaceNotCollected", grp::kClientRace, {number(client::kRaceNone, 99)}, 0},
        Case{"RaceUnticked", grp::kClientRace, {number(client::kAsian, 0)}, 0},
        Case{"EntryDateThere",
             grp::kEnrollmentEntry,
             {text(enrollment::kEntryDate, "2026-01-02")},
             3},
        Case{"OneOfTwoDates", grp::kUserName, {text(col::user::kUserFirstName, "x")}, 2},
        Case{"RedactedIsFilled",
             grp::kUserName,
             {redacted(col::user::kUserFirstName), text(col::user::kUserLastName, "x")},
             3},
        Case{"BlendAll",
             grp::kExitLaborExploitation,
             {number(col::exit::kWorkplaceViolenceThreats, 0),
              number(col::exit::kWorkplacePromiseDifference, 1)},
             3},
        Case{"BlendSome",
             grp::kExitLaborExploitation,
             {number(col::exit::kWorkplaceViolenceThreats, 0),
              number(col::exit::kWorkplacePromiseDifference, 9)},
             2},
        Case{"BlendRefused",
             grp::kExitLaborExploitation,
             {number(col::exit::kWorkplaceViolenceThreats, 99),
              number(col::exit::kWorkplacePromiseDifference, 9)},
             1},
        Case{"SubstanceUseListByType",
             grp::kDisabilityResponse,
             {number(col::disabilities::kDisabilityType, 10),
              number(col::disabilities::kDisabilityResponse, 3),
              number(col::disabilities::kIndefiniteAndImpairs, 1)},
             3},
        Case{"ThreeIsNoAnswerElsewhere",
             grp::kDisabilityResponse,
             {number(col::disabilities::kDisabilityType, 5),
              number(col::disabilities::kDisabilityResponse, 3),
              number(col::disabilities::kIndefiniteAndImpairs, 1)},
             2},
        Case{"UnknownTypeTakesTheBest",
             grp::kDisabilityResponse,
             {number(col::disabilities::kDisabilityResponse, 3)},
             3},
        Case{"ImpairsMissing",
             grp::kDisabilityResponse,
             {number(col::disabilities::kDisabilityType, 5),
              number(col::disabilities::kDisabilityResponse, 1)},
             2},
        Case{"DevelopmentalNeedsNoFollowUp",
             grp::kDisabilityResponse,
             {number(col::disabilities::kDisabilityType, 6),
              number(col::disabilities::kDisabilityResponse, 1)},
             3},
        Case{"EventPicksItsResult",
             grp::kCeEventResult,
             {number(col::event::kEvent, 2), number(col::event::kProbSolDivRRResult, 1)},
             3},
        Case{"ResultOfAnotherEvent",
             grp::kCeEventResult,
             {number(col::event::kEvent, 2),
              number(col::event::kReferralResult, 1),
              text(col::event::kResultDate, "2026-01-02")},
             0},
        Case{"EventWithoutResult", grp::kCeEventResult, {number(col::event::kEvent, 1)}, 0},
        Case{"ResultWithoutDate",
             grp::kCeEventResult,
             {number(col::event::kEvent, 10), number(col::event::kReferralResult, 1)},
             2}),
    name_of);

TEST(HudAnswer, RestrictionHangsOnTheRow) {
    const Group& response = *find_group(grp::kDisabilityResponse);
    const auto type = [&](std::int64_t value) {
        const CellView cell = number(col::disabilities::kDisabilityType, value);
        return is_restricted(response, {&cell, 1});
    };
    EXPECT_TRUE(type(8));
    EXPECT_FALSE(type(5));
    EXPECT_TRUE(is_restricted(response, {})) << "an unknown type may be HIV";
    EXPECT_TRUE(is_restricted(*find_group(grp::kHealthDv), {}));
    EXPECT_FALSE(is_restricted(*find_group(grp::kClientName), {}));
}

TEST(HudAnswer, PrivacyHangsOnTheRow) {
    const Group& service = *find_group(grp::kServiceProvided);
    const CellView bed_night = number(col::services::kRecordType, 200);
    EXPECT_EQ(privacy_of(service, {&bed_night, 1}), Privacy::kLocation);
    EXPECT_EQ(privacy_of(service, {}), Privacy::kHealth);
    EXPECT_EQ(privacy_of(*find_group(grp::kClientSsn), {}), Privacy::kPii);
}

}  // namespace
}  // namespace streetlog::hud

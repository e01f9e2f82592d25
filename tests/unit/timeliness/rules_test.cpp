#include "sync/timeliness/rules.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

using std::chrono::hours;

Date day(const char* text) { return parse_date(text).value(); }

Rule rule(std::uint32_t id) {
    Rule out;
    out.id = id;
    out.limit = hours{id};
    out.from = day("2026-01-01");
    return out;
}

RuleQuery outreach_contact() { return {"TX-600", 4, EventKind::kContact, day("2026-11-23")}; }

std::uint32_t found(const std::vector<Rule>& rules, const RuleQuery& query) {
    return find_rule(rules, query)->id;
}

TEST(FindRule, WithoutAnyRuleItIs24Hours) {
    const Rule* none = find_rule({}, outreach_contact());
    EXPECT_EQ(none->id, 1U);
    EXPECT_EQ(none->limit, hours{24});
}

TEST(FindRule, ARuleForAnotherPlaceTypeOrKindDoesNotApply) {
    Rule coc = rule(2);
    coc.coc = "IL-510";
    Rule type = rule(3);
    type.project_type = 1;
    Rule kind = rule(4);
    kind.kind = EventKind::kExit;
    EXPECT_EQ(found({coc, type, kind}, outreach_contact()), 1U);
    RuleQuery no_type = outreach_contact();
    no_type.project_type.reset();
    EXPECT_EQ(found({type}, no_type), 1U);
}

TEST(FindRule, TheMostSpecificWinsWhateverTheOrderOrTheId) {
    Rule general = rule(90);
    Rule kind = rule(80);
    kind.kind = EventKind::kContact;
    Rule type = rule(70);
    type.project_type = 4;
    Rule type_and_kind = rule(60);
    type_and_kind.project_type = 4;
    type_and_kind.kind = EventKind::kContact;
    Rule coc = rule(50);
    coc.coc = "TX-600";
    Rule all = rule(40);
    all.coc = "TX-600";
    all.project_type = 4;
    all.kind = EventKind::kContact;
    const std::vector<Rule> ascending{general, kind, type, type_and_kind, coc, all};
    for (std::size_t count = 1; count <= ascending.size(); ++count) {
        std::vector<Rule> rules(ascending.begin(),
                                ascending.begin() + static_cast<std::ptrdiff_t>(count));
        EXPECT_EQ(found(rules, outreach_contact()), rules.back().id);
        std::reverse(rules.begin(), rules.end());
        EXPECT_EQ(found(rules, outreach_contact()), rules.front().id);
    }
}

TEST(FindRule, OfTwoEquallySpecificTheHigherIdWins) {
    EXPECT_EQ(found({rule(5), rule(6)}, outreach_contact()), 6U);
    EXPECT_EQ(found({rule(6), rule(5)}, outreach_contact()), 6U);
}

TEST(FindRule, BothEndsOfItsDatesBelongToARule) {
    Rule dated = rule(5);
    dated.from = day("2026-11-01");
    dated.to = day("2026-11-30");
    RuleQuery query = outreach_contact();
    const auto on = [&](const char* text) {
        query.day = day(text);
        return found({dated}, query);
    };
    EXPECT_EQ(on("2026-10-31"), 1U);
    EXPECT_EQ(on("2026-11-01"), 5U);
    EXPECT_EQ(on("2026-11-30"), 5U);
    EXPECT_EQ(on("2026-12-01"), 1U);
}

TEST(FindRule, ANewRuleDoesNotReachBackToEarlierInteractions) {
    Rule stricter = rule(12);
    stricter.from = day("2026-11-24");
    EXPECT_EQ(found({stricter}, outreach_contact()), 1U);
}

TEST(InteractionDay, IsTheDayWhereItWasRecorded) {
    const Instant late_evening = parse_instant("2026-11-24T04:30:00Z").value();
    const Interval occurred{late_evening, late_evening};
    EXPECT_EQ(interaction_day(occurred, 0), day("2026-11-24"));
    EXPECT_EQ(interaction_day(occurred, -360), day("2026-11-23"));
}

TEST(InteractionDay, IsOfTheEndWhenTheBeginningIsUnknown) {
    const Instant end = parse_instant("2026-11-24T12:00:00Z").value();
    EXPECT_EQ(interaction_day({Instant{0}, end}, 0), day("2026-11-24"));
}

TEST(InteractionDay, AbsurdTimesAreCutToTheRangeOfDates) {
    using Limits = std::numeric_limits<std::int64_t>;
    const Instant least{Limits::min()};
    const Instant most{Limits::max()};
    EXPECT_EQ(interaction_day({least, least}, -32768), day("1970-01-01"));
    EXPECT_EQ(interaction_day({most, most}, 32767), day("9999-12-31"));
}

}  // namespace
}  // namespace streetlog::sync

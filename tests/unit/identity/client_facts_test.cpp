#include "sync/identity/client_facts.hpp"

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"

namespace streetlog::sync {
namespace {

namespace col = hud::col::client;

Date date(std::string_view text) { return parse_date(text).value(); }

std::vector<Cell> name(std::int64_t quality) {
    return {{col::kFirstName, std::string{"Ann"}},
            {col::kLastName, std::string{"King"}},
            {col::kNameSuffix, std::string{"Jr"}},
            {col::kNameDataQuality, quality}};
}

std::vector<Cell> ssn(CellValue value, std::int64_t quality) {
    return {{col::kSSN, std::move(value)}, {col::kSSNDataQuality, quality}};
}

std::vector<Cell> birth(std::string_view day, std::int64_t quality) {
    return {{col::kDOB, days_of(date(day))}, {col::kDOBDataQuality, quality}};
}

const Date kLatest = date("2026-11-23");

std::optional<Date> birth_of(std::string_view day, std::int64_t quality = 1) {
    return client_facts({.birth = birth(day, quality)}, kLatest).birth;
}

TEST(ClientFacts, WholeAnswersAreFacts) {
    const auto names = name(1);
    const auto numbers = ssn(std::string{"512834097"}, 1);
    const auto days = birth("1980-04-04", 1);
    const ClientFacts facts = client_facts({.name = names, .ssn = numbers, .birth = days}, kLatest);
    EXPECT_EQ(facts.name, (NormalName{"ann", "", "king", "jr"}));
    EXPECT_EQ(facts.ssn, 512'834'097U);
    EXPECT_EQ(facts.birth, date("1980-04-04"));
}

TEST(ClientFacts, NothingAnsweredIsNothingKnown) {
    EXPECT_EQ(client_facts({}, kLatest), ClientFacts{});
}

TEST(ClientFacts, WhatStandsBesideAnotherQualityCodeIsNoFact) {
    for (const std::int64_t quality : {2, 8, 9, 99, 0}) {
        const auto names = name(quality);
        const auto numbers = ssn(std::string{"512834097"}, quality);
        const auto days = birth("1980-04-04", quality);
        EXPECT_EQ(client_facts({.name = names, .ssn = numbers, .birth = days}, kLatest),
                  ClientFacts{})
            << quality;
    }
    const std::vector<Cell> no_quality{{col::kSSN, std::string{"512834097"}}};
    EXPECT_EQ(client_facts({.ssn = no_quality}, kLatest), ClientFacts{});
}

TEST(ClientFacts, FullReportedIsNotBelievedOfAnImpossibleSsn) {
    EXPECT_FALSE(client_facts({.ssn = ssn(std::string{"078051120"}, 1)}, kLatest).ssn);
    EXPECT_FALSE(client_facts({.ssn = ssn(std::string{"xxxxx4097"}, 1)}, kLatest).ssn);
    EXPECT_FALSE(client_facts({.ssn = ssn(Redacted{}, 1)}, kLatest).ssn);
    EXPECT_FALSE(client_facts({.ssn = ssn(Absent{}, 1)}, kLatest).ssn);
}

TEST(ClientFacts, ABirthLiesFromTheSecondDayOf1900ToTheDayTheClientWasHeardOf) {
    EXPECT_FALSE(birth_of("1899-12-31"));
    EXPECT_FALSE(birth_of("1900-01-01"));
    EXPECT_TRUE(birth_of("1900-01-02"));
    EXPECT_TRUE(birth_of("1987-01-01"));
    EXPECT_TRUE(birth_of("2026-11-23"));
    EXPECT_FALSE(birth_of("2026-11-24"));
}

}  // namespace
}  // namespace streetlog::sync

#include "sync/identity/first_tier.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using enum Agreement;
using testing::entity;

constexpr std::uint32_t kSsn = 512'834'097;
constexpr Date kBirth{std::chrono::year{1980}, std::chrono::month{4}, std::chrono::day{4}};
constexpr Date kOtherBirth{std::chrono::year{1980}, std::chrono::month{4}, std::chrono::day{5}};

/// All three facts; tests change or remove what they are about.
ClientFacts ann() { return {NormalName{"ann", "", "king", ""}, kSsn, kBirth}; }

ClientFacts ann_with(std::string middle, std::string suffix = "") {
    ClientFacts out = ann();
    out.name->middle = std::move(middle);
    out.name->suffix = std::move(suffix);
    return out;
}

std::size_t keys_in_common(const ClientFacts& a, const ClientFacts& b) {
    std::vector<MatchKey> both;
    std::ranges::set_intersection(keys_of(a), keys_of(b), std::back_inserter(both));
    return both.size();
}

TEST(FirstTier, TwoEqualFactsAndAMissingThirdAreEvidence) {
    ClientFacts b = ann();
    b.ssn.reset();
    EXPECT_EQ(compare(ann(), b), (FirstTierEvidence{kMissing, kEqual, kEqual}));
    b = ann();
    b.name.reset();
    EXPECT_EQ(compare(ann(), b), (FirstTierEvidence{kEqual, kMissing, kEqual}));
    b = ann();
    b.birth.reset();
    EXPECT_EQ(compare(ann(), b), (FirstTierEvidence{kEqual, kEqual, kMissing}));
    EXPECT_EQ(compare(ann(), ann()), (FirstTierEvidence{kEqual, kEqual, kEqual}));
}

TEST(FirstTier, AThirdThatDiffersContradicts) {
    ClientFacts b = ann();
    b.ssn = kSsn + 1;
    EXPECT_FALSE(compare(ann(), b));
    b = ann();
    b.name->last = "kling";
    EXPECT_FALSE(compare(ann(), b));
    b = ann();
    b.birth = kOtherBirth;
    EXPECT_FALSE(compare(ann(), b));
}

TEST(FirstTier, OneEqualFactIsNotEnough) {
    ClientFacts b = ann();
    b.ssn.reset();
    b.birth.reset();
    EXPECT_FALSE(compare(ann(), b));
    EXPECT_FALSE(compare(ClientFacts{}, ClientFacts{}));
}

TEST(FirstTier, MissingOnOppositeSidesDoesNotAddUp) {
    ClientFacts a = ann();
    ClientFacts b = ann();
    a.ssn.reset();
    b.birth.reset();
    EXPECT_FALSE(compare(a, b));
}

TEST(FirstTier, AnInitialAgreesWithTheNameItBeginsAndNothingWithAll) {
    for (const char* middle : {"", "l", "louise"})
        for (const char* other : {"", "l", "louise"})
            EXPECT_EQ(compare(ann_with(middle), ann_with(other))->name, kEqual);
    EXPECT_EQ(compare(ann_with("l"), ann_with("m"))->name, kUnclear);
    EXPECT_EQ(compare(ann_with("lou"), ann_with("louise"))->name, kUnclear);
    EXPECT_EQ(compare(ann_with("l"), ann_with("marie"))->name, kUnclear);
}

TEST(FirstTier, FatherAndSonOfOneNameAreNotJoinedByIt) {
    ClientFacts son = ann_with("", "jr");
    ClientFacts father = ann_with("", "sr");
    EXPECT_EQ(compare(son, father), (FirstTierEvidence{kEqual, kUnclear, kEqual}));
    son.ssn.reset();
    EXPECT_FALSE(compare(son, father));
    EXPECT_EQ(compare(ann_with("", "jr"), ann())->name, kEqual);
}

TEST(FirstTier, EachTwoFactsMakeAKey) {
    EXPECT_EQ(keys_of(ann()).size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(keys_of(ann())));
    ClientFacts b = ann();
    b.ssn.reset();
    EXPECT_EQ(keys_of(b).size(), 1U);
    EXPECT_EQ(keys_in_common(ann(), b), 1U);
    b.birth.reset();
    EXPECT_TRUE(keys_of(b).empty());
    EXPECT_TRUE(keys_of(ClientFacts{}).empty());
}

TEST(FirstTier, KeysOfOtherFactsDiffer) {
    ClientFacts b = ann();
    b.birth = kOtherBirth;
    EXPECT_EQ(keys_in_common(ann(), b), 1U);  // SSN and name
    ClientFacts moved = ann();
    moved.name->first = "annk";
    moved.name->last = "ing";
    EXPECT_EQ(keys_in_common(ann(), moved), 1U);  // SSN and birth
    EXPECT_EQ(keys_in_common(ann(), ann_with("louise", "jr")), 3U);
}

TEST(FirstTier, MoreAndRarerEqualFactsWeighMore) {
    const FirstTierEvidence all{kEqual, kEqual, kEqual};
    const FirstTierEvidence name_birth{kMissing, kEqual, kEqual};
    const FirstTierEvidence ssn_birth{kEqual, kUnclear, kEqual};
    EXPECT_EQ(all.millibits(), kSsnMillibits + kNameMillibits + kBirthMillibits);
    EXPECT_EQ(name_birth.millibits(), 26'100);
    EXPECT_EQ(ssn_birth.millibits(), 40'600);
}

TEST(FirstTier, EvidenceIsSaidInWords) {
    EXPECT_EQ(to_text({kEqual, kEqual, kEqual}), "SSN, full name and date of birth are equal");
    EXPECT_EQ(to_text({kMissing, kEqual, kEqual}),
              "full name and date of birth are equal, no SSN to compare");
    EXPECT_EQ(to_text({kEqual, kUnclear, kEqual}),
              "SSN and date of birth are equal, first and last name too but not the rest of it");
}

TEST(FirstTier, AHouseholdInCommonForbidsALink) {
    const EntityId a[] = {entity(7), entity(2)};
    const EntityId b[] = {entity(3), entity(7)};
    const EntityId c[] = {entity(4)};
    EXPECT_EQ(household_guard(a, b), HouseholdGuard::kSameHousehold);
    EXPECT_EQ(household_guard(b, a), HouseholdGuard::kSameHousehold);
    EXPECT_EQ(household_guard(a, c), HouseholdGuard::kClear);
    EXPECT_EQ(household_guard({}, a), HouseholdGuard::kClear);
    EXPECT_EQ(household_guard({}, {}), HouseholdGuard::kClear);
}

}  // namespace
}  // namespace streetlog::sync

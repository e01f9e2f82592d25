#include "sync/merge/view.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;
using Dots = std::vector<Dot>;

constexpr RegisterId kPreference{hud::tbl::kUserPreference, hud::grp::kPreferenceValue};
constexpr RegisterId kNote{hud::tbl::kCaseNote, hud::grp::kNoteText};

Dot winner_of(const EntityState& state, RegisterId id, std::optional<Replica> self = {}) {
    return winner(visible(state, id), id, self)->dot;
}

std::vector<Seen> seen_in(const EntityState& state, EntityId id) {
    const Member member{id, &state};
    return merged_view({&member, 1}, kName);
}

TEST(Winner, IsNobodyWhenThereIsNothing) { EXPECT_EQ(winner({}, kName), nullptr); }

TEST(Winner, FullerAnswerBeatsLaterOne) {
    EntityState state;
    TestWrite(1, 1).name("Ana", 1).received(1).put(state);
    TestWrite(2, 1).name("", 9).received(2).put(state);
    EXPECT_EQ(winner_of(state, kName), dot(1, 1));
}

TEST(Winner, SeenAndReplacedFullAnswerLosesToARefusal) {
    EntityState state;
    TestWrite(1, 1).name("Ana", 1).received(1).put(state);
    TestWrite(2, 1).name("", 9).over({dot(1, 1)}).received(2).put(state);
    EXPECT_EQ(winner_of(state, kName), dot(2, 1));
}

TEST(Winner, LaterHubStampDecidesAmongEqualAnswers) {
    EntityState state;
    TestWrite(1, 1).name("Ana").stamped(1).received(9).put(state);
    TestWrite(2, 1).name("Anna").stamped(99).received(3).put(state);
    EXPECT_EQ(winner_of(state, kName), dot(1, 1)) << "the author's own stamp no longer counts";
}

TEST(Winner, DotDecidesWhenAllElseIsEqual) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    TestWrite(2, 1).name("Anna").received(1).put(state);
    EXPECT_EQ(winner_of(state, kName), dot(2, 1));
}

TEST(Winner, IsTheSameInWhateverOrderSiblingsAreGiven) {
    EntityState state;
    for (std::uint64_t n = 1; n <= 5; ++n)
        TestWrite(n, 1).name("Ana", n % 2 == 0 ? 2 : 1).received(n).put(state);
    auto siblings = visible(state, kName);
    std::ranges::sort(siblings);
    do {
        EXPECT_EQ(winner(siblings, kName)->dot, dot(5, 1));
    } while (std::ranges::next_permutation(siblings).found);
}

TEST(Winner, OwnSaveIsShownUntilTheHubHasReceivedIt) {
    EntityState state;
    TestWrite(1, 1).name("Ana", 1).received(1).put(state);
    auto own = TestWrite(2, 1).name("", 99);
    own.put(state);
    EXPECT_EQ(winner_of(state, kName, replica(2)), dot(2, 1));
    EXPECT_EQ(winner_of(state, kName, replica(3)), dot(1, 1));
    own.received(2).put(state);
    EXPECT_EQ(winner_of(state, kName, replica(2)), dot(1, 1));
}

TEST(Winner, LwwGroupIgnoresTheAnswerClass) {
    EntityState state;
    constexpr auto value = hud::col::user_preference::kValue;
    TestWrite(1, 1).in(kPreference).cell(value, "dark").received(1).put(state);
    TestWrite(2, 1).in(kPreference).received(2).put(state);
    EXPECT_EQ(winner_of(state, kPreference), dot(2, 1));
    EXPECT_FALSE(needs_review(visible(state, kPreference), kPreference));
}

TEST(Winner, ImmutableGroupKeepsWhatWasReceivedFirst) {
    EntityState state;
    constexpr auto text = hud::col::case_note::kText;
    TestWrite(1, 1).in(kNote).cell(text, "second").received(2).put(state);
    TestWrite(2, 1).in(kNote).cell(text, "first").received(1).put(state);
    EXPECT_EQ(winner_of(state, kNote), dot(2, 1));
    EXPECT_EQ(visible(state, kNote).size(), 2U);
    EXPECT_TRUE(needs_review(visible(state, kNote), kNote));
}

TEST(Review, EqualValuesNeedNone) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    TestWrite(2, 1)
        .name("Ana")
        .cell(hud::col::client::kNameSuffix, Absent{})
        .received(2)
        .put(state);
    EXPECT_FALSE(needs_review(visible(state, kName), kName));
    TestWrite(3, 1).name("Anna").received(3).put(state);
    EXPECT_TRUE(needs_review(visible(state, kName), kName));
}

TEST(Review, LinkingAloneOpensNone) {
    EntityState one;
    EntityState other;
    TestWrite(1, 1).name("Ana").received(1).put(one);
    TestWrite(2, 1).name("Anna").received(2).put(other);
    const Member members[] = {{entity(1), &one}, {entity(2), &other}};
    EXPECT_FALSE(needs_review(merged_view(members, kName), kName));
}

TEST(Review, WriteOnTheProfileThatMissedAMembersValueOpensOne) {
    EntityState one;
    EntityState other;
    TestWrite(1, 1).name("Ana").received(1).put(other);
    TestWrite(2, 1).name("Anna").over({dot(1, 1)}).beside({entity(2)}).received(2).put(one);
    TestWrite(3, 1).name("Anne").received(3).put(other);
    const Member members[] = {{entity(1), &one}, {entity(2), &other}};
    EXPECT_TRUE(needs_review(merged_view(members, kName), kName));
}

TEST(MergedView, EditOnAProfileLeavesTheOtherMembersOwnViewAlone) {
    EntityState one;
    EntityState other;
    TestWrite(1, 1).name("Ana").received(1).put(one);
    TestWrite(2, 1).name("Anna").received(2).put(other);
    const Member members[] = {{entity(1), &one}, {entity(2), &other}};

    const OnScreen screen = on_screen(merged_view(members, kName), entity(1), SaveForm::kFull);
    EXPECT_EQ(screen.supersedes, (Dots{dot(1, 1), dot(2, 1)}));
    EXPECT_EQ(screen.profile, std::vector{entity(2)});
    TestWrite(3, 1)
        .name("Anne")
        .over(screen.supersedes)
        .beside(screen.profile)
        .received(3)
        .put(one);

    const auto merged = merged_view(members, kName);
    ASSERT_EQ(merged.size(), 1U);
    EXPECT_EQ(merged.front().sibling->dot, dot(3, 1));
    EXPECT_EQ(winner_of(other, kName), dot(2, 1));
}

TEST(MergedView, HearsSupersessionThroughAMembersHiddenWrite) {
    EntityState one;
    EntityState other;
    TestWrite(1, 1).name("Ana").received(1).put(one);
    TestWrite(2, 1).name("Spam").over({dot(1, 1)}).received(2).hide(other);
    TestWrite(3, 1).name("Anna").over({dot(2, 1)}).received(3).put(one);
    const Member members[] = {{entity(1), &one}, {entity(2), &other}};
    EXPECT_EQ(merged_view(members, kName).size(), 1U);
    EXPECT_EQ(visible(one, kName).size(), 2U) << "the own view does not hear the other member";
}

TEST(OnScreen, RedactedSaveNamesNoFullValue) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    TestWrite(2, 1).cell(hud::col::client::kFirstName, Redacted{}).received(2).put(state);
    const auto seen = seen_in(state, entity(1));
    EXPECT_EQ(on_screen(seen, entity(1), SaveForm::kRedacted).supersedes, Dots{dot(2, 1)});
    EXPECT_EQ(on_screen(seen, entity(1), SaveForm::kFull).supersedes, (Dots{dot(1, 1), dot(2, 1)}));
}

}  // namespace
}  // namespace streetlog::sync

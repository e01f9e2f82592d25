#include "sync/merge/merge.hpp"

#include <gtest/gtest.h>

#include "sync/merge/view.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;

std::vector<Dot> shown(const EntityState& state, RegisterId id = kName) {
    std::vector<Dot> out;
    for (const Sibling* sibling : visible(state, id)) out.push_back(sibling->dot);
    return out;
}

using Dots = std::vector<Dot>;

TEST(Merge, KeepsBothOfTwoConcurrentWrites) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    TestWrite(2, 1).name("Anna").received(2).put(state);
    EXPECT_EQ(shown(state), (Dots{dot(1, 1), dot(2, 1)}));
}

TEST(Merge, DropsAWriteThatAReceiptedOneNamed) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    TestWrite(2, 1).name("Anna").over({dot(1, 1)}).received(2).put(state);
    EXPECT_EQ(shown(state), Dots{dot(2, 1)});
    EXPECT_EQ(state.registers.at(kName).siblings.size(), 1U);
}

TEST(Merge, SupersededWriteThatComesAgainStaysGone) {
    EntityState state;
    const auto old = TestWrite(1, 1).name("Ana").received(1);
    TestWrite(2, 1).name("Anna").over({dot(1, 1)}).received(2).put(state);
    const EntityState before = state;
    old.put(state);
    EXPECT_EQ(shown(state), Dots{dot(2, 1)});
    EXPECT_EQ(state.registers, before.registers);
}

TEST(Merge, OnlyHidesWhatAnUnreceiptedWriteNamed) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    const auto newer = TestWrite(2, 1).name("Anna").over({dot(1, 1)});
    newer.put(state);
    EXPECT_EQ(shown(state), Dots{dot(2, 1)});
    EXPECT_EQ(state.registers.at(kName).siblings.size(), 2U);
    drop(state, newer.dot());
    EXPECT_EQ(shown(state), Dots{dot(1, 1)});
}

TEST(Merge, NamingADotAheadOfTimeErasesNothing) {
    EntityState state;
    TestWrite(2, 1).name("Eve").over({dot(1, 1)}).received(1).put(state);
    TestWrite(1, 1).name("Ana").received(2).put(state);
    EXPECT_EQ(shown(state), (Dots{dot(1, 1), dot(2, 1)}));
}

TEST(Merge, OwnEarlierRecordIsSupersededBeforeAnyReceipt) {
    EntityState state;
    TestWrite(1, 1).name("Ana").put(state);
    TestWrite(1, 2).name("Anna").over({dot(1, 1)}).put(state);
    EXPECT_EQ(shown(state), Dots{dot(1, 2)});
}

TEST(Merge, SmallerOfTwoReceiptsCounts) {
    EntityState one;
    EntityState other;
    auto write = TestWrite(1, 1).name("Ana");
    for (const auto n : {7U, 3U, 9U}) write.received(n).put(one);
    for (const auto n : {3U, 9U, 7U}) write.received(n).put(other);
    EXPECT_EQ(one, other);
    EXPECT_EQ(one.registers.at(kName).siblings.front().receipt, receipt(3));
    EXPECT_EQ(one.first, receipt(3).place);
}

TEST(Merge, SupersessionPassesThroughAHiddenWrite) {
    const auto oldest = TestWrite(1, 1).name("Ana").received(1);
    const auto hidden = TestWrite(2, 1).name("Spam").over({dot(1, 1)}).received(2);
    const auto newest = TestWrite(3, 1).name("Anna").over({dot(2, 1)}).received(3);
    EntityState state;
    oldest.put(state);
    hidden.hide(state);
    EXPECT_EQ(shown(state), Dots{dot(1, 1)}) << "a hidden write erases nothing by itself";
    newest.put(state);
    EXPECT_EQ(shown(state), Dots{dot(3, 1)});

    EntityState other;
    newest.put(other);
    oldest.put(other);
    hidden.hide(other);
    EXPECT_EQ(other, state);
}

TEST(Merge, HidingTakesTheAuthorsUnreceiptedWriteBack) {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(1).put(state);
    auto write = TestWrite(2, 1).name("Spam").over({dot(1, 1)});
    write.put(state);
    write.received(2).hide(state);
    EXPECT_EQ(shown(state), Dots{dot(1, 1)});
    write.put_unreceipted(state);
    EXPECT_EQ(shown(state), Dots{dot(1, 1)}) << "the hub's word stands";
}

TEST(Merge, ReleasedWriteStaysReleasedWhateverComesLater) {
    const auto write = TestWrite(2, 1).name("Ana").over({dot(1, 1)}).received(2);
    EntityState hidden_first;
    write.hide(hidden_first);
    write.put(hidden_first);
    EntityState put_first;
    write.put(put_first);
    write.hide(put_first);
    EXPECT_EQ(hidden_first, put_first);
    EXPECT_EQ(shown(put_first), Dots{dot(2, 1)});
}

TEST(Merge, RedactedWriteTakesAwayOnlyItsLike) {
    EntityState state;
    const auto last_four = [](std::uint64_t device) {
        return TestWrite(device, 1)
            .cell(hud::col::client::kFirstName, Redacted{})
            .cell(hud::col::client::kNameDataQuality, std::int64_t{2});
    };
    TestWrite(1, 1).name("Ana").received(1).put(state);
    last_four(2).received(2).put(state);
    last_four(3).over({dot(1, 1), dot(2, 1)}).received(3).put(state);
    EXPECT_EQ(shown(state), (Dots{dot(1, 1), dot(3, 1)}));
}

TEST(Merge, VoidKeepsConcurrentEditsOfOtherGroups) {
    constexpr RegisterId life{hud::tbl::kClient, hud::kLifeGroup};
    EntityState state;
    TestWrite(1, 1).in(life).kind(OpKind::kVoid).received(1).put(state);
    TestWrite(2, 1).name("Ana").received(2).put(state);
    EXPECT_EQ(shown(state, life), Dots{dot(1, 1)});
    EXPECT_EQ(shown(state), Dots{dot(2, 1)});
}

TEST(Merge, CreateKeepsItsKeysInARegisterOfTheirOwn) {
    constexpr RegisterId entry{hud::tbl::kEnrollment, hud::grp::kEnrollmentEntry};
    constexpr RegisterId keys{hud::tbl::kEnrollment, 0};
    EntityState state;
    TestWrite(1, 1)
        .in(entry)
        .kind(OpKind::kCreate)
        .cell(hud::col::enrollment::kPersonalID, Bytes(16, 7))
        .cell(hud::col::enrollment::kEntryDate, std::int64_t{20'000})
        .received(1)
        .put(state);
    TestWrite(2, 1)
        .in(entry)
        .cell(hud::col::enrollment::kEntryDate, std::int64_t{20'001})
        .over({dot(1, 1)})
        .received(2)
        .put(state);
    EXPECT_EQ(shown(state, keys), Dots{dot(1, 1)});
    EXPECT_EQ(shown(state, entry), Dots{dot(2, 1)});
    const auto& cells = state.registers.at(keys).siblings.front().cells;
    EXPECT_EQ(cells, (std::vector<Cell>{{hud::col::enrollment::kPersonalID, Bytes(16, 7)}}));
}

TEST(Merge, HidingACreateAfterItsReleaseKeepsItsKeys) {
    constexpr RegisterId entry{hud::tbl::kEnrollment, hud::grp::kEnrollmentEntry};
    auto create = TestWrite(1, 1).in(entry).kind(OpKind::kCreate).received(1);
    create.cell(hud::col::enrollment::kPersonalID, Bytes(16, 7));
    const auto edit = TestWrite(2, 1).in(entry).over({dot(1, 1)}).received(2);
    EntityState state;
    create.put(state);
    edit.put(state);
    const EntityState before = state;
    create.hide(state);
    EXPECT_EQ(state, before);
}

TEST(Merge, UnlinkOnlyWithdraws) {
    constexpr RegisterId link{hud::tbl::kClientLink, hud::grp::kClientLinkAssertion};
    EntityState state;
    TestWrite(1, 1).in(link).kind(OpKind::kLink).received(1).put(state);
    EXPECT_EQ(shown(state, link), Dots{dot(1, 1)});
    TestWrite(1, 2).in(link).kind(OpKind::kUnlink).over({dot(1, 1)}).received(2).put(state);
    EXPECT_TRUE(shown(state, link).empty());
}

TEST(Merge, DropLeavesNothingBehind) {
    EntityState state;
    const auto write = TestWrite(1, 1).name("Ana").over({dot(2, 1)});
    write.put(state);
    drop(state, write.dot());
    EXPECT_EQ(state, EntityState{});
}

TEST(Merge, TakesTheAnswerClassFromTheCatalogue) {
    EntityState state;
    TestWrite(1, 1).name("Ana", 1).received(1).put(state);
    TestWrite(2, 1).name("An", 2).received(2).put(state);
    TestWrite(3, 1).name("", 9).received(3).put(state);
    TestWrite(4, 1).name("", 99).received(4).put(state);
    std::vector<hud::AnswerClass> classes;
    for (const Sibling* sibling : visible(state, kName)) classes.push_back(sibling->answer);
    using enum hud::AnswerClass;
    EXPECT_EQ(classes, (std::vector{kFull, kPartial, kRefused, kNothing}));
}

}  // namespace
}  // namespace streetlog::sync

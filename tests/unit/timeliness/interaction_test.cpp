#include <gtest/gtest.h>

#include "sync/timeliness/interval.hpp"
#include "tests/unit/timeliness/builders.hpp"

namespace streetlog::sync {
namespace {

using namespace timeliness_test;

struct Times {
    SaveTime save;
    OccurredTime interaction;
};

Times locate(const Header& header, Instant received, const ReplicaClock& before = {}) {
    const SaveTime save = locate_save(header, received, std::nullopt, before);
    return {save, locate_interaction(header, received, std::nullopt, before, save)};
}

TEST(LocateInteraction, LiveIsMeasuredWhenNowWasPressed) {
    const Header header =
        live(contact(same_boot(5 * kHour), at(5 * kHour)), same_boot(kHour), Instant{0});
    const OccurredTime time = locate(header, at(9 * kHour)).interaction;
    const std::int64_t error = 50 + kHour / 10'000 + 2;
    EXPECT_EQ(time.occurred, (Interval{at(kHour - error), at(kHour + error)}));
    EXPECT_EQ(time.flags, 0U);
}

TEST(LocateInteraction, LiveIsNotAfterTheSave) {
    const Header header = live(contact(same_boot(kHour), at(kHour)), same_boot(kHour), at(kHour));
    const Times times = locate(header, at(kHour));
    EXPECT_EQ(times.interaction.occurred.hi, times.save.saved.hi);
}

TEST(LocateInteraction, APausedNowMayLieBeforeRecordsSavedLater) {
    const Header header =
        live(contact(same_boot(30 * kHour), at(30 * kHour)), same_boot(kHour), at(kHour));
    const Times times = locate(header, at(40 * kHour), {at(29 * kHour), {}});
    EXPECT_EQ(times.interaction.flags, 0U);
    EXPECT_LT(times.interaction.occurred.hi, at(2 * kHour));
}

TEST(LocateInteraction, TypedIsExactlyWhatWasTyped) {
    const Header header = typed(contact(same_boot(kHour), at(kHour)), at(-3 * kHour));
    const OccurredTime time = locate(header, at(2 * kHour)).interaction;
    EXPECT_EQ(time.occurred, (Interval{at(-3 * kHour), at(-3 * kHour)}));
    EXPECT_EQ(time.flags, 0U);
}

TEST(LocateInteraction, TypedAfterTheSaveIsTheFuture) {
    Header header = typed(contact(same_boot(kHour), at(kHour)), at(0));
    const Instant last = locate(header, at(kDay)).save.saved.hi;
    header.occurred = last;
    EXPECT_EQ(locate(header, at(kDay)).interaction.flags, 0U);
    header.occurred = last + Millis{1};
    EXPECT_EQ(locate(header, at(kDay)).interaction.flags, TimeFlags::kFuture);
}

TEST(LocateInteraction, WithoutSourceOrEvidenceAnyTimeUpToTheSaveIsPossible) {
    Header header = contact(same_boot(kHour), at(kHour));
    header.occurred = at(kHour);
    const Times unsaid = locate(header, at(kDay));
    EXPECT_EQ(unsaid.interaction.occurred, (Interval{Instant{0}, unsaid.save.saved.hi}));
    EXPECT_EQ(unsaid.interaction.flags, TimeFlags::kNoEvidence);
    header.source = TimeSource::kLive;
    EXPECT_EQ(locate(header, at(kDay)).interaction, unsaid.interaction);
}

TEST(LocateInteraction, AClockAheadAtNowAndSetBackBeforeTheSaveIsAContradiction) {
    const Header header = live(contact(other_boot(), at(kHour)), other_boot(), at(20 * kHour));
    const OccurredTime time = locate(header, at(kDay)).interaction;
    EXPECT_EQ(time.flags, TimeFlags::kContradiction);
    EXPECT_EQ(time.occurred, (Interval{at(-50), at(kDay)}));
}

TEST(LocateInteraction, AProvenNowOutlivesARebootAndAClockSetBackBeforeTheSave) {
    const Header header =
        live(contact(other_boot(), at(kMinute)), same_boot(5 * kHour), at(5 * kHour));
    const Times times = locate(header, at(kDay));
    EXPECT_EQ(times.save.flags, TimeFlags::kFromWall);
    EXPECT_EQ(times.interaction.flags, 0U);
    EXPECT_GT(times.interaction.occurred.lo, at(4 * kHour));
}

}  // namespace
}  // namespace streetlog::sync

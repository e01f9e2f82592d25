#include "sites.hpp"
#include "tests/support/failing_vfs.hpp"

namespace streetlog::test {
namespace {

struct Story {
    const char* name;
    int shared_unsent;  // saved before the copy was made, and not sent by then
    int first_saves;    // by whoever meets the hub first after that
    int second_saves;   // by the other
    bool original_first;
    bool met_in_between;  // the first has met the hub once more before the second comes
};

void PrintTo(const Story& story, std::ostream* out) { *out << story.name; }

class CopiedDevice : public RecoveryTest, public testing::WithParamInterface<Story> {};

/// A disk was copied, and both are used.
TEST_P(CopiedDevice, LosesNothingDoublesNothingAndRaisesOneAlarm) {
    const Story& story = GetParam();
    const auto original = enrol(1);
    const auto witness = enrol(2);
    for (int i = 0; i < 6; ++i) save(*original);
    ASSERT_TRUE(meet(*original)) << said_;
    ASSERT_TRUE(meet(*witness)) << said_;
    for (int i = 0; i < story.shared_unsent; ++i) save(*original);
    DeviceSite copy{*original};
    DeviceSite& first = story.original_first ? *original : copy;
    DeviceSite& second = story.original_first ? copy : *original;
    for (int i = 0; i < story.first_saves; ++i) save(first, "Ben");
    for (int i = 0; i < story.second_saves; ++i) save(second, "Cal");
    ASSERT_TRUE(meet(first)) << said_;
    remember(first);
    if (story.met_in_between) {
        save(first, "Dee");
        ASSERT_TRUE(meet(first)) << said_;
        remember(first);
    }
    ASSERT_TRUE(meet(second)) << said_;
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kPossibleCopy).size(), 1u)
        << "not noticed by the time both had come";
    remember(second);
    // Whatever they share by now, they go on apart.
    save(first, "Eve");
    save(second, "Fay");
    save(second, "Gil");
    ASSERT_TRUE(meet(second)) << said_;
    expect_whole({&first, &second, witness.get()});
    EXPECT_NE(first.self(), second.self());
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kPossibleCopy).size(), 1u);
    EXPECT_TRUE(hub_.alarms(store::AlarmKind::kHubFellBack).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Twins,
    CopiedDevice,
    testing::Values(Story{"both_save", 0, 3, 2, true, false},
                    Story{"copy_first", 0, 3, 2, false, false},
                    Story{"unsent_shared", 4, 3, 2, true, false},
                    Story{"unsent_shared_copy_first", 4, 1, 5, false, false},
                    Story{"second_longer", 2, 1, 9, true, false},
                    Story{"acked_after_the_copy", 2, 3, 2, true, true},
                    Story{"acked_by_the_copy", 0, 1, 7, false, true},
                    Story{"second_saved_nothing", 2, 3, 0, true, false},
                    Story{"second_saved_nothing_copy_first", 0, 2, 0, false, true},
                    Story{"nobody_saved", 0, 0, 0, true, false},
                    Story{"nobody_saved_but_unsent", 3, 0, 0, false, true}),
    [](const auto& story) { return std::string{story.param.name}; });

class OlderImage : public RecoveryTest {};

TEST_F(OlderImage, GetsItsRecordsBackAndGoesOn) {
    const auto device = enrol(1);
    const auto witness = enrol(2);
    for (int i = 0; i < 5; ++i) save(*device);
    ASSERT_TRUE(meet(*device));
    DeviceSite image{*device};
    for (int i = 0; i < 11; ++i) save(*device);
    ASSERT_TRUE(meet(*device));
    remember(*device);
    device->store.reset();  // its disk broke; the image is what there is
    ASSERT_TRUE(meet(image)) << said_;
    EXPECT_EQ(image.self().incarnation, 1u);
    EXPECT_EQ(need(image.store->log().head()).last_seq, 16u);
    save(image);
    expect_whole({&image, witness.get()});
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kPossibleCopy).size(), 1u);
}

TEST_F(OlderImage, ThatWasUsedBeforeItMetTheHubKeepsWhatWasTyped) {
    const auto device = enrol(1);
    for (int i = 0; i < 5; ++i) save(*device);
    ASSERT_TRUE(meet(*device));
    DeviceSite image{*device};
    for (int i = 0; i < 3; ++i) save(*device);
    ASSERT_TRUE(meet(*device));
    remember(*device);
    device->store.reset();
    const auto before = save(image, "Typed on the image");
    const auto record = need(image.store->read().own_record(6));
    expect_whole({&image});
    EXPECT_EQ(image.self().incarnation, 2u);
    const auto again = need(image.store->read().own_record(1));
    EXPECT_EQ(again.header.fork_of, (sync::ForkOf{1, 6}));
    EXPECT_EQ(again.header.recorded, record.header.recorded);
    EXPECT_EQ(again.header.hlc, record.header.hlc);
    EXPECT_EQ(again.header.clock, record.header.clock);
    EXPECT_TRUE(image.store->read().client(before));
}

TEST_F(OlderImage, AnEditOfWhatWasTypedOnTheImageFollowsItsNewName) {
    const auto device = enrol(1);
    save(*device);
    ASSERT_TRUE(meet(*device));
    DeviceSite image{*device};
    save(*device);
    ASSERT_TRUE(meet(*device));
    device->store.reset();
    const auto id = save(image, "Typo");
    const auto edit = [&](const std::string& name, sync::Dot seen) {
        auto op = store::test::create_client(id, name, "Doe");
        op.kind = sync::OpKind::kSetGroup;
        op.supersedes = {seen};
        saved_.push_back(id);
        need(image.store->save(store::test::save_of({op}, clock_.now().ms)));
    };
    const sync::Replica old = image.self();
    edit("Right", {old, 2, 0});
    ASSERT_TRUE(meet(image)) << said_;
    EXPECT_EQ(need(image.store->read().client(id)).first_name, "Right");
    edit("Better", {old, 3, 0});  // a screen that was open all the while
    expect_whole({&image});
    const auto state = need(image.store->read().load(id));
    const sync::RegisterId name{hud::tbl::kClient, hud::grp::kClientName};
    EXPECT_EQ(state.registers.at(name).siblings.size(), 1u);
    EXPECT_EQ(need(image.store->read().client(id)).first_name, "Better");
}

TEST_F(OlderImage, ThatKnowsItMayBeACopyTakesANumberOfItsOwnFirst) {
    const auto device = enrol(1);
    for (int i = 0; i < 3; ++i) save(*device);
    ASSERT_TRUE(meet(*device));
    save(*device, "unsent, and in both");
    DeviceSite copy{*device};
    ASSERT_TRUE(copy.store->suspect_copy());
    save(copy, "of the copy alone");
    ASSERT_TRUE(meet(copy)) << said_;
    EXPECT_EQ(copy.self().incarnation, 2u);
    EXPECT_EQ(need(copy.store->log().head()).last_seq, 1u);
    save(*device, "of the original alone");
    expect_whole({device.get(), &copy});
    EXPECT_EQ(device->self().incarnation, 1u);
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kPossibleCopy).size(), 1u);
}

/// At each of its operations in turn: the device is what it was, and what it saves then names what
/// its worker saw.
TEST_F(OlderImage, AnIncarnationThatDoesNotComeToTheDiskIsNotTaken) {
    const FailingVfs disk;
    bool struck = true;
    int failures = 0;
    for (std::uint64_t step = 1; struck; ++step) {
        DeviceSite device{clock_, static_cast<std::uint32_t>(100 + step), hub_};
        for (int i = 0; i < 3; ++i) device.save("Ann");
        const auto id = device.save("Typo");
        const sync::Replica before = device.self();
        FailingVfs::fail(step, FailingVfs::Fault::kIoError);
        const auto taken = device.store->take_incarnation(1, 7);
        struck = FailingVfs::failed();
        FailingVfs::forgive();
        if (taken) continue;  // done, or only what follows the commit failed
        ++failures;
        ASSERT_EQ(device.self(), before) << "at step " << step;
        auto op = store::test::create_client(id, "Right", "Doe");
        op.kind = sync::OpKind::kSetGroup;
        op.supersedes = {{before, 4, 0}};
        need(device.store->save(store::test::save_of({op}, clock_.now().ms)));
        EXPECT_EQ(need(device.store->read().own_record(5)).ops.at(0).supersedes.at(0),
                  (sync::Dot{before, 4, 0}))
            << "at step " << step;
        EXPECT_TRUE(device.store->take_incarnation(1, 7)) << "at step " << step;
    }
    EXPECT_GT(failures, 3);
}

TEST_F(OlderImage, ADeviceWithAnotherKeyIsNotLetIn) {
    const auto device = enrol(1);
    save(*device);
    device->key = key_from(99);
    EXPECT_FALSE(meet(*device));
    EXPECT_EQ(hub_.device_records(), 0u);
}

}  // namespace
}  // namespace streetlog::test

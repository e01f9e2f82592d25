#include "sites.hpp"

namespace streetlog::test {
namespace {

constexpr Millis kHour{3'600'000};
constexpr std::int64_t kRevoked = 3;

struct Story {
    const char* name;
    Millis age;
    bool high_water;
    bool reader_first;  // of the devices that come back
};

void PrintTo(const Story& story, std::ostream* out) { *out << story.name; }

class RestoredHub : public RecoveryTest, public testing::WithParamInterface<Story> {
  protected:
    void SetUp() override {
        hub_.keeps_mark = GetParam().high_water;
        RecoveryTest::SetUp();
    }

    std::unique_ptr<DeviceSite> author_, reader_, lost_;
};

/// Everything that can be on the way when a hub is lost.
TEST_P(RestoredHub, GetsBackWhatDevicesHaveAsItWas) {
    author_ = enrol(1);
    reader_ = enrol(2);
    lost_ = enrol(3);
    for (int i = 0; i < 9; ++i) save(*author_);
    save(*reader_);
    save(*lost_);
    for (DeviceSite* device : {author_.get(), reader_.get(), lost_.get()})
        ASSERT_TRUE(meet(*device)) << said_;
    hub_.back_up();
    hub_.stop();
    hub_.start();  // so that some of the hub's records are of another incarnation
    clock_.advance(GetParam().age);

    for (int i = 0; i < 9; ++i) save(*author_);
    hub_.say_of(lost_->self().device, kRevoked, lost_->key);
    const auto newcomer = enrol(4);
    save(*newcomer);
    ASSERT_TRUE(meet(*author_)) << said_;
    ASSERT_TRUE(meet(*newcomer)) << said_;
    ASSERT_TRUE(meet(*reader_)) << said_;
    save(*author_, "pulled by the other before its author had the ack");
    {
        Meeting meeting{*author_, hub_, clock_};
        meeting.acks_are_lost = true;
        meeting.run();
    }
    for (DeviceSite* device : {author_.get(), newcomer.get()}) remember(*device);
    ASSERT_TRUE(meet(*reader_)) << said_;
    save(*author_, "never sent");
    const auto head = hub_.ledger->head();

    hub_.lose_and_restore();
    EXPECT_LT(hub_.ledger->head().seq, head.seq);
    EXPECT_EQ(hub_.ledger->epoch(), 1u);
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kHubFellBack).size(), 1u);
    DeviceSite& first = GetParam().reader_first ? *reader_ : *author_;
    ASSERT_TRUE(meet(first)) << said_;
    EXPECT_FALSE(meet(*lost_)) << "the revocation did not come back";
    expect_whole({author_.get(), reader_.get(), newcomer.get()});
    EXPECT_EQ(hub_.ledger->epoch(), 1u) << "one loss, and one label";
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kHubFellBack).size(), 1u);
    EXPECT_TRUE(hub_.alarms(store::AlarmKind::kPossibleCopy).empty());
    EXPECT_FALSE(hub_.gaps().empty());
    for (const auto& gap : hub_.gaps()) EXPECT_EQ(gap.how, "filled");
}

INSTANTIATE_TEST_SUITE_P(Ages,
                         RestoredHub,
                         testing::Values(Story{"hour", kHour, true, true},
                                         Story{"hour_without_mark", kHour, false, false},
                                         Story{"month", 30 * 24 * kHour, true, false},
                                         Story{"month_without_mark", 30 * 24 * kHour, false, true}),
                         [](const auto& story) { return std::string{story.param.name}; });

class FallenHub : public RecoveryTest {
  protected:
    void one_record_before_the_backup_and_one_after() {
        device_ = enrol(1);
        save(*device_);
        ASSERT_TRUE(meet(*device_));
        hub_.back_up();
        save(*device_);
        ASSERT_TRUE(meet(*device_));
    }

    std::unique_ptr<DeviceSite> device_;
};

TEST_F(FallenHub, IsNoticedByItsHighWaterMark) {
    ASSERT_NO_FATAL_FAILURE(one_record_before_the_backup_and_one_after());
    const auto mark = hub_.mark;
    clock_.advance(-2 * kHour);  // and the clock with it
    hub_.lose_and_restore();
    ASSERT_FALSE(store::HubWatch{hub_.log->db()}.losses().empty());
    EXPECT_EQ(store::HubWatch{hub_.log->db()}.losses()[0].lost, mark->head.seq);
    save(*device_);
    ASSERT_TRUE(meet(*device_));
    const auto newest = hub_.log->run_at(hub_.ledger->head().seq);
    EXPECT_GE(newest->receipt.first.received, mark->received) << "time at the hub went back";
}

TEST_F(FallenHub, IsNoticedByTheFirstDeviceThatKnowsMore) {
    hub_.keeps_mark = false;
    device_ = enrol(1);
    const auto other = enrol(2);
    save(*device_);
    ASSERT_TRUE(meet(*device_));
    hub_.back_up();
    save(*device_);
    ASSERT_TRUE(meet(*device_));
    ASSERT_TRUE(meet(*other));
    remember(*device_);
    hub_.lose_and_restore();
    {
        store::Txn txn{hub_.ledger->log().db()};  // what the restore command wrote down
        hub_.ledger->log().db().exec("DELETE FROM alarm; DELETE FROM loss");
        hub_.ledger->log().put_setting(hub::kEpochSetting, "0");
        txn.commit();
    }
    hub_.stop();
    hub_.start();
    ASSERT_EQ(hub_.ledger->epoch(), 0u);
    ASSERT_TRUE(meet(*other));  // it never sent a record, but it has a head that the hub signed
    EXPECT_EQ(hub_.ledger->epoch(), 1u);
    EXPECT_EQ(hub_.alarms(store::AlarmKind::kHubFellBack).size(), 1u);
    expect_whole({device_.get(), other.get()});
    EXPECT_EQ(hub_.ledger->epoch(), 1u);
    EXPECT_TRUE(hub_.alarms(store::AlarmKind::kPossibleCopy).empty());
}

TEST_F(FallenHub, AGapStaysOpenUntilItIsFilledOrWrittenOff) {
    ASSERT_NO_FATAL_FAILURE(one_record_before_the_backup_and_one_after());
    hub_.lose_and_restore();
    Meeting cut{*device_, hub_, clock_};
    cut.run(6);
    ASSERT_EQ(hub_.gaps().size(), 1u);
    EXPECT_FALSE(hub_.gaps()[0].closed);
    EXPECT_EQ(hub_.gaps()[0].seq, 2u);
    ASSERT_TRUE(hub_.ledger->write_off(device_->self(), "its disk is broken"));
    EXPECT_EQ(hub_.gaps()[0].how, "its disk is broken");
    EXPECT_FALSE(hub_.ledger->write_off(device_->self(), "again"));
    expect_whole({device_.get()});
}

TEST_F(FallenHub, GoesByReceiptsThatAreEarlierThanWhatACopyBroughtAnew) {
    device_ = enrol(1);
    const auto other = enrol(2);
    save(*device_);
    ASSERT_TRUE(meet(*device_));
    hub_.back_up();
    save(*device_);
    DeviceSite copy{*device_};  // without a receipt for the second record
    ASSERT_TRUE(meet(*device_));
    remember(*device_);
    ASSERT_TRUE(meet(*other));
    clock_.advance(kHour);
    hub_.lose_and_restore();
    ASSERT_TRUE(meet(copy)) << said_;
    ASSERT_TRUE(meet(*other)) << said_;
    EXPECT_TRUE(hub_.alarms(store::AlarmKind::kEarlierReceipts).empty());
    ASSERT_TRUE(meet(*device_)) << said_;
    const auto alarms = hub_.alarms(store::AlarmKind::kEarlierReceipts);
    ASSERT_EQ(alarms.size(), 1u);
    EXPECT_EQ(alarms[0].device, device_->self().device);
    EXPECT_TRUE(alarms[0].detail.starts_with("it has receipts for 1 record, from its record 2 on"))
        << alarms[0].detail;
    // Whoever has looked into it does not hear of it at every session.
    ASSERT_TRUE(hub_.ledger->close_alarm(alarms[0].id, "seen"));
    ASSERT_TRUE(meet(*device_)) << said_;
    const auto after = hub_.alarms(store::AlarmKind::kEarlierReceipts);
    ASSERT_EQ(after.size(), 1u);
    EXPECT_TRUE(after[0].closed);
    EXPECT_EQ(after[0].times, 1);
    expect_whole({device_.get(), &copy, other.get()});

    // It has both receipts now; after another loss the first still counts, whoever comes first.
    hub_.lose_and_restore();
    expect_whole({device_.get(), &copy, other.get()});
    hub_.lose_and_restore();
    expect_whole({other.get(), &copy, device_.get()});
}

TEST_F(FallenHub, WhatNobodyBringsBackIsGoneEverywhere) {
    device_ = enrol(1);
    const auto gone = enrol(2);
    save(*device_);
    ASSERT_TRUE(meet(*device_));
    hub_.back_up();
    const auto only_there = gone->save("of a device that is broken since");
    ASSERT_TRUE(meet(*gone));
    ASSERT_TRUE(meet(*device_));
    ASSERT_TRUE(device_->store->read().client(only_there));
    hub_.lose_and_restore();
    expect_whole({device_.get()});
    EXPECT_FALSE(device_->store->read().client(only_there));
}

}  // namespace
}  // namespace streetlog::test

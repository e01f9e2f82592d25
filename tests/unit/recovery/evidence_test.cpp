#include <fstream>

#include "hub/admin/verify_log.hpp"
#include "hub/ingest/writer.hpp"
#include "sites.hpp"

namespace streetlog::test {
namespace {

/// What was signed once can be checked at any time, by each side alone.
class EvidenceAtRest : public RecoveryTest {
  protected:
    void SetUp() override {
        RecoveryTest::SetUp();
        device_ = enrol(1);
        for (int i = 0; i < 10; ++i) save(*device_);
        ASSERT_TRUE(meet(*device_)) << said_;
    }

    Result<hub::LogCheck> verify_hub() {
        return hub::verify_log(*hub_.log, {}, hub_.key->public_key());
    }

    /// Changes the first receipt the device has.
    void change_receipt(const std::function<void(sync::RunReceipt&)>& change) {
        device_->store.reset();
        {
            auto db = need(store::Db::open(device_->file(),
                                           store::Access::kWrite,
                                           store::Durability::kFull,
                                           store::kAgentApplication));
            auto row = db.prepare("SELECT id, body FROM receipt ORDER BY id LIMIT 1");
            ASSERT_TRUE(row.step());
            const auto id = row.integer(0);
            auto holder = std::get<sync::PushAck>(need(sync::decode_message(row.blob(1))));
            row.reset();
            change(holder.receipts.at(0));
            const auto body = sync::encode_message(holder);
            db.prepare("UPDATE receipt SET body = ?2 WHERE id = ?1")
                .with(id, store::BytesView{body})
                .run();
        }
        device_->store.emplace(need(store::AgentStore::open(device_->file())));
    }

    std::unique_ptr<DeviceSite> device_;
};

TEST_F(EvidenceAtRest, TheDevicesReceiptsAreGoodWithoutTheHub) {
    const auto good = device_->store->verify_evidence();
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_EQ(good->receipts, 3u);
    EXPECT_EQ(good->unsigned_receipts, 0u);
    change_receipt([](sync::RunReceipt& r) { r.received = r.received - Millis{1}; });
    auto bad = device_->store->verify_evidence();
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::kDamaged);
    EXPECT_NE(bad.error().message.find("records from 1 "), std::string::npos)
        << bad.error().message;
    EXPECT_NE(bad.error().message.find("did not sign"), std::string::npos);
    change_receipt([](sync::RunReceipt& r) { r.last_hash[0] ^= 1; });
    bad = device_->store->verify_evidence();
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().message.find("other records"), std::string::npos);
}

TEST_F(EvidenceAtRest, TheHubsLogIsSignedByWhoeverWroteIt) {
    const auto good = verify_hub();
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_EQ(good->unsigned_records, 0u);
    EXPECT_EQ(good->signed_runs, good->runs);
    EXPECT_FALSE(hub::verify_log(*hub_.log, {}, key_from(5).public_key()));
    hub_.ledger->log().db().exec(
        "UPDATE log_run SET signature = (SELECT signature FROM log_run WHERE first_hub = 1) "
        "WHERE first_hub = (SELECT max(first_hub) FROM log_run)");
    const auto bad = verify_hub();
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().message.find("not by its author"), std::string::npos)
        << bad.error().message;
    hub_.ledger->log().db().exec("UPDATE log_run SET signature = x'' WHERE n < 1000");
    EXPECT_EQ(verify_hub()->unsigned_records, hub_.ledger->head().seq.value);
}

TEST_F(EvidenceAtRest, WhatIsInABackupIsToldToTheDevice) {
    EXPECT_EQ(device_->store->read().status()->safe, 0u);
    hub_.back_up();
    {
        store::Txn txn{hub_.ledger->log().db()};
        hub::put_last_backup(hub_.ledger->log(), {clock_.now(), hub_.ledger->head()});
        txn.commit();
    }
    save(*device_);
    ASSERT_TRUE(meet(*device_)) << said_;
    EXPECT_EQ(device_->store->read().status()->safe, 10u);
}

TEST(HighWaterFile, KeepsTheNewestMarkAndIsNotTakenForAnother) {
    TempDir folder;
    NullLogger log;
    const auto file = folder.path() / "mark";
    EXPECT_FALSE(hub::read_high_water(file));
    const hub::HighWater first{store::test::kHub.device, {{7}, sync::Hash{{1}}}, {1'000}};
    hub::HighWater last = first;
    last.head.seq = {9};
    {
        hub::HighWaterFile keeper{file, log};
        keeper.note(first);
        EXPECT_EQ(hub::read_high_water(file), first) << "the first is written at once";
        keeper.note(last);
        EXPECT_EQ(hub::read_high_water(file), first) << "the next within a second waits";
        EXPECT_TRUE(keeper.waits());
        EXPECT_GT(keeper.wait_left().count(), 0);
        keeper.write();
        EXPECT_FALSE(keeper.waits());
    }
    EXPECT_EQ(hub::read_high_water(file), last);
    std::ofstream{file} << "streetlog-high-water-1 zzz";
    EXPECT_FALSE(hub::read_high_water(file));
}

/// A hub may write before anybody says anything, as when it releases what it understands by now.
TEST(HighWaterFile, SaysWhatTheLogWasWhenTheHubStarted) {
    ManualClock clock;
    HubSite hub{clock};
    hub.start();
    const auto self = hub.ledger->self();
    const auto head = hub.ledger->head();
    TempDir folder;
    NullLogger log;
    const auto file = folder.path() / "mark";
    {
        const hub::Writer writer{*std::move(hub.ledger),
                                 {},
                                 [](store::HubHead) {},
                                 std::make_unique<hub::HighWaterFile>(file, log)};
    }
    hub.ledger.reset();
    const auto mark = hub::read_high_water(file);
    ASSERT_TRUE(mark);
    EXPECT_EQ(mark->incarnation, self.incarnation);
    EXPECT_EQ(mark->head, head);
}

TEST(HighWaterFile, OfAnotherHubSaysNothingAboutThisOne) {
    ManualClock clock;
    HubSite hub{clock};
    hub.mark = hub::HighWater{DeviceId{{1, 2, 3}}, {{99}, sync::Hash{{1}}}, {1}};
    hub.start();
    EXPECT_EQ(hub.ledger->epoch(), 0u);
    EXPECT_TRUE(hub.alarms(store::AlarmKind::kHubFellBack).empty());
}

}  // namespace
}  // namespace streetlog::test

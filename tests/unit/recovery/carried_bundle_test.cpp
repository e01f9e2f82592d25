// Bundles that a device brings for one that meets no network: real stores, the programs' own
// sessions, and a line that can be cut behind every message.
#include "sync/session/batch.hpp"
#include "sync/session/bundle.hpp"
#include "tests/unit/recovery/sites.hpp"

namespace streetlog::test {
namespace {

class CarriedBundleTest : public RecoveryTest {
  protected:
    void SetUp() override {
        RecoveryTest::SetUp();
        far_ = enrol(1);
        near_ = enrol(2);
    }

    /// What `device` exports: its records from there on.
    sync::Bytes bundle_of(DeviceSite& device, std::uint64_t first = 1) {
        auto& log = device.store->log();
        const auto head = need(log.head());
        sync::Bundle out{hub_.ledger->self().device, head.replica, clock_.now(), {}};
        for (std::uint64_t next = first; next <= head.last_seq;) {
            auto push = need(sync::read_batch(log, next, {2}));
            next += push.count;
            push.signature = sync::sign_batch(device.key, head.replica, next - 1, push.head_hash);
            out.pushes.push_back(std::move(push));
        }
        return need(sync::write_bundle(out, device.key, hub_.key->public_key()));
    }

    void give(DeviceSite& carrier, const sync::Bytes& bundle) {
        need(carrier.store->carry("far.bundle", bundle, clock_.now()));
    }

    static std::vector<store::CarriedRow> carried(DeviceSite& device) {
        return need(device.store->read().carried());
    }

    std::uint64_t at_hub(const DeviceSite& device) {
        const auto row = hub_.ledger->replica(device.self());
        return row ? row->acked_seq : 0;
    }

    std::unique_ptr<DeviceSite> far_, near_;
};

TEST_F(CarriedBundleTest, ArrivesWithTheFirstDeviceThatMeetsTheHub) {
    for (int i = 0; i < 5; ++i) save(*far_);
    save(*near_);
    give(*near_, bundle_of(*far_));
    clock_.advance(Millis{3'600'000});
    const Instant met = clock_.now();
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 5u);
    EXPECT_TRUE(carried(*near_).empty());
    EXPECT_EQ(need(far_->store->read().status()).unsent, 5u) << "it cannot know yet";

    clock_.advance(Millis{3'600'000});
    ASSERT_TRUE(meet(*far_)) << said_;
    const auto status = need(far_->store->read().status());
    EXPECT_EQ(status.unsent, 0u);
    ASSERT_TRUE(status.last_receipt);
    EXPECT_GE(*status.last_receipt, met);
    EXPECT_LT(*status.last_receipt, met + Millis{60'000});
    expect_whole({far_.get(), near_.get()});
}

TEST_F(CarriedBundleTest, GoesOnWhereTheLineWasCut) {
    for (int cut = 1;; ++cut) {
        save(*far_);
        save(*far_);
        save(*near_);
        give(*near_, bundle_of(*far_, at_hub(*far_) + 1));
        const auto due = saved_.size() * 2 / 3;
        Meeting meeting{*near_, hub_, clock_};
        meeting.run(cut);
        const bool in_step = meeting.in_step();
        if (at_hub(*far_) < due) EXPECT_EQ(carried(*near_).size(), 1u) << cut;
        ASSERT_TRUE(meet(*near_)) << said_ << " after " << cut;
        EXPECT_EQ(at_hub(*far_), due) << cut;
        EXPECT_TRUE(carried(*near_).empty()) << cut;
        if (in_step) break;
    }
    expect_whole({far_.get(), near_.get()});
}

/// A carrier that began anew each time would never get there.
TEST_F(CarriedBundleTest, ALineThatNeverLivesLongCarriesItAllTheSame) {
    for (int i = 0; i < 6; ++i) save(*far_);
    give(*near_, bundle_of(*far_));
    int sessions = 0;
    for (; at_hub(*far_) < 6 && sessions < 100; ++sessions) {
        Meeting meeting{*near_, hub_, clock_};
        meeting.run(24);
        EXPECT_FALSE(meeting.in_step());
    }
    EXPECT_EQ(at_hub(*far_), 6u);
    EXPECT_GT(sessions, 1);
}

TEST_F(CarriedBundleTest, SeveralMayCarryTheSame) {
    for (int i = 0; i < 3; ++i) save(*far_);
    const auto bundle = bundle_of(*far_);
    const auto third = enrol(3);
    give(*near_, bundle);
    give(*near_, bundle);
    give(*third, bundle);
    EXPECT_EQ(carried(*near_).size(), 1u);
    Meeting begun{*near_, hub_, clock_};
    begun.run(22);
    ASSERT_TRUE(meet(*third)) << said_;
    EXPECT_EQ(at_hub(*far_), 3u);
    const auto head = hub_.ledger->head();
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(hub_.ledger->head(), head);
    EXPECT_TRUE(carried(*near_).empty());
    expect_whole({far_.get(), near_.get(), third.get()});
}

TEST_F(CarriedBundleTest, AnAlteredOneIsRefusedAndKeptToBeLookedAt) {
    for (int i = 0; i < 3; ++i) save(*far_);
    save(*near_);
    auto bundle = bundle_of(*far_);
    const auto whole = bundle;
    bundle[bundle.size() / 2] ^= 1;
    give(*near_, bundle);
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 0u);
    EXPECT_EQ(at_hub(*near_), 1u) << "it stands in nobody's way";
    auto rows = carried(*near_);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(rows[0].refused);
    EXPECT_EQ(rows[0].name, "far.bundle");
    EXPECT_FALSE(rows[0].word.empty());

    give(*near_, whole);
    ASSERT_TRUE(meet(*near_)) << said_;
    rows = carried(*near_);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(rows[0].refused);
    EXPECT_EQ(at_hub(*far_), 3u);
    need(near_->store->drop_carried(rows[0].digest));
    EXPECT_TRUE(carried(*near_).empty());
    EXPECT_EQ(near_->store->drop_carried(rows[0].digest).error().code, ErrorCode::kNotFound);
    expect_whole({far_.get(), near_.get()});
}

TEST_F(CarriedBundleTest, WaitsForTheRecordsBeforeIt) {
    save(*far_);
    save(*far_);
    const auto early = bundle_of(*far_);
    save(*far_);
    give(*near_, bundle_of(*far_, 3));
    ASSERT_TRUE(meet(*near_)) << said_;
    auto rows = carried(*near_);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_FALSE(rows[0].refused);
    EXPECT_EQ(rows[0].word, "records 1 to 2 of this device are not here yet");

    const auto third = enrol(3);
    give(*third, early);
    ASSERT_TRUE(meet(*third)) << said_;
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 3u);
    EXPECT_TRUE(carried(*near_).empty());
}

TEST_F(CarriedBundleTest, OfADeviceThatIsNotLetInWaitsForTheOffice) {
    save(*far_);
    give(*near_, bundle_of(*far_));
    hub_.say_of(far_->self().device, 2, far_->key);
    ASSERT_TRUE(meet(*near_)) << said_;
    ASSERT_EQ(carried(*near_).size(), 1u);
    EXPECT_FALSE(carried(*near_)[0].refused);
    hub_.say_of(far_->self().device, 1, far_->key);
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_TRUE(carried(*near_).empty());
    EXPECT_EQ(at_hub(*far_), 1u);
}

TEST_F(CarriedBundleTest, ALapsedCertificateMayCarry) {
    save(*far_);
    give(*near_, bundle_of(*far_));
    near_->lapsed = true;
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 1u);
    EXPECT_TRUE(carried(*near_).empty());
}

/// A hub of before would end the session at the first word of it.
TEST_F(CarriedBundleTest, AHubThatDoesNotKnowThemIsSentNone) {
    save(*far_);
    give(*near_, bundle_of(*far_));
    hub_.takes_carried = false;
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 0u);
    ASSERT_EQ(carried(*near_).size(), 1u);
    hub_.takes_carried = true;
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 1u);
}

TEST_F(CarriedBundleTest, AHubThatIsRestartedInBetweenGoesOn) {
    for (int i = 0; i < 4; ++i) save(*far_);
    give(*near_, bundle_of(*far_));
    Meeting begun{*near_, hub_, clock_};
    begun.run(24);
    hub_.stop();
    hub_.start();
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_EQ(at_hub(*far_), 4u);
    expect_whole({far_.get(), near_.get()});
}

TEST_F(CarriedBundleTest, OnlyBundlesAreCarriedAndNotWithoutEnd) {
    save(*far_);
    const auto bundle = bundle_of(*far_);
    const sync::Bytes letter(500, 'x');
    EXPECT_EQ(near_->store->carry("letter", letter, clock_.now()).error().code,
              ErrorCode::kMalformed);
    give(*near_, bundle);
    auto db = need(store::Db::open(
        near_->file(), store::Access::kWrite, store::Durability::kFull, store::kAgentApplication));
    db.prepare("UPDATE carried SET bytes = ?1").with(store::kCarriedBytesMax - 10).run();
    save(*far_);
    const auto full = near_->store->carry("next.bundle", bundle_of(*far_), clock_.now());
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, ErrorCode::kTooLarge);
    EXPECT_NE(full.error().message.find("next.bundle"), std::string::npos);
    EXPECT_EQ(carried(*near_).size(), 1u);
}

/// Whoever brings one still has it.
TEST_F(CarriedBundleTest, AHubKeepsNoMoreThanItsShareOfWhatIsNotWhole) {
    save(*far_);
    const auto bundle = bundle_of(*far_);
    hub_.carried.emplace(bundle.size() + 10);
    give(*near_, bundle);
    Meeting begun{*near_, hub_, clock_};
    begun.run(22);
    const auto third = enrol(3);
    save(*far_);
    give(*third, bundle_of(*far_));
    ASSERT_TRUE(meet(*third)) << said_;
    EXPECT_EQ(at_hub(*far_), 2u);
    ASSERT_TRUE(meet(*near_)) << said_;
    EXPECT_TRUE(carried(*near_).empty());
}

}  // namespace
}  // namespace streetlog::test

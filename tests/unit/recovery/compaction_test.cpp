// A device that was away while the same things were written over and over is given what they came
// to, not how: the snapshot instead of the log, where that is less.
#include "sync/store/hub_log_schema.hpp"
#include "tests/unit/recovery/sites.hpp"

namespace streetlog::test {
namespace {

class CompactionTest : public RecoveryTest {
  protected:
    void SetUp() override {
        hub_.snapshot_records = 50;
        RecoveryTest::SetUp();
        busy_ = enrol(1);
        away_ = enrol(2);
        busy_->batch_records = 500;
        for (int i = 0; i < 20; ++i) save(*busy_);
        edited_ = save(*busy_);
        EXPECT_TRUE(meet(*busy_));
        EXPECT_TRUE(meet(*away_));
    }

    /// One register, written again and again by who sees it.
    void edit(std::uint64_t times) {
        const auto self = busy_->self();
        std::vector<store::SaveRequest> saves;
        auto next = need(busy_->store->log().head()).last_seq + 1;
        for (; times > 0; --times, ++next) {
            std::vector<sync::Dot> seen;
            if (written_ > 0) seen.push_back({self, written_, 0});
            written_ = next;
            saves.push_back(store::test::save_of(
                {store::test::set_ssn(edited_, std::to_string(100'000'000 + next), seen)},
                clock_.now().ms));
            ++edits_;
        }
        need(busy_->store->save_many(saves));
        ASSERT_TRUE(meet(*busy_)) << said_;
    }

    /// One session of the device that was away; the bytes it was sent.
    std::size_t come_back() {
        Meeting meeting{*away_, hub_, clock_};
        meeting.run();
        EXPECT_TRUE(meeting.in_step());
        loaded_ = meeting.seen<sync::SnapshotPiece>() > 0;
        return meeting.bytes_down();
    }

    void expect_same() {
        const auto hash = hub_.dump_hash();
        EXPECT_EQ(away_->dump_hash(), hash);
        EXPECT_EQ(busy_->dump_hash(), hash);
        need(away_->store->rebuild_state());
        EXPECT_EQ(away_->dump_hash(), hash);
        EXPECT_EQ(hub_.device_records(), saved_.size() + edits_);
    }

    std::unique_ptr<DeviceSite> busy_, away_;
    EntityId edited_;
    std::uint64_t written_ = 0;
    std::uint64_t edits_ = 0;
    bool loaded_ = false;
};

TEST_F(CompactionTest, TenThousandEditsOfOneThingComeAsWhatTheyCameTo) {
    edit(10'000);
    const auto log_bytes = hub_.log->weight().up_to(hub_.log->head().seq);
    ASSERT_TRUE(hub_.make_snapshot());
    save(*away_, "Own");
    const auto sent = come_back();
    EXPECT_TRUE(loaded_);
    EXPECT_LT(sent, log_bytes / 4);
    RecordProperty("log_bytes", std::to_string(log_bytes));
    RecordProperty("bytes_sent", std::to_string(sent));
    ASSERT_TRUE(meet(*busy_)) << said_;
    expect_same();

    // What is written from here on comes run by run.
    edit(100);
    come_back();
    EXPECT_FALSE(loaded_);
    expect_same();
}

TEST_F(CompactionTest, WhoIsALittleBehindReadsOn) {
    edit(2'000);
    ASSERT_TRUE(hub_.make_snapshot());
    ASSERT_GT(come_back(), 0u);
    EXPECT_TRUE(loaded_);
    edit(49);
    come_back();
    EXPECT_FALSE(loaded_) << "fewer records than a snapshot is offered for";
    // More records, but hardly more than what the snapshot with all else in it weighs.
    edit(60);
    EXPECT_FALSE(hub_.make_snapshot());
    come_back();
    EXPECT_FALSE(loaded_);
    expect_same();
}

TEST_F(CompactionTest, MayBeCutBehindEveryMessageAndGoesOnWithIt) {
    for (int i = 0; i < 300; ++i) save(*busy_, "Nameless" + std::to_string(i * 7919));
    edit(3'000);
    ASSERT_TRUE(hub_.make_snapshot());
    bool begun = false;
    for (int cut = 8;; ++cut) {
        save(*away_, "Between");
        const bool loading = away_->store->bootstrap().has_value();
        Meeting meeting{*away_, hub_, clock_};
        meeting.run(cut);
        EXPECT_EQ(need(away_->store->read().status()).saved, static_cast<std::uint64_t>(cut - 7));
        EXPECT_FALSE(loading && meeting.seen<sync::Page>() > 0 &&
                     meeting.seen<sync::SnapshotManifest>() == 0)
            << "it has begun a snapshot and is given the log";
        if (away_->store->bootstrap() && !begun) {
            begun = true;
            // The log grows meanwhile, which must not turn it back.
            edit(30);
        }
        if (meeting.in_step()) break;
        ASSERT_LT(cut, 200);
    }
    EXPECT_TRUE(begun);
    ASSERT_TRUE(meet(*busy_)) << said_;
    ASSERT_TRUE(meet(*away_)) << said_;
    expect_same();
}

TEST_F(CompactionTest, WhoHasBegunWaitsForAnotherWhenTheHubLostTheSnapshot) {
    edit(3'000);
    ASSERT_TRUE(hub_.make_snapshot());
    for (int cut = 8; !away_->store->bootstrap(); ++cut) {
        ASSERT_LT(cut, 60);
        Meeting meeting{*away_, hub_, clock_};
        meeting.run(cut);
    }
    hub_.stop();
    std::filesystem::remove(hub_.path() / "scope-1.snapshot");
    hub_.start();
    need(hub_.projection->catch_up(*hub_.log));
    hub_.shelf->projection_at(hub_.log->head().seq);
    Meeting waiting{*away_, hub_, clock_};
    waiting.run();
    EXPECT_FALSE(waiting.in_step());
    EXPECT_EQ(waiting.seen<sync::Page>(), 0u);
    ASSERT_TRUE(hub_.make_snapshot());
    come_back();
    EXPECT_TRUE(loaded_);
    expect_same();
}

TEST_F(CompactionTest, TheWeightOfALogIsWhatItsRunsWeigh) {
    edit(20'000);
    std::vector<std::pair<HubSeq, std::uint64_t>> places;
    std::uint64_t sum = 0;
    hub_.log->runs_after({}, [&](store::LogRun&& run) {
        sum += run.body.size() + 24 * run.count + 240;
        places.emplace_back(run.last_hub(), sum);
        return true;
    });
    const auto marks = [](store::HubLog& log) {
        auto count = log.db().prepare("SELECT count(*) FROM log_mark");
        EXPECT_TRUE(count.step());
        const auto out = count.integer(0);
        count.reset();
        return out;
    };
    const auto check = [&](store::HubLog& log) {
        EXPECT_GT(marks(log), 1);
        for (const auto& [seq, bytes] : places) EXPECT_EQ(log.weight().up_to(seq), bytes);
    };
    check(*hub_.log);

    // A log that was written by a program that weighed nothing.
    const auto path = hub_.path();
    hub_.stop();
    {
        auto db = need(store::Db::open(
            path / "hub.db", store::Access::kWrite, store::Durability::kFull, store::kHubLogMark));
        db.exec("DROP TABLE log_mark");
        const auto steps = store::hub_log_steps();
        const auto step = std::ranges::find_if(
            steps, [](std::string_view sql) { return sql.contains("log_mark"); });
        ASSERT_NE(step, steps.end());
        db.exec(*step);
    }
    hub_.start();
    check(*hub_.log);
    edit(2'000);
    EXPECT_GT(hub_.log->weight().up_to(hub_.log->head().seq), sum);
}

}  // namespace
}  // namespace streetlog::test

// A commit that fails at each of its operations in turn: memory and disk of the hub agree after it,
// nothing was acknowledged that is not there, and the next attempt goes through.
#include <cstdio>

#include <gtest/gtest.h>

#include "hub/project/hub_projection.hpp"
#include "hub_fixture.hpp"
#include "tests/support/failing_vfs.hpp"

namespace streetlog::hub {
namespace {

using test::FailingVfs;
using Fault = FailingVfs::Fault;

constexpr Fault kFaults[] = {Fault::kIoError, Fault::kFull, Fault::kShortWrite, Fault::kFlushFails};

class CommitTest : public ::testing::TestWithParam<Fault> {
  public:
    struct Office : HubTest {
        void TestBody() override {}

        Office() { SetUp(); }

        /// What a hub started now would know.
        std::optional<Ledger> started_anew() {
            auto ledger = Ledger::open(dir_.path(), clock_);
            EXPECT_TRUE(ledger) << ledger.error().message;
            return ledger ? std::optional{*std::move(ledger)} : std::nullopt;
        }

        using HubTest::clock_;
        using HubTest::device_;
        using HubTest::dir_;
        using HubTest::ledger_;
        using HubTest::push;
        using HubTest::take;
    };

    FailingVfs disk_;
};

TEST_P(CommitTest, OfAGroupAtEveryStep) {
    std::uint64_t step = 1;
    std::uint64_t failures = 0;
    for (;; ++step) {
        Office office;
        Device second{2};
        for (int i = 0; i < 40; ++i) office.device_.save_client();
        for (int i = 0; i < 40; ++i) second.save_client();
        office.take(office.device_.run(1, 10));
        const auto before = office.ledger_->head();
        std::vector<PreparedRun> group;
        group.push_back(office.device_.run(11, 40));
        group.push_back(second.run(1, 40));  // a replica the hub has not met
        FailingVfs::fail(step, GetParam());
        const auto result = office.ledger_->ingest(group);
        const bool struck = FailingVfs::failed();
        FailingVfs::forgive();
        if (!struck) {
            ASSERT_TRUE(result);
            break;
        }
        failures += !result.has_value();
        if (!result) {
            EXPECT_EQ(result.error().code, ErrorCode::kStorage) << result.error().message;
            EXPECT_FALSE(result.error().hint.empty());
            EXPECT_EQ(office.ledger_->head(), before) << "at step " << step;
            EXPECT_FALSE(office.ledger_->replica(second.replica_)) << "at step " << step;
        }
        // Everything once, whatever it met: the same numbers as if nothing had happened.
        EXPECT_EQ(office.take(office.device_.run(11, 40)).acked_seq, 40U);
        const auto last = office.take(second.run(1, 40));
        EXPECT_EQ(last.acked_seq, 40U);
        EXPECT_TRUE(last.exceptions.empty()) << "an id stayed taken at step " << step;
        EXPECT_EQ(office.ledger_->head().seq, HubSeq{80});
        const auto memory = office.ledger_->head();
        const auto replicas = office.ledger_->log().replicas();
        office.ledger_.reset();
        const auto fresh = office.started_anew();
        ASSERT_TRUE(fresh);
        EXPECT_EQ(fresh->head(), memory) << "at step " << step;
        EXPECT_EQ(fresh->replica(second.replica_)->no, replicas.back().no);
    }
    EXPECT_GT(failures, 3U);
    std::printf("a group's commit: %llu operations, each failed once, %llu of them the commit\n",
                static_cast<unsigned long long>(step - 1),
                static_cast<unsigned long long>(failures));
}

TEST_P(CommitTest, OfAGroupFromEveryStepOnUntilTheDiskIsWellAgain) {
    for (std::uint64_t step = 1;; ++step) {
        Office office;
        for (int i = 0; i < 30; ++i) office.device_.save_client();
        office.take(office.device_.run(1, 10));
        const auto before = office.ledger_->head();
        FailingVfs::fail(step, GetParam(), true);
        std::vector<PreparedRun> group;
        group.push_back(office.device_.run(11, 30));
        const auto first = office.ledger_->ingest(group);
        if (!FailingVfs::failed()) break;
        std::vector<PreparedRun> again;
        again.push_back(office.device_.run(11, 30));
        const auto second = office.ledger_->ingest(again);
        const auto meanwhile = office.ledger_->head();
        EXPECT_EQ(meanwhile.seq == before.seq, !first && !second) << "at step " << step;
        FailingVfs::forgive();
        EXPECT_EQ(office.take(office.device_.run(11, 30)).acked_seq, 30U);
        EXPECT_EQ(office.ledger_->head().seq, HubSeq{30});
    }
}

/// Not even what the memory has to be made of again can be read; whoever asks meanwhile is told so.
TEST(CommitOnADeadDisk, GoesOnWhereItWasOnceTheDiskIsWellAgain) {
    FailingVfs disk;
    for (std::uint64_t step = 1;; ++step) {
        CommitTest::Office office;
        for (int i = 0; i < 60; ++i) office.device_.save_client();
        office.take(office.device_.run(1, 40));
        const auto before = office.ledger_->head();
        FailingVfs::die(step);
        std::vector<PreparedRun> group;
        group.push_back(office.device_.run(41, 50));
        const auto first = store::guarded_job([&] { return office.ledger_->ingest(group); });
        if (!FailingVfs::failed()) break;
        std::vector<PreparedRun> again;
        again.push_back(office.device_.run(41, 50));
        const auto second = store::guarded_job([&] { return office.ledger_->ingest(again); });
        if (!first && !second) EXPECT_EQ(office.ledger_->head(), before) << "at step " << step;
        FailingVfs::forgive();
        const auto last = office.take(office.device_.run(41, 60));
        EXPECT_EQ(last.acked_seq, 60U) << "at step " << step;
        EXPECT_TRUE(last.exceptions.empty()) << "at step " << step;
        EXPECT_EQ(office.ledger_->head().seq, HubSeq{60});
    }
}

TEST_P(CommitTest, OfWhatFollowsTheLogAtEveryStep) {
    std::uint64_t step = 1;
    for (;; ++step) {
        Office office;
        for (int i = 0; i < 30; ++i) office.device_.save_client();
        office.push(office.device_);
        auto log = store::HubLog::open(office.dir_.path(), store::Access::kRead);
        auto projection = HubProjection::open(office.dir_.path(), office.ledger_->self().device);
        ASSERT_TRUE(log && projection);
        FailingVfs::fail(step, GetParam());
        const auto followed = projection->catch_up(*log);
        const bool struck = FailingVfs::failed();
        FailingVfs::forgive();
        ASSERT_TRUE(projection->catch_up(*log)) << "at step " << step;
        EXPECT_EQ(projection->at(), HubSeq{30});
        const auto hash = projection->read().dump_hash();
        ASSERT_TRUE(hash);
        ASSERT_TRUE(projection->rebuild(*log));
        const auto rebuilt = projection->read().dump_hash();
        ASSERT_TRUE(rebuilt);
        EXPECT_EQ(*rebuilt, *hash) << "at step " << step;
        if (!struck) {
            EXPECT_TRUE(followed);
            break;
        }
    }
    EXPECT_GT(step, 3U);
}

INSTANTIATE_TEST_SUITE_P(, CommitTest, ::testing::ValuesIn(kFaults));

}  // namespace
}  // namespace streetlog::hub

#include "hub/ingest/ledger.hpp"

#include <gtest/gtest.h>

#include "hub_fixture.hpp"

namespace streetlog::hub {
namespace {

class LedgerTest : public HubTest {};

TEST_F(LedgerTest, GivesConsecutiveHubSequencesAndReceipts) {
    for (int i = 0; i < 5; ++i) device_.save_client();
    const auto result = take(device_.run(1, 5));
    EXPECT_EQ(result.outcome, IngestResult::Outcome::kStored);
    EXPECT_EQ(result.acked_seq, 5U);
    ASSERT_EQ(result.receipts.size(), 1U);
    EXPECT_EQ(result.receipts[0].receipt.of(4).place, (sync::Place{clock_.now(), {5}}));
    EXPECT_EQ(ledger_->head().seq, HubSeq{5});
}

TEST_F(LedgerTest, SendingAgainChangesNothingAndKeepsTheReceipt) {
    for (int i = 0; i < 5; ++i) device_.save_client();
    const auto first = take(device_.run(1, 3));
    clock_.advance(std::chrono::hours{30});
    const auto again = take(device_.run(1, 3));
    EXPECT_EQ(again.acked_seq, 3U);
    ASSERT_EQ(again.receipts.size(), 1U);
    EXPECT_EQ(again.receipts[0].receipt, first.receipts[0].receipt);
    const auto overlap = take(device_.run(2, 5));
    EXPECT_EQ(overlap.acked_seq, 5U);
    EXPECT_EQ(ledger_->head().seq, HubSeq{5});
    EXPECT_EQ(overlap.receipts.back().receipt.of(0).place.received, clock_.now());
}

TEST_F(LedgerTest, LearnsADeviceAsTheHubLastWroteOfIt) {
    namespace col = hud::col::hub_device;
    test::SeededRandom random{9};
    const auto id = random.id<DeviceId>();
    const sync::PublicKey key{1, 2, 3};
    const auto write = [&](sync::OpKind kind, std::int64_t state) {
        const auto written =
            ledger_->author({},
                            {{.entity = {id.bytes},
                              .kind = kind,
                              .table = hud::tbl::kHubDevice,
                              .group = hud::grp::kHubDeviceRegistration,
                              .cells = {{col::kName, std::string{"tablet"}},
                                        {col::kState, state},
                                        {col::kPublicKey, sync::Bytes{key.begin(), key.end()}},
                                        {col::kApprovedUntil, std::int64_t{77}}}}});
        EXPECT_TRUE(written);
        return written ? *written : sync::RecordKey{};
    };
    write(sync::OpKind::kCreate, 1);
    const auto last = write(sync::OpKind::kSetGroup, 2);
    const auto row = ledger_->log().device(id);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->name, "tablet");
    EXPECT_EQ(row->state, 2);
    EXPECT_EQ(row->public_key, key);
    EXPECT_EQ(row->approved_until, Instant{77});
    EXPECT_EQ(row->written.record(), last);
    EXPECT_EQ(ledger_->log().devices().size(), 1U);
    EXPECT_FALSE(ledger_->log().device(random.id<DeviceId>()));
}

TEST_F(LedgerTest, AGapIsNamedAndNothingIsStored) {
    for (int i = 0; i < 5; ++i) device_.save_client();
    const auto result = take(device_.run(3, 5));
    EXPECT_EQ(result.outcome, IngestResult::Outcome::kGap);
    EXPECT_EQ(result.acked_seq, 0U);
    EXPECT_EQ(ledger_->head().seq, HubSeq{0});
}

/// The first that a device brings may be of no use, so that the hub keeps nothing of it.
TEST_F(LedgerTest, NoTwoReplicasGetOneNumberAfterARestart) {
    Device second{2};
    Device third{3};
    for (auto* device : {&device_, &second, &third})
        for (int i = 0; i < 2; ++i) device->save_client();
    EXPECT_EQ(take(device_.run(2, 2)).outcome, IngestResult::Outcome::kGap);
    EXPECT_EQ(take(second.run(1, 1)).acked_seq, 1U);
    reopen();
    EXPECT_EQ(take(third.run(1, 2)).acked_seq, 2U);
    reopen();
    EXPECT_EQ(take(second.run(1, 2)).acked_seq, 2U);
    EXPECT_EQ(take(third.run(1, 2)).acked_seq, 2U);
}

TEST_F(LedgerTest, AnotherContentUnderAKnownNumberIsAFork) {
    device_.save_client();
    device_.save_client();
    Device twin{device_, 99};
    device_.save_client();
    twin.save_client();
    EXPECT_EQ(take(device_.run(1, 3)).outcome, IngestResult::Outcome::kStored);
    EXPECT_EQ(take(twin.run(2, 3)).outcome, IngestResult::Outcome::kForked);
    twin.save_client();
    EXPECT_EQ(take(twin.run(4, 4)).outcome, IngestResult::Outcome::kForked);
}

TEST_F(LedgerTest, ATakenIdIsQuarantinedAndBlocksNothing) {
    const auto id = device_.save_client();
    take(device_.run(1, 1));
    Device other{2};
    other.save({{.entity = id, .kind = sync::OpKind::kCreate, .table = hud::tbl::kClient}});
    other.save_client();
    const auto result = take(other.run(1, 2));
    EXPECT_EQ(result.acked_seq, 2U);
    ASSERT_EQ(result.exceptions.size(), 1U);
    EXPECT_EQ(result.exceptions[0].code, sync::StatusCode::kIdTaken);
    EXPECT_EQ(result.exceptions[0].seq, 1U);
}

TEST_F(LedgerTest, WhatOnlyTheHubMayWriteIsQuarantined) {
    device_.save({{.entity = device_.random_.id<EntityId>(),
                   .kind = sync::OpKind::kLink,
                   .table = hud::tbl::kClientLink,
                   .group = hud::grp::kClientLinkAssertion}});
    device_.save({{.entity = device_.random_.id<EntityId>(),
                   .kind = sync::OpKind::kSetGroup,
                   .table = hud::tbl::kHubDevice,
                   .group = hud::grp::kHubDeviceRegistration}});
    const auto result = take(device_.run(1, 2));
    ASSERT_EQ(result.exceptions.size(), 2U);
    EXPECT_EQ(result.exceptions[0].code, sync::StatusCode::kUnauthorised);
    EXPECT_EQ(result.exceptions[1].code, sync::StatusCode::kUnauthorised);
}

TEST_F(LedgerTest, AnUnknownGroupHoldsTheWholeRecord) {
    const auto id = device_.random_.id<EntityId>();
    device_.save({{.entity = id, .kind = sync::OpKind::kCreate, .table = hud::tbl::kClient},
                  {.entity = id, .kind = sync::OpKind::kSetGroup, .table = 9999, .group = 7777}});
    const auto result = take(device_.run(1, 1));
    ASSERT_EQ(result.exceptions.size(), 1U);
    EXPECT_EQ(result.exceptions[0].status, sync::RecordStatus::kHeld);
    EXPECT_FALSE(ledger_->taken(id));
}

TEST_F(LedgerTest, OpsThatWriteToNoTableAreNotHeld) {
    sync::Op rule;
    rule.kind = sync::OpKind::kRule;
    rule.cells = {{3, std::int64_t{2}}, {4, std::int64_t{3'600'000}}};
    EXPECT_TRUE(ledger_->author({}, {rule}));
    EXPECT_TRUE(ledger_->author(
        {}, {sync::verdict_op({{device_.replica_, 1}, sync::VerdictAct::kReject})}));
}

TEST_F(LedgerTest, EverythingIsThereAfterReopening) {
    const auto id = device_.save_client();
    device_.save_client();
    take(device_.run(1, 2));
    const auto head = ledger_->head();
    const auto self = ledger_->self();
    reopen();
    EXPECT_EQ(ledger_->head(), head);
    EXPECT_TRUE(ledger_->taken(id));
    EXPECT_EQ(ledger_->replica(device_.replica_)->acked_seq, 2U);
    EXPECT_GE(ledger_->self().incarnation, self.incarnation);
    clock_.advance(std::chrono::hours{-5});
    device_.save_client();
    const auto result = take(device_.run(3, 3));
    ASSERT_EQ(result.receipts.size(), 1U);
    EXPECT_GE(result.receipts[0].receipt.first.received, clock_.now() + std::chrono::hours{5});
}

TEST_F(LedgerTest, AFailedCommitLeavesMemoryAndDiskAgreeing) {
    for (int i = 0; i < 400; ++i) device_.save_client();
    take(device_.run(1, 10));
    ledger_->log().db().exec("PRAGMA max_page_count=1");
    std::vector<PreparedRun> group;
    group.push_back(device_.run(11, 400));
    const auto failed = ledger_->ingest(group);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::kStorage);
    EXPECT_EQ(ledger_->head().seq, HubSeq{10});
    EXPECT_EQ(ledger_->replica(device_.replica_)->acked_seq, 10U);
    ledger_->log().db().exec("PRAGMA max_page_count=1000000");
    const auto result = take(device_.run(11, 400));
    EXPECT_EQ(result.acked_seq, 400U);
    EXPECT_TRUE(result.exceptions.empty()) << "an id stayed taken by a group that did not commit";
}

TEST_F(LedgerTest, AReplicaThatAFailedCommitNumberedIsNotTakenForTheNextOne) {
    for (int i = 0; i < 400; ++i) device_.save_client();
    take(device_.run(1, 10));
    Device lost{2};
    Device next{3};
    lost.save_client();
    next.save_client();
    ledger_->log().db().exec("PRAGMA max_page_count=1");
    std::vector<PreparedRun> group;
    group.push_back(lost.run(1, 1));
    group.push_back(device_.run(9, 400));  // overlaps, so the log is asked for the old records
    ASSERT_FALSE(ledger_->ingest(group));
    ledger_->log().db().exec("PRAGMA max_page_count=1000000");
    take(next.run(1, 1));
    take(lost.run(1, 1));
    EXPECT_EQ(take(lost.run(1, 1)).outcome, IngestResult::Outcome::kStored);
    EXPECT_EQ(ledger_->log().run_of(lost.replica_, 1)->first_hub, HubSeq{12});
}

TEST_F(LedgerTest, TheHubsOwnActsAreRecordsOfItsReplica) {
    const auto user = device_.random_.id<EntityId>();
    const auto key = ledger_->author(
        {},
        {{.entity = user, .kind = sync::OpKind::kCreate, .table = hud::tbl::kHubUser, .group = 0}});
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->replica, ledger_->self());
    EXPECT_EQ(key->seq, 1U);
    const auto twice = ledger_->author(
        {},
        {{.entity = user, .kind = sync::OpKind::kCreate, .table = hud::tbl::kHubUser, .group = 0}});
    EXPECT_FALSE(twice);
}

TEST_F(LedgerTest, ManyActsOfTheHubAreCutToRunsThatFitAMessage) {
    constexpr std::size_t kActs = 1'200;
    std::vector<std::pair<sync::Header, std::vector<sync::Op>>> drafts;
    for (std::size_t i = 0; i < kActs; ++i) {
        sync::Op op{.entity = device_.random_.id<EntityId>(),
                    .kind = sync::OpKind::kCreate,
                    .table = hud::tbl::kHubUser,
                    .group = 0};
        drafts.emplace_back(sync::Header{}, std::vector{std::move(op)});
    }
    const auto keys = ledger_->author_all(std::move(drafts));
    ASSERT_TRUE(keys) << keys.error().message;
    ASSERT_EQ(keys->size(), kActs);
    EXPECT_EQ(keys->back().seq, kActs);
    std::uint64_t records = 0;
    ledger_->log().runs_after({0}, [&](store::LogRun&& run) {
        EXPECT_EQ(run.first_seq, records + 1);
        EXPECT_LE(run.count, 500U);
        EXPECT_LE(run.raw_bytes, 256U * 1024);
        records += run.count;
        return true;
    });
    EXPECT_EQ(records, kActs);
}

}  // namespace
}  // namespace streetlog::hub

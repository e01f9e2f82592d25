#include "sync/session/earlier.hpp"

#include "hub/desk/desk.hpp"
#include "hub/feed/page_reader.hpp"
#include "hub_fixture.hpp"

/// Receipts that records had before the log gave them others, as after a loss.
namespace streetlog::hub {
namespace {

using std::chrono::hours;

class EarlierTest : public HubTest {
  protected:
    void SetUp() override {
        HubTest::SetUp();
        auto log = store::HubLog::open(dir_.path(), store::Access::kRead);
        auto pages = store::HubLog::open(dir_.path(), store::Access::kRead);
        auto projection = HubProjection::open(dir_.path(), ledger_->self().device);
        ASSERT_TRUE(log && pages && projection);
        pages_.emplace(*std::move(pages));
        follower_.emplace(*std::move(projection), *std::move(log), [this](Drafts drafts) {
            return ledger_->author_all(std::move(drafts));
        });
    }

    boost::json::object ask(std::string_view command, const boost::json::object& arguments = {}) {
        auto answer =
            Desk{*follower_, device_.random_, [](const std::string&) {}}.run(command, arguments);
        EXPECT_TRUE(answer) << answer.error().message;
        return answer.value_or(boost::json::object{});
    }

    std::string dump() { return std::string{ask("dump").at("dump_hash").as_string()}; }

    /// Verdicts of lateness, late ones first.
    std::string verdicts() {
        std::string out;
        for (const auto& row : ask("late", {{"which", "all"}}).at("records").as_array())
            out += std::string{row.at("verdict").as_string()} + ' ';
        return out;
    }

    /// What the hub gave the records before it forgot.
    sync::RunReceipt given(std::uint64_t first, std::uint64_t last, Instant received) const {
        sync::RunReceipt out;
        out.replica = device_.replica_;
        out.first_seq = first;
        out.last_seq = last;
        out.last_hash = device_.chain_[last - 1];
        out.received = received;
        out.first_hub_seq = {100 + first};
        for (auto seq = first; seq <= last; ++seq)
            out.times.push_back(
                {HlcStamp{static_cast<std::uint64_t>(received.ms) << 16}, {received, received}});
        out.signature = sync::Bytes(64, 7);
        return out;
    }

    std::size_t adopt(const std::vector<sync::RunReceipt>& receipts) {
        auto adopted = ledger_->adopt_earlier(receipts);
        EXPECT_TRUE(adopted);
        return adopted.value_or(0);
    }

    std::vector<sync::PageRun> runs_for(const sync::Replica& reader, HubSeq after) {
        const auto at = pages_->log().run_at(after);
        auto page =
            pages_->read(kScopeAll, {after, at ? at->hub_hash : sync::Hash{}, {}}, 1 << 20, reader);
        EXPECT_TRUE(page);
        return page ? std::move(page->runs) : std::vector<sync::PageRun>{};
    }

    static sync::Header typed_at(Instant when) {
        sync::Header header;
        header.kind = sync::EventKind::kIntake;
        header.source = sync::TimeSource::kTyped;
        header.occurred = when;
        return header;
    }

    EntityId save() {
        const auto id = device_.random_.id<EntityId>();
        device_.save(typed_at(clock_.now()),
                     {{.entity = id,
                       .kind = sync::OpKind::kCreate,
                       .table = hud::tbl::kClient,
                       .group = hud::grp::kClientName,
                       .cells = {{hud::col::client::kFirstName, std::string{"Ann"}}}}});
        return id;
    }

    std::optional<Follower> follower_;
    std::optional<PageReader> pages_;
};

TEST_F(EarlierTest, TheOpSaysWhatItWasMadeOf) {
    save();
    save();
    const auto receipt = given(1, 2, clock_.now());
    const auto op = sync::earlier_op(receipt);
    const auto record = sync::decode(sync::view_of(sync::encode({sync::Header{}, {op}})));
    ASSERT_TRUE(record);
    EXPECT_EQ(sync::earlier_of(record->ops[0]), receipt);
    for (std::size_t i = 0; i < op.cells.size(); ++i) {
        auto other = op;
        other.cells[i].value = sync::Absent{};
        EXPECT_FALSE(sync::earlier_of(other)) << "without cell " << i + 1;
    }
    auto fewer = op;
    fewer.cells[3].value = std::int64_t{3};
    EXPECT_FALSE(sync::earlier_of(fewer)) << "three records, two receipts";
}

TEST_F(EarlierTest, ARecordThatWasHereInTimeIsOnTimeAgain) {
    const Instant met = clock_.now();
    const auto id = save();
    save();
    clock_.advance(hours{30});
    push(device_);
    EXPECT_EQ(verdicts(), "late late ");
    ASSERT_EQ(adopt({given(1, 1, met + hours{1})}), 1U);
    EXPECT_EQ(verdicts(), "late on_time ");
    const auto state = follower_->projection().read().load(id);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->first, (sync::Place{met + hours{1}, {101}}));
    const auto before = dump();
    EXPECT_EQ(ask("rebuild").at("dump_hash").as_string(), before);
    EXPECT_EQ(verdicts(), "late on_time ");
}

TEST_F(EarlierTest, OnlyWhatIsEarlierAndOfTheseRecordsCounts) {
    const Instant met = clock_.now();
    save();
    save();
    clock_.advance(hours{30});
    push(device_);
    EXPECT_EQ(adopt({given(1, 2, clock_.now() + hours{1})}), 0U) << "later";
    auto other = given(1, 2, met + hours{1});
    other.last_hash[0] ^= 1;
    EXPECT_EQ(adopt({other}), 0U) << "of other records";
    save();
    EXPECT_EQ(adopt({given(1, 3, met + hours{1})}), 0U) << "of more than there is";
    EXPECT_EQ(adopt({given(1, 2, met + hours{2})}), 1U);
    EXPECT_EQ(adopt({given(1, 2, met + hours{2})}), 0U) << "said already";
    EXPECT_EQ(adopt({given(1, 2, met + hours{1})}), 1U) << "earlier still";
    EXPECT_EQ(verdicts(), "on_time on_time ");
}

TEST_F(EarlierTest, ItComesBackAfterAnotherLossAndCountsWhereItsRecordsStandBeforeIt) {
    const Instant met = clock_.now();
    save();
    const auto op = sync::earlier_op(given(1, 1, met + hours{1}));
    clock_.advance(hours{30});
    ASSERT_TRUE(ledger_->author({}, {op})) << "offered by another device before the record is here";
    push(device_);
    EXPECT_EQ(verdicts(), "late ");
    const auto before = dump();
    EXPECT_EQ(ask("rebuild").at("dump_hash").as_string(), before);
    EXPECT_EQ(adopt({given(1, 1, met + hours{1})}), 1U);
    EXPECT_EQ(verdicts(), "on_time ");
}

TEST_F(EarlierTest, PagesBringTheRecordsAgainToOthersAndTheReceiptsToTheirAuthor) {
    const Instant met = clock_.now();
    for (int i = 0; i < 5; ++i) save();
    clock_.advance(hours{30});
    take(device_.run(1, 3));
    take(device_.run(4, 5));
    const auto head = ledger_->head().seq;
    ASSERT_EQ(adopt({given(2, 4, met + hours{1})}), 1U);
    const auto others = runs_for({DeviceId{}, 1}, head);
    ASSERT_EQ(others.size(), 3U);
    EXPECT_EQ(others[0].receipt.replica, ledger_->self());
    EXPECT_EQ(others[1].receipt.first_seq, 2U);
    EXPECT_EQ(others[1].receipt.last_seq, 3U);
    EXPECT_EQ(others[1].receipt.first_hub_seq.value, 102U);
    EXPECT_EQ(others[1].receipt.last_hash, device_.chain_[2]);
    EXPECT_EQ(others[1].hub_seq.value, 2U);
    EXPECT_EQ(others[2].receipt.first_seq, 4U);
    EXPECT_EQ(others[2].receipt.last_seq, 4U);
    EXPECT_EQ(others[2].receipt.first_hub_seq.value, 104U);
    EXPECT_EQ(others[2].hub_seq.value, 4U);
    EXPECT_EQ(runs_for(device_.replica_, head).size(), 1U);
}

TEST_F(EarlierTest, WhatIsSetAsideStaysSetAsideUntilItIsReleased) {
    const Instant met = clock_.now();
    const auto id = save();
    ledger_->set_admit([](const PreparedRun& run, const sync::RecordShape&) {
        return run.authored_here ? sync::StatusCode::kNone : sync::StatusCode::kUnauthorised;
    });
    clock_.advance(hours{30});
    push(device_);
    const auto head = ledger_->head().seq;
    ASSERT_EQ(adopt({given(1, 1, met + hours{1})}), 1U);
    const auto again = runs_for({DeviceId{}, 1}, head);
    ASSERT_EQ(again.size(), 2U);
    EXPECT_EQ(again[1].hidden.size(), 1U);
    EXPECT_EQ(verdicts(), "on_time ");
    EXPECT_TRUE(follower_->projection().read().load(id).value().registers.empty());

    ASSERT_TRUE(ledger_->author(
        {}, {sync::verdict_op({{device_.replica_, 1}, sync::VerdictAct::kRelease})}));
    const auto before = dump();
    const auto state = follower_->projection().read().load(id);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->first, (sync::Place{met + hours{1}, {101}}));
    EXPECT_EQ(ask("rebuild").at("dump_hash").as_string(), before);
    const auto both = runs_for({DeviceId{}, 1}, head);
    ASSERT_EQ(both.size(), 4U);
    EXPECT_TRUE(both[3].hidden.empty());
    EXPECT_EQ(both[3].receipt.received, met + hours{1});
}

}  // namespace
}  // namespace streetlog::hub

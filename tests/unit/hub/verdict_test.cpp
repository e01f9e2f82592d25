// A reviewer's word on a quarantined record, and what it does at the hub, at the author's device
// and at the others.
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "hub/desk/desk.hpp"
#include "schema/hud/fields.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/numbered_id.hpp"
#include "tests/support/office.hpp"

namespace streetlog::hub {
namespace {

using namespace streetlog::test;
using sync::VerdictAct;

constexpr sync::RegisterId kSsn{hud::tbl::kClient, hud::grp::kClientSsn};

const DeviceId kHub = id_of<DeviceId>(0xdb, 1);
const EntityId kClient = id_of(0xc1, 1);

store::AgentSettings settings_of(Byte n) {
    store::AgentSettings out;
    out.self = {id_of<DeviceId>(0xde, n), 1};
    out.hub = kHub;
    return out;
}

class VerdictTest : public testing::Test {
  protected:
    store::AgentStore agent(Byte n) {
        const auto name = "agent" + std::to_string(made_++) + ".db";
        return need(store::AgentStore::create(dir_.path() / name, settings_of(n)));
    }

    static void save(store::AgentStore& agent, std::vector<sync::Op> ops) {
        store::SaveRequest request;
        request.header.recorded = {1'000};
        request.ops = std::move(ops);
        need(agent.save(request));
    }

    static sync::Op create() {
        sync::Op op{kClient, sync::OpKind::kCreate, hud::tbl::kClient, hud::grp::kClientName};
        op.cells = {{hud::col::client::kFirstName, std::string{"Rosa"}}};
        return op;
    }

    static sync::Op set_ssn(std::string digits) {
        sync::Op op{kClient, sync::OpKind::kSetGroup, kSsn.table, kSsn.group};
        op.cells = {{hud::col::client::kSSN, std::move(digits)},
                    {hud::col::client::kSSNDataQuality, std::int64_t{1}}};
        return op;
    }

    /// The author made a client, then an SSN that the hub sets aside; everybody knows so far.
    void quarantine_an_ssn(sync::StatusCode code = sync::StatusCode::kUnauthorised) {
        hub_.ledger.set_admit([code](const PreparedRun&, const sync::RecordShape& shape) {
            return shape.header.seq == 2 ? code : sync::StatusCode::kNone;
        });
        save(author_, {create()});
        save(author_, {set_ssn("123456789")});
        while (hub_.push(author_)) {
        }
        hub_.ledger.set_admit({});
        hub_.pull(author_);
        hub_.pull(other_);
        need(author_.stamp_receipts(100));
    }

    void say(VerdictAct act) {
        need(hub_.ledger.author({}, {sync::verdict_op({{author_.settings().self, 2}, act})}));
        clock_.advance(Millis{1000});
    }

    Result<boost::json::object> desk(std::string_view command, boost::json::object arguments = {}) {
        Follower follower{std::move(hub_.projection),
                          need(store::HubLog::open(hub_.path(), store::Access::kRead)),
                          [&](Drafts drafts) { return hub_.ledger.author_all(std::move(drafts)); }};
        SeededRandom random{1};
        auto answer = Desk{follower, random, [](std::string) {}}.run(command, arguments);
        hub_.projection = std::move(follower.projection());
        return answer;
    }

    static std::string ssn_at(store::EntityReader& reader) {
        return need(reader.client(kClient)).ssn;
    }

    /// Hub and all devices hold the same, also when made anew.
    void expect_agreement() {
        const auto hash = hub_.dump_hash();
        need(hub_.projection.rebuild(hub_.log));
        EXPECT_EQ(hub_.dump_hash(), hash);
        for (auto* one : {&author_, &other_}) {
            EXPECT_EQ(need(one->dump_hash()), hash);
            need(one->rebuild_state());
            EXPECT_EQ(need(one->dump_hash()), hash);
            need(one->read_anew(kScopeAll));
            hub_.pull(*one);
            EXPECT_EQ(need(one->dump_hash()), hash);
            need(one->rebuild_state());
            EXPECT_EQ(need(one->dump_hash()), hash);
        }
        auto fresh = agent(9);
        hub_.pull(fresh);
        EXPECT_EQ(need(fresh.dump_hash()), hash);
    }

    TempDir dir_;
    int made_ = 0;
    ManualClock clock_;
    OfficeHub hub_{clock_, kHub};
    store::AgentStore author_ = agent(1);
    store::AgentStore other_ = agent(2);
};

TEST_F(VerdictTest, AReleasedRecordTakesEffectEverywhereUnderItsFirstReceipt) {
    quarantine_an_ssn();
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "");
    EXPECT_EQ(ssn_at(other_.read()), "");
    EXPECT_EQ(ssn_at(author_.read()), "123456789");
    EXPECT_EQ(author_.read().status()->quarantined, 1u);
    const auto place = hub_.log.run_of(author_.settings().self, 2)->receipt.of(1).place;

    clock_.advance(std::chrono::hours{2});
    say(VerdictAct::kRelease);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "123456789");
    hub_.pull(other_);
    EXPECT_EQ(ssn_at(other_.read()), "123456789");
    const auto state = need(other_.read().load(kClient));
    EXPECT_EQ(state.registers.at(kSsn).siblings.front().receipt->place, place);
    hub_.pull(author_);
    need(author_.stamp_receipts(100));
    EXPECT_TRUE(author_.read().refused()->empty());
    EXPECT_EQ(author_.read().status()->quarantined, 0u);
    EXPECT_EQ(ssn_at(author_.read()), "123456789");
    expect_agreement();
}

TEST_F(VerdictTest, ARejectedRecordStaysHiddenAndLeavesItsAuthorsScreen) {
    quarantine_an_ssn();
    say(VerdictAct::kReject);
    hub_.pull(author_);
    hub_.pull(other_);
    need(author_.stamp_receipts(100));
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "");
    EXPECT_EQ(ssn_at(author_.read()), "");
    EXPECT_TRUE(author_.read().refused()->front().rejected);
    expect_agreement();
}

TEST_F(VerdictTest, OfTwoVerdictsReleaseWinsWhicheverCameFirst) {
    quarantine_an_ssn();
    say(VerdictAct::kRelease);
    say(VerdictAct::kReject);
    hub_.pull(author_);
    hub_.pull(other_);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "123456789");
    EXPECT_EQ(ssn_at(other_.read()), "123456789");
    expect_agreement();
}

TEST_F(VerdictTest, AVerdictIsNotAnticipatedInThePagesBeforeIt) {
    quarantine_an_ssn();
    const auto before = need(other_.dump_hash());
    say(VerdictAct::kRelease);
    auto fresh = agent(9);
    need(fresh.apply_page(hub_.page_for(fresh, 1), {1}));  // one run
    need(fresh.apply_page(hub_.page_for(fresh, 1), {1}));
    hub_.pull(fresh, 1);
    hub_.pull(other_);
    EXPECT_EQ(need(fresh.dump_hash()), need(other_.dump_hash()));

    auto half = agent(8);
    auto page = need(hub_.pages.read(kScopeAll, {}, 1, half.settings().self));
    ASSERT_EQ(page.runs.size(), 1u);
    need(half.apply_page(page, {1}));
    EXPECT_EQ(ssn_at(half.read()), "");
    EXPECT_EQ(need(half.dump_hash()), before);
}

TEST_F(VerdictTest, ARecordThatComesBackAfterItsReleaseIsInForceAtOnce) {
    // As after a restore: a device gave the hub its verdict back before the author came.
    say(VerdictAct::kRelease);
    quarantine_an_ssn();
    EXPECT_EQ(ssn_at(other_.read()), "123456789");
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "123456789");
    EXPECT_TRUE(author_.read().refused()->empty());
    expect_agreement();
}

TEST_F(VerdictTest, AnIdThatAReleasedRecordMintedIsTaken) {
    hub_.ledger.set_admit([](const PreparedRun&, const sync::RecordShape&) {
        return sync::StatusCode::kUnauthorised;
    });
    save(author_, {create()});
    hub_.push(author_);
    hub_.ledger.set_admit({});
    EXPECT_FALSE(hub_.ledger.taken(kClient));
    need(hub_.ledger.author(
        {}, {sync::verdict_op({{author_.settings().self, 1}, VerdictAct::kRelease})}));
    EXPECT_TRUE(hub_.ledger.taken(kClient));
    save(other_, {create()});
    hub_.push(other_);
    hub_.pull(other_);
    ASSERT_EQ(other_.read().refused()->size(), 1u);
    EXPECT_EQ(other_.read().refused()->front().code, sync::StatusCode::kIdTaken);
    hub_.pull(author_);
    expect_agreement();
}

TEST_F(VerdictTest, OnlyTheHubMayGiveAVerdict) {
    quarantine_an_ssn();
    save(other_, {sync::verdict_op({{author_.settings().self, 2}, VerdictAct::kRelease})});
    hub_.push(other_);
    hub_.pull(other_);
    hub_.pull(author_);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "");
    EXPECT_EQ(other_.read().refused()->front().code, sync::StatusCode::kUnauthorised);
    expect_agreement();
}

TEST_F(VerdictTest, TheDeskListsWhatWasSetAsideAndReleasesIt) {
    quarantine_an_ssn();
    auto rows = need(desk("quarantine")).at("records").as_array();
    ASSERT_EQ(rows.size(), 1u);
    const auto& row = rows[0].as_object();
    EXPECT_EQ(row.at("hub_seq").to_number<int>(), 2);
    EXPECT_EQ(row.at("seq").to_number<int>(), 2);
    EXPECT_EQ(row.at("device").as_string(), to_string(author_.settings().self.device).c_str());
    EXPECT_EQ(row.at("status").as_string(), "quarantined");
    EXPECT_EQ(row.at("why").as_string(), "its author may not write this");
    EXPECT_EQ(row.at("verdict").as_string(), "open");

    EXPECT_EQ(desk("quarantine release", {{"HUB_SEQ", 1}}).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(desk("quarantine release").error().code, ErrorCode::kUsage);
    EXPECT_EQ(need(desk("quarantine reject", {{"HUB_SEQ", 2}})).at("verdict").as_string(),
              "rejected");
    EXPECT_EQ(desk("quarantine reject", {{"HUB_SEQ", 2}}).error().code, ErrorCode::kConflict);
    EXPECT_EQ(need(desk("quarantine release", {{"HUB_SEQ", 2}})).at("verdict").as_string(),
              "released");
    EXPECT_EQ(desk("quarantine reject", {{"HUB_SEQ", 2}}).error().code, ErrorCode::kConflict);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "123456789");
    hub_.pull(author_);
    hub_.pull(other_);
    expect_agreement();
}

TEST_F(VerdictTest, WhatAnEarlierVersionHeldTakesEffectOnceTheHubUnderstandsIt) {
    quarantine_an_ssn(sync::StatusCode::kNewerSchema);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "");
    EXPECT_EQ(ssn_at(other_.read()), "");
    EXPECT_EQ(ssn_at(author_.read()), "123456789");  // its author's screen goes on showing it
    EXPECT_EQ(author_.read().status()->held_by_hub, 1U);
    expect_agreement();

    EXPECT_EQ(need(hub_.ledger.release_understood()), 1U);
    EXPECT_EQ(need(hub_.ledger.release_understood()), 0U);
    clock_.advance(Millis{1000});
    hub_.pull(author_);
    hub_.pull(other_);
    need(author_.stamp_receipts(100));
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(hub_.projection.read()), "123456789");
    EXPECT_EQ(ssn_at(other_.read()), "123456789");
    EXPECT_EQ(author_.read().status()->held_by_hub, 0U);
    expect_agreement();
}

TEST_F(VerdictTest, WhatIsNotUnderstoodEitherStaysHeld) {
    sync::Op op{kClient, sync::OpKind::kSetGroup, kSsn.table, 60'000};
    op.cells = {{1, std::int64_t{1}}};
    save(author_, {create()});
    save(author_, {op});
    save(author_, {set_ssn("123456789")});  // nothing is blocked by it
    while (hub_.push(author_)) {
    }
    EXPECT_EQ(need(hub_.ledger.release_understood()), 0U);
    hub_.pull(author_);
    hub_.pull(other_);
    hub_.dump_hash();
    EXPECT_EQ(ssn_at(other_.read()), "123456789");
    EXPECT_EQ(author_.read().status()->held_by_hub, 1U);
    EXPECT_EQ(desk("quarantine release", {{"HUB_SEQ", 2}}).error().code, ErrorCode::kConflict);
}

TEST_F(VerdictTest, WhatIsUnderstoodAndCreatesATakenIdWaitsForAPerson) {
    hub_.ledger.set_admit([](const PreparedRun&, const sync::RecordShape&) {
        return sync::StatusCode::kNewerSchema;
    });
    save(author_, {create()});
    while (hub_.push(author_)) {
    }
    hub_.ledger.set_admit({});
    save(other_, {create()});
    hub_.push(other_);
    EXPECT_EQ(need(hub_.ledger.release_understood()), 0U);
    EXPECT_EQ(need(desk("quarantine release", {{"HUB_SEQ", 1}})).at("verdict").as_string(),
              "released");
}

TEST_F(VerdictTest, AHeldRecordThatIsNotUnderstoodCannotBeReleasedByHand) {
    sync::Op op{kClient, sync::OpKind::kSetGroup, kSsn.table, 60'000};
    op.cells = {{1, std::int64_t{1}}};
    save(author_, {create()});
    save(author_, {op});
    while (hub_.push(author_)) {
    }
    EXPECT_EQ(need(desk("quarantine")).at("records").as_array()[0].at("status").as_string(),
              "held");
    EXPECT_EQ(desk("quarantine release", {{"HUB_SEQ", 2}}).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace streetlog::hub

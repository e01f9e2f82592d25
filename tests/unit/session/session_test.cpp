#include <algorithm>

#include "loopback.hpp"

namespace streetlog::sync::testing {
namespace {

AgentSessionConfig small_batches() {
    AgentSessionConfig c;
    c.batch_records_max = 3;
    return c;
}

TEST(Session, HandsOverEverythingAndReadsItBack) {
    MemoryLog log;
    MemoryHub hub;
    log.save(20);
    Wire wire{log, hub};
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(log.acked, 20u);
    EXPECT_TRUE(wire.agent.all_acked());
    EXPECT_TRUE(wire.agent.caught_up());
    EXPECT_EQ(log.cursor, hub.head());
    ASSERT_EQ(wire.seen<SetAnchor>().size(), 1u);
    EXPECT_EQ(wire.seen<SetAnchor>()[0].probes.size(), 4u);
    EXPECT_FALSE(wire.closed);
}

TEST(Session, PushesOnlyAfterTheFirstRoundOfProbes) {
    MemoryLog log;
    MemoryHub hub;
    log.save(1);
    Wire wire{log, hub};
    wire.run();
    bool anchored = false;
    for (const AgentAction& a : wire.history) {
        anchored = anchored || std::holds_alternative<SetAnchor>(a);
        const auto* s = std::get_if<Send>(&a);
        if (s != nullptr && s->lane == SendLane::kRecords) EXPECT_TRUE(anchored);
    }
}

/// The snapshot stands for the pages that would have brought them.
TEST(Session, ASnapshotIsAskedForWithTheReceiptsThatALostAckHad) {
    MemoryLog log;
    log.save(3);
    log.acked = 1;
    AgentSessionConfig config;
    config.features = kFeatureSnapshots;
    AgentSession agent{log, config};
    HelloAck ack;
    ack.acked_seq = 2;
    ack.acked_hash = log.hashes[2];
    ack.scopes = {{.scope = 1, .resume = true, .snapshot = true}};
    Challenge challenge;
    challenge.nonce = Bytes(16, 7);
    agent.on_message(encode_message(challenge), boot_clock(1'000));
    agent.on_message(encode_message(ack), boot_clock(1'010));
    std::vector<std::uint64_t> asked;
    for (const AgentAction& action : agent.take_actions()) {
        const auto* sent = std::get_if<Send>(&action);
        if (sent == nullptr) continue;
        const auto message = decode_message(sent->bytes);
        ASSERT_TRUE(message);
        if (const auto* ask = std::get_if<SnapshotAsk>(&*message)) asked.push_back(ask->own_from);
    }
    EXPECT_EQ(asked, std::vector<std::uint64_t>{2});
}

TEST(Session, NewRecordsFollowWithoutANewSession) {
    MemoryLog log;
    MemoryHub hub;
    Wire wire{log, hub};
    wire.run();
    log.save(7);
    wire.agent.on_saved();
    wire.carry();
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(log.cursor.seq, HubSeq{7});
}

TEST(Session, ARecordSavedAtAnyMomentFollowsWithoutAnother) {
    for (int moment = 0;; ++moment) {
        MemoryLog log;
        MemoryHub hub;
        Wire wire{log, hub};
        bool finished = false;
        for (int i = 0; i < moment; ++i) finished = !wire.step();
        log.save();
        wire.agent.on_saved();
        wire.carry();
        wire.run();
        ASSERT_EQ(hub.stored, log.records) << "saved after message " << moment;
        ASSERT_TRUE(wire.agent.all_acked());
        if (finished) break;
    }
}

TEST(Session, SmallBatchesArriveInOrder) {
    MemoryLog log;
    MemoryHub hub;
    log.save(20);
    Wire wire{log, hub, small_batches()};
    wire.run();
    EXPECT_EQ(hub.runs.size(), 7u);
    EXPECT_EQ(hub.stored, log.records);
}

TEST(Session, StopsAtTheEndOfItsCreditAndGoesOnWhenCommitsFinish) {
    MemoryLog log;
    MemoryHub hub;
    hub.hold_commits = true;
    log.save(20);
    HubSessionConfig hc;
    hc.push_window_bytes = 1024;
    Wire wire{log, hub, small_batches(), hc};
    wire.run();
    EXPECT_EQ(wire.pending.size(), 2u);
    while (!wire.pending.empty()) {
        wire.commit_next();
        wire.carry();
        wire.run();
    }
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(log.acked, 20u);
}

TEST(Session, AcksThatWaitAreStoredAsOne) {
    MemoryLog log;
    MemoryHub hub;
    hub.hold_commits = true;
    log.save(9);
    Wire wire{log, hub, small_batches()};
    wire.run();
    while (!wire.pending.empty()) {
        wire.commit_next();
        wire.carry();
    }
    for (const Bytes& message : wire.to_agent) wire.agent.on_message(message, boot_clock(wire.now));
    std::vector<PushAck> acks;
    for (const AgentAction& a : wire.agent.take_actions())
        if (const auto* ack = std::get_if<StoreAck>(&a)) acks.push_back(ack->ack);
    ASSERT_EQ(acks.size(), 1u);
    EXPECT_EQ(acks[0].acked_seq, 9u);
    EXPECT_EQ(acks[0].receipts.size(), 3u);
}

TEST(Session, WhatIsStoredWhileAPageIsOnTheWayFollowsInTheNextOne) {
    MemoryLog log;
    MemoryHub hub;
    Wire wire{log, hub, small_batches()};
    wire.run();
    hub.hold_commits = true;
    log.save(9);
    wire.agent.on_saved();
    wire.carry();
    wire.run();
    while (!wire.pending.empty()) {
        wire.commit_next();
        wire.carry();
    }
    const auto pages = std::ranges::count_if(wire.to_agent, [](const Bytes& message) {
        const auto read = decode_message(message);
        return read && std::holds_alternative<Page>(*read);
    });
    EXPECT_EQ(pages, 1);
    wire.run();
    EXPECT_EQ(log.cursor, hub.head());
    EXPECT_EQ(log.receipted.size(), hub.runs.size());
}

TEST(Session, PagesLeaveOutReceiptsThatTheAcksBrought) {
    MemoryLog log;
    MemoryHub hub;
    log.save(9);
    Wire wire{log, hub, small_batches()};
    wire.run();
    EXPECT_TRUE(log.applied.empty());
    EXPECT_EQ(log.receipted.size(), 3u);
    EXPECT_EQ(log.cursor, hub.head());
}

TEST(Session, PressureWithholdsCreditWithoutClosing) {
    MemoryLog log;
    MemoryHub hub;
    log.save(20);
    HubSessionConfig hc;
    hc.push_window_bytes = 1024;
    Wire wire{log, hub, small_batches(), hc};
    for (int i = 0; i < 3; ++i) wire.step();  // the first window is granted
    wire.server.on_pressure(true);
    wire.run();
    EXPECT_LT(hub.acked(), 20u);
    EXPECT_FALSE(wire.closed);
    wire.server.on_pressure(false);
    wire.carry();
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
}

TEST(Session, ALostConnectionAtAnyMessageLosesAndDoublesNothing) {
    for (int cut = 0;; ++cut) {
        MemoryLog log;
        MemoryHub hub;
        log.save(20);
        bool finished = false;
        {
            Wire wire{log, hub, small_batches()};
            for (int i = 0; i < cut; ++i) finished = !wire.step();
            wire.agent.on_closed();
            wire.server.on_closed();
        }
        Wire again{log, hub, small_batches()};
        again.run();
        ASSERT_EQ(hub.stored, log.records) << "cut after " << cut;
        ASSERT_EQ(log.acked, 20u) << "cut after " << cut;
        ASSERT_EQ(log.receipted.size(), hub.runs.size()) << "cut after " << cut;
        ASSERT_TRUE(std::ranges::is_sorted(log.applied));
        ASSERT_EQ(log.cursor, hub.head()) << "cut after " << cut;
        if (finished) break;
        ASSERT_LT(cut, 1000);
    }
}

TEST(Session, ALostBatchIsAGapAndTheDeviceRewindsOnce) {
    MemoryLog log;
    MemoryHub hub;
    log.save(20);
    Wire wire{log, hub, small_batches()};
    while (wire.to_hub.size() < 5) ASSERT_TRUE(wire.step());  // the whole window is on the way
    wire.to_hub.erase(wire.to_hub.begin() + 2);
    int gaps = 0;
    wire.tamper = [&](bool up, Bytes& m) {
        const auto decoded = decode_message(m);
        if (up) return;
        if (const auto* e = std::get_if<ErrorMessage>(&*decoded)) {
            EXPECT_EQ(e->code, WireCode::kGap);
            ++gaps;
        }
    };
    wire.run();
    EXPECT_EQ(gaps, 1);
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_FALSE(wire.closed);
}

TEST(Session, ADuplicateBatchIsOnlyAckedAgain) {
    MemoryLog log;
    MemoryHub hub;
    log.save(9);
    Wire wire{log, hub, small_batches()};
    while (wire.to_hub.size() < 3) ASSERT_TRUE(wire.step());
    const Bytes first = wire.to_hub.front();
    wire.run();
    wire.server.on_message(first, {wire.now});
    wire.carry();
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_FALSE(wire.closed);
    EXPECT_FALSE(wire.agent.done());
}

/// Flips one bit of the body of a Push and leaves the rest of it whole.
void damage(Bytes& m) {
    auto decoded = decode_message(m);
    if (auto* push = std::get_if<Push>(&*decoded)) {
        push->body[push->body.size() / 2] ^= 0x10;
        m = encode_message(*push);
    }
}

TEST(Session, ADamagedBatchIsSentAgain) {
    MemoryLog log;
    MemoryHub hub;
    log.save(9);
    Wire wire{log, hub, small_batches()};
    int left = 2;
    wire.tamper = [&](bool up, Bytes& m) {
        if (up && std::holds_alternative<Push>(*decode_message(m)) && left-- > 0) damage(m);
    };
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(hub.runs.front().opaque, false);
}

TEST(Session, ABatchDamagedThreeTimesIsTakenAsItIsAndDoesNotBlock) {
    MemoryLog log;
    MemoryHub hub;
    log.save(9);
    Wire wire{log, hub, small_batches()};
    wire.tamper = [&](bool up, Bytes& m) {
        const auto decoded = decode_message(m);
        const auto* push = std::get_if<Push>(&*decoded);
        if (up && push != nullptr && push->first_seq == 4) damage(m);
    };
    wire.run();
    ASSERT_EQ(hub.runs.size(), 3u);
    EXPECT_TRUE(hub.runs[1].opaque);
    EXPECT_EQ(hub.stored.size(), 6u);
    EXPECT_EQ(log.acked, 9u);
}

TEST(Session, BeingTakenForAnotherDeviceIsFatalAndNamesWhatToDo) {
    MemoryLog log;
    MemoryHub hub;
    hub.verdict = HelloVerdict::kRefused;
    Wire wire{log, hub};
    wire.run();
    ASSERT_EQ(wire.seen<Fatal>().size(), 1u);
    EXPECT_EQ(wire.seen<Fatal>()[0].code, WireCode::kRefused);
    EXPECT_FALSE(wire.seen<Fatal>()[0].error.hint.empty());
}

TEST(Session, ABusyHubIsTriedAgainAtTheTimeItNames) {
    MemoryLog log;
    MemoryHub hub;
    Wire wire{log, hub};
    wire.server.refuse(WireCode::kBusy, Millis{1500}, "busy");
    wire.carry();
    wire.run();
    ASSERT_EQ(wire.seen<Retry>().size(), 1u);
    EXPECT_EQ(wire.seen<Retry>()[0].after, Millis{1500});
}

TEST(Session, CustodyOnlyTakesRecordsAndHandsOutNothing) {
    MemoryLog log;
    MemoryHub hub;
    hub.verdict = HelloVerdict::kCustodyOnly;
    log.save(5);
    Wire wire{log, hub};
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_TRUE(wire.seen<ApplyPage>().empty());
}

TEST(Session, AMessageBeforeHelloIsRefused) {
    MemoryHub hub;
    HubSession server{hub, {}};
    server.start(Bytes(16), {1});
    server.on_message(encode_message(Probe{1, 1}), {1});
    EXPECT_TRUE(server.done());
}

/// As after a restart, when what pages of states are made from has still to read the log.
TEST(Session, AReaderAtTheEndLearnsThatItIsOnceThePagesHaveComeSoFar) {
    constexpr std::uint32_t kStates = 16;
    const Position end{{5}, Hash{{1}}, {}};
    MemoryHub hub;
    HubSession server{hub, {}};
    server.start(Bytes(16), {1});
    Hello hello;
    hello.scopes = {{kStates, end, end}};
    server.on_message(encode_message(hello), {1});
    DeviceGrant grant;
    grant.verdict = HelloVerdict::kOk;
    grant.scopes = {{kStates, true, false}};
    server.on_authenticated(grant, {1});
    server.on_message(encode_message(Pull{kStates, end, 1 << 20}), {1});
    const auto asks = [&] {
        std::size_t pages = 0;
        for (const auto& action : server.take_actions())
            pages += std::holds_alternative<ReadPage>(action) ? 1 : 0;
        return pages;
    };
    EXPECT_EQ(asks(), 1U);
    server.on_page_later(kStates);
    server.on_projected({5});
    EXPECT_EQ(asks(), 1U);
    Page page;
    page.scope = kStates;
    page.next = end;
    page.caught_up = true;
    server.on_page_ready(page);
    static_cast<void>(server.take_actions());
    server.on_projected({5});
    EXPECT_EQ(asks(), 0U) << "it knows";
}

TEST(Session, AFloodOfProbesIsEnded) {
    MemoryLog log;
    MemoryHub hub;
    Wire wire{log, hub};
    wire.run();
    for (int i = 0; i < 200; ++i) wire.server.on_message(encode_message(Probe{1, 1}), {wire.now});
    EXPECT_TRUE(wire.server.done());
}

TEST(Session, AHubThatAcksWhatWasNotSentIsNotBelieved) {
    MemoryLog log;
    MemoryHub hub;
    log.save(2);
    Wire wire{log, hub};
    wire.run();
    PushAck lie;
    lie.acked_seq = 3;
    wire.agent.on_message(encode_message(lie), boot_clock(5000));
    wire.carry();
    EXPECT_TRUE(wire.agent.done());
    EXPECT_EQ(log.acked, 2u);
}

}  // namespace
}  // namespace streetlog::sync::testing

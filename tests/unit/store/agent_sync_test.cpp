#include "tests/unit/store/agent_fixture.hpp"

namespace streetlog::store::test {
namespace {

using AgentAck = AgentStoreTest;
using AgentPull = AgentStoreTest;

sync::PushAck ack_of(sync::RunReceipt receipt) {
    sync::PushAck ack;
    ack.acked_seq = receipt.last_seq;
    ack.receipts.push_back(std::move(receipt));
    return ack;
}

TEST_F(AgentAck, ReceiptsReachTheStatesInSteps) {
    auto store = create();
    FakeHub hub;
    for (std::uint32_t i = 1; i <= 5; ++i)
        ASSERT_TRUE(store.save(save_of({create_client(client_id(i), "N", "M")})));
    const auto ack = ack_of(hub.receipt(kSelf, 1, 5));
    ASSERT_TRUE(store.store_ack(ack));
    EXPECT_EQ(store.oldest_unsent(), 0u);
    EXPECT_FALSE(store.fully_stamped());
    EXPECT_EQ(*store.stamp_receipts(2), 2u);
    EXPECT_TRUE(store.read().load(client_id(2))->first);
    EXPECT_FALSE(store.read().load(client_id(3))->first);
    EXPECT_EQ(*store.stamp_receipts(100), 3u);
    EXPECT_TRUE(store.fully_stamped());
    EXPECT_EQ(store.read().client(client_id(5))->unsent, 0u);
    const auto hash = dumped(store);
    ASSERT_TRUE(store.store_ack(ack));  // the same ack again
    EXPECT_TRUE(store.fully_stamped());
    EXPECT_EQ(dumped(store), hash);
}

TEST_F(AgentAck, AReceiptOfAnotherDeviceOrRangeIsRefused) {
    auto store = create();
    FakeHub hub;
    auto foreign = ack_of(hub.receipt(kOther, 1, 1));
    EXPECT_EQ(store.store_ack(foreign).error().code, ErrorCode::kMalformed);
    auto torn = ack_of(hub.receipt(kSelf, 1, 2));
    torn.receipts[0].times.pop_back();
    EXPECT_EQ(store.store_ack(torn).error().code, ErrorCode::kMalformed);
}

TEST_F(AgentAck, AnEarlierReceiptLearnedLaterCounts) {
    auto store = create();
    FakeHub hub;
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "N", "M")})));
    const auto early = hub.receipt(kSelf, 1, 1);
    const auto late = hub.receipt(kSelf, 1, 1);
    ASSERT_TRUE(store.store_ack(ack_of(late)));
    ASSERT_TRUE(store.stamp_receipts(10));
    ASSERT_TRUE(store.store_ack(ack_of(early)));
    ASSERT_TRUE(store.stamp_receipts(10));
    EXPECT_EQ(store.read().load(client_id(1))->first, early.of(1).place);
}

/// As after a hub that fell back, and was told of what it had said before.
TEST_F(AgentAck, ARunEndsWithTheLastOfReceiptsThatOverlap) {
    auto store = create();
    FakeHub hub;
    for (std::uint32_t i = 1; i <= 12; ++i)
        ASSERT_TRUE(store.save(save_of({create_client(client_id(i), "N", "M")})));
    for (const auto& [first, count] : {std::pair{1, 6}, {4, 6}, {10, 2}})
        ASSERT_TRUE(store.store_ack(ack_of(hub.receipt(
            kSelf, static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(count)))));
    const auto ends = [&](std::uint64_t first, std::uint32_t count) {
        return first + store.log().read_run(first, count, 1'000'000)->records.size() - 1;
    };
    EXPECT_EQ(ends(1, 3), 9u);
    EXPECT_EQ(ends(1, 10), 9u);
    EXPECT_EQ(ends(5, 1), 9u);
    EXPECT_EQ(ends(10, 1), 11u);
    EXPECT_EQ(ends(12, 5), 12u);
}

TEST_F(AgentAck, AQuarantinedRecordGoesOnShowingToItsAuthorUntilItIsRejected) {
    auto store = create();
    FakeHub hub;
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "Rosa", "Diaz")})));
    const auto ssn = store.save(save_of({set_ssn(client_id(1), "123456789")}));
    ASSERT_TRUE(ssn);
    auto ack = ack_of(hub.receipt(kSelf, 1, 2));
    ack.exceptions = {{2, sync::RecordStatus::kQuarantined, sync::StatusCode::kUnauthorised}};
    ASSERT_TRUE(store.store_ack(ack));
    ASSERT_TRUE(store.stamp_receipts(10));
    const sync::RegisterId reg{tbl::kClient, grp::kClientSsn};
    EXPECT_FALSE(store.read().load(client_id(1))->registers.contains(reg));
    EXPECT_TRUE(store.read().shown(client_id(1))->registers.contains(reg));
    EXPECT_EQ(store.read().client(client_id(1))->ssn, "123456789");
    EXPECT_EQ(store.read().status()->quarantined, 1u);
    ASSERT_EQ(store.read().refused()->size(), 1u);
    EXPECT_EQ(store.read().refused()->front().entities, std::vector{client_id(1)});

    sync::Op verdict{{}, sync::OpKind::kVerdict, 0, 0, {}, {}, {}};
    verdict.cells = {{1, std::int64_t{1}},
                     {2, Bytes(kSelf.device.bytes.begin(), kSelf.device.bytes.end())},
                     {3, std::int64_t{kSelf.incarnation}},
                     {4, std::int64_t{2}}};
    ASSERT_TRUE(store.apply_page(hub.page({hub.run(kHub, {hub.write(kHub, {verdict})})}), {1}));
    ASSERT_TRUE(store.stamp_receipts(10));
    EXPECT_EQ(store.read().client(client_id(1))->ssn, "");
    EXPECT_EQ(store.read().status()->quarantined, 0u);
    EXPECT_TRUE(store.read().refused()->front().rejected);

    verdict.cells[0].value = std::int64_t{2};  // of two verdicts release wins
    ASSERT_TRUE(store.apply_page(hub.page({hub.run(kHub, {hub.write(kHub, {verdict})})}), {1}));
    ASSERT_TRUE(store.stamp_receipts(10));
    EXPECT_EQ(store.read().client(client_id(1))->ssn, "123456789");
    EXPECT_TRUE(store.read().load(client_id(1))->registers.contains(reg));
    const auto hash = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), hash);
}

/// Records of two devices and the hub: a link between two clients, an edit, an enrollment.
std::vector<sync::PageRun> some_runs(FakeHub& hub) {
    const auto name = hub.write(kOther, {create_client(client_id(1), "Rosa", "Diaz")});
    const auto ssn = hub.write(kOther, {set_ssn(client_id(1), "123456789")});
    const auto twin = hub.write(kOther, {create_client(client_id(2), "Rosie", "Diaz")});
    const auto stay = hub.write(kOther, {enroll(id_from(0xe1, 1), client_id(2), "2026-01-02")});
    const auto meet =
        hub.write(kOther, {contact(id_from(0xf1, 1), id_from(0xe1, 1), "2026-03-04")});
    std::vector<sync::PageRun> out;
    out.push_back(hub.run(kOther, {name, ssn}));
    sync::Link link;
    link.a = client_id(1);
    link.b = client_id(2);
    link.verdict = sync::LinkVerdict::kSame;
    link.strength = sync::LinkStrength::kHuman;
    out.push_back(hub.run(kHub, {hub.write(kHub, {sync::link_op(id_from(0xaa, 1), link)})}));
    out.push_back(hub.run(kOther, {twin, stay, meet}));
    const auto edit = hub.write(kHub, {set_ssn(client_id(1), "987654321", {{kOther, 2, 0}})});
    out.push_back(hub.run(kHub, {edit}));
    return out;
}

TEST_F(AgentAck, AnOwnLinkThatTheHubSetsAsideJoinsNobody) {
    FakeHub hub;
    auto store = create();
    const auto run = hub.run(kOther,
                             {hub.write(kOther, {create_client(client_id(1), "Rosa", "Diaz")}),
                              hub.write(kOther, {create_client(client_id(2), "Rosa", "Dias")})});
    ASSERT_TRUE(store.apply_page(hub.page({run}), {5}));
    sync::Link link;
    link.a = client_id(1);
    link.b = client_id(2);
    link.strength = sync::LinkStrength::kHuman;
    ASSERT_TRUE(store.save(save_of({sync::link_op(id_from(0xaa, 1), link)})));
    EXPECT_EQ(store.read().profile_of(client_id(1))->size(), 2u);
    sync::PushAck ack;
    ack.acked_seq = 1;
    ack.receipts = {hub.receipt(kSelf, 1, 1)};
    ack.exceptions = {{1, sync::RecordStatus::kQuarantined, sync::StatusCode::kUnauthorised}};
    ASSERT_TRUE(store.store_ack(ack));
    ASSERT_TRUE(store.stamp_receipts(10));
    EXPECT_EQ(store.read().profile_of(client_id(1))->size(), 1u);
    const auto hash = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), hash);
}

TEST_F(AgentPull, PagesAppliedTwiceInAnySplitAndOrderGiveOneState) {
    FakeHub hub;
    const auto runs = some_runs(hub);
    auto whole = create("whole.db");
    ASSERT_TRUE(whole.apply_page(hub.page(runs), {5}));
    const auto hash = dumped(whole);
    ASSERT_TRUE(whole.apply_page(hub.page(runs), {5}));
    EXPECT_EQ(dumped(whole), hash);

    auto single = create("single.db");
    for (const auto& run : runs) ASSERT_TRUE(single.apply_page(hub.page({run}), {5}));
    EXPECT_EQ(dumped(single), hash);

    auto backwards = create("backwards.db");
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
        ASSERT_TRUE(backwards.apply_page(hub.page({*run}), {5}));
    EXPECT_EQ(dumped(backwards), hash);
    EXPECT_EQ(backwards.read().client(client_id(1))->ssn, "987654321");

    auto less = create("less.db");
    ASSERT_TRUE(less.apply_page(hub.page({runs[0], runs[1], runs[2]}), {5}));
    EXPECT_NE(dumped(less), hash);

    std::string text;
    ASSERT_TRUE(whole.dump([&](std::string_view part) { text += part; }));
    EXPECT_NE(text.find("canon " + to_string(client_id(2))), std::string::npos);
}

TEST_F(AgentPull, LinkedClientsAreOnePersonAndUnlinkedOnesTwo) {
    FakeHub hub;
    auto store = create();
    ASSERT_TRUE(store.apply_page(hub.page(some_runs(hub)), {5}));
    auto& read = store.read();
    EXPECT_EQ(*read.profile_of(client_id(2)), (std::vector{client_id(1), client_id(2)}));
    ASSERT_EQ(read.enrollments_of(client_id(1))->size(), 1u);
    EXPECT_EQ(read.enrollments_of(client_id(1))->front().client, client_id(2));
    EXPECT_EQ(read.contacts_of(id_from(0xe1, 1))->front().date, "2026-03-04");
    EXPECT_EQ(read.entity_of(id_from(0xf1, 1))->parent, id_from(0xe1, 1));
    const sync::RegisterId name{tbl::kClient, grp::kClientName};
    EXPECT_EQ(read.group(client_id(1), name, View::kMerged)->supersedes.size(), 2u);
    EXPECT_EQ(read.group(client_id(1), name, View::kMerged)->profile, std::vector{client_id(2)});
    EXPECT_EQ(read.group(client_id(1), name, View::kOwn)->supersedes.size(), 1u);

    sync::Op unlink{id_from(0xaa, 1), sync::OpKind::kUnlink, 530, 5310, {}, {{kHub, 1, 0}}, {}};
    ASSERT_TRUE(store.apply_page(hub.page({hub.run(kHub, {hub.write(kHub, {unlink})})}), {6}));
    EXPECT_EQ(*read.profile_of(client_id(2)), std::vector{client_id(2)});
    EXPECT_TRUE(read.enrollments_of(client_id(1))->empty());
}

TEST_F(AgentPull, TheCursorMovesWithThePageAndNotWithABrokenOne) {
    FakeHub hub;
    auto store = create();
    const auto page = hub.page(some_runs(hub));
    ASSERT_TRUE(store.apply_page(page, {77}));
    EXPECT_EQ(*store.cursor(1), page.next);
    EXPECT_EQ(store.log().cursors()->size(), 1u);
    EXPECT_EQ(store.read().status()->last_pull, Instant{77});
    const auto hash = dumped(store);
    auto broken =
        hub.page({hub.run(kOther, {hub.write(kOther, {create_client(client_id(9), "X", "Y")})}),
                  hub.run(kHub, {hub.write(kHub, {create_client(client_id(8), "X", "Y")})})});
    broken.runs[1].body.resize(broken.runs[1].body.size() / 2);
    EXPECT_FALSE(store.apply_page(broken, {78}));
    EXPECT_EQ(*store.cursor(1), page.next);
    EXPECT_EQ(dumped(store), hash);
    EXPECT_FALSE(store.read().client(client_id(9)));
}

TEST_F(AgentPull, OwnRecordsComeAsReceiptsAlone) {
    FakeHub hub;
    auto store = create();
    ASSERT_TRUE(store.save(save_of({create_client(client_id(1), "Rosa", "Diaz")})));
    const auto receipt = hub.receipt(kSelf, 1, 1);
    ASSERT_TRUE(store.apply_page(hub.page({FakeHub::stub(receipt)}), {5}));
    EXPECT_EQ(store.oldest_unsent(), 0u);  // the ack was lost, the hub has it all the same
    ASSERT_TRUE(store.stamp_receipts(10));
    EXPECT_EQ(store.read().load(client_id(1))->first, receipt.of(1).place);

    FakeHub twin;  // another device sees the same record in full
    auto other = create("other.db", kOther);
    const auto mine = store.log().read_run(1, 1, 1 << 20);
    auto run = twin.run(kSelf, mine->records);
    run.receipt = receipt;
    ASSERT_TRUE(other.apply_page(twin.page({run}), {5}));
    EXPECT_EQ(dumped(other), dumped(store));
}

TEST_F(AgentPull, AHiddenRecordShowsNothingUntilItComesAgainReleased) {
    FakeHub hub;
    auto store = create();
    const auto name = hub.write(kOther, {create_client(client_id(1), "Rosa", "Diaz")});
    const auto ssn = hub.write(kOther, {set_ssn(client_id(1), "123456789", {{kHub, 1, 0}})});
    auto hidden = hub.run(kOther, {name, sync::EncodedRecord{}});
    hidden.hidden = {{2,
                      sync::RecordStatus::kQuarantined,
                      sync::StatusCode::kUnauthorised,
                      sync::edges_of(sync::view_of(ssn))}};
    ASSERT_TRUE(store.apply_page(hub.page({hidden}), {5}));
    EXPECT_EQ(store.read().client(client_id(1))->ssn, "");
    const auto hash = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), hash);

    FakeHub again;
    auto released = again.run(kOther, {ssn});
    released.receipt.first_seq = released.receipt.last_seq = 2;
    released.receipt.received = hidden.receipt.received;
    released.receipt.first_hub_seq = {hidden.receipt.first_hub_seq.value + 1};
    released.hub_seq = released.receipt.first_hub_seq;
    ASSERT_TRUE(store.apply_page(hub.page({released}), {5}));
    EXPECT_EQ(store.read().client(client_id(1))->ssn, "123456789");
}

TEST_F(AgentPull, ARecordOfANewerVersionIsHeldWholeAndReplayedLater) {
    FakeHub hub;
    const auto half = hub.write(
        kOther, {create_client(client_id(1), "Rosa", "Diaz"), set_ssn(client_id(1), "123456789")});
    const auto page = hub.page({hub.run(kOther, {half})});
    {
        auto store = create();
    }
    Hash seen{};
    {
        // A version that does not know the SSN group.
        auto store = AgentStore::open(
            file(), [](const sync::Op& op) { return op.group != grp::kClientSsn; });
        ASSERT_TRUE(store);
        ASSERT_TRUE(store->apply_page(page, {5}));
        EXPECT_FALSE(store->read().client(client_id(1)));  // half a Save must not show
        EXPECT_EQ(store->read().status()->held_here, 1u);
        ASSERT_TRUE(store->rebuild_state());
        EXPECT_EQ(store->read().status()->held_here, 1u);
        seen = dumped(*store);
    }
    auto store = AgentStore::open(file());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(store->read().status()->held_here, 0u);
    EXPECT_EQ(store->read().client(client_id(1))->ssn, "123456789");
    auto fresh = create("fresh.db");
    ASSERT_TRUE(fresh.apply_page(page, {5}));
    EXPECT_EQ(dumped(fresh), dumped(*store));
    EXPECT_NE(dumped(fresh), seen);
}

/// A hub that lost its log learns of an earlier receipt and sends the record again with it.
TEST_F(AgentPull, AHeldRecordIsReplayedWithTheReceiptItCameWithLast) {
    FakeHub hub;
    const auto whole = hub.write(
        kOther, {create_client(client_id(1), "Rosa", "Diaz"), set_ssn(client_id(1), "123456789")});
    auto page = hub.page({hub.run(kOther, {whole})});
    auto again = page;
    again.runs.front().receipt.received.ms -= 1'000;
    again.next.seq.value += 1;
    {
        auto store = create();
    }
    {
        auto store = AgentStore::open(
            file(), [](const sync::Op& op) { return op.group != grp::kClientSsn; });
        ASSERT_TRUE(store);
        ASSERT_TRUE(store->apply_page(page, {5}));
        ASSERT_TRUE(store->apply_page(again, {5}));
    }
    auto store = AgentStore::open(file());
    ASSERT_TRUE(store) << store.error().message;
    auto fresh = create("fresh.db");
    ASSERT_TRUE(fresh.apply_page(again, {5}));
    EXPECT_EQ(dumped(fresh), dumped(*store));
}

/// The record came in a run with another, and comes again alone: rebuilding takes the two in the
/// order in which they came, or the receipt that counts would be taken for the older news.
TEST_F(AgentPull, RebuildingGoesByTheReceiptThatARecordGotLast) {
    const sync::Replica third{id_from<DeviceId>(0xde, 3), 1};
    const EntityId who = client_id(1);
    FakeHub hub;
    auto store = create();
    const auto lost_receipt = hub.receipt(kOther, 2, 1);
    const auto first = hub.write(kOther, {create_client(who, "Rosa", "Diaz")});
    const auto ssn = hub.write(kOther, {set_ssn(who, "123456789")});
    const auto other = hub.write(kOther, {set_dob(who, "1980-04-04")});
    const auto correction = hub.write(third, {set_ssn(who, "123456780", {{kOther, 2, 0}})});
    ASSERT_TRUE(store.apply_page(hub.page({hub.run(kOther, {first})}), {5}));
    ASSERT_TRUE(store.apply_page(hub.page({hub.run(third, {correction})}), {5}));
    const auto later = hub.run(kOther, {ssn, other});
    ASSERT_TRUE(store.apply_page(hub.page({later}), {5}));

    FakeHub packer;
    auto again = packer.run(kOther, {ssn});
    again.receipt = lost_receipt;
    again.hub_seq = later.hub_seq;
    ASSERT_TRUE(store.apply_page(hub.page({again}), {5}));
    EXPECT_EQ(store.read().client(who)->ssn, "123456780");
    const auto hash = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), hash);
}

TEST_F(AgentPull, RebuildingGivesTheSameStateAndReadTables) {
    FakeHub hub;
    auto store = create();
    ASSERT_TRUE(store.save(save_of({create_client(client_id(7), "Ann", "Lee")})));
    ASSERT_TRUE(store.save(save_of({set_dob(client_id(7), "1980-04-04")})));
    ASSERT_TRUE(store.store_ack(ack_of(hub.receipt(kSelf, 1, 1))));
    ASSERT_TRUE(store.apply_page(hub.page(some_runs(hub)), {5}));
    const auto hash = dumped(store);
    ASSERT_TRUE(store.rebuild_state());
    EXPECT_EQ(dumped(store), hash);
    EXPECT_TRUE(store.fully_stamped());
    EXPECT_EQ(store.read().client(client_id(7))->dob, "1980-04-04");
    EXPECT_EQ(store.read().client(client_id(7))->unsent, 1u);
    EXPECT_EQ(store.read().profile_of(client_id(1))->size(), 2u);
    ASSERT_TRUE(store.rebuild_read());
    EXPECT_EQ(dumped(store), hash);
    EXPECT_EQ(store.read().enrollments_of(client_id(1))->size(), 1u);
}

}  // namespace
}  // namespace streetlog::store::test

#include <algorithm>

#include "loopback.hpp"

namespace streetlog::sync::testing {
namespace {

/// A device and a hub that know each other's keys.
struct Keys {
    explicit Keys(MemoryHub& hub) {
        hub.key = key_of(1);
        device.key = key_of(2);
        hub.device_key = device.key->public_key();
        device.batch_records_max = 3;
    }

    AgentSessionConfig device;
};

/// Sessions one after the other, as long as one says that the next may follow at once.
void meet(MemoryLog& log, MemoryHub& hub, const AgentSessionConfig& config) {
    for (int i = 0; i < 5; ++i) {
        Wire wire{log, hub, config};
        wire.run();
        const auto ends = wire.seen<Retry>();
        if (ends.empty() || !ends.front().at_once) return;
    }
    ADD_FAILURE() << "the device and the hub do not come to rest";
}

/// Does that to every message of one kind; each kind goes one way only.
template <class Kind>
std::function<void(bool, Bytes&)> on_the_way(std::function<void(Kind&)> change) {
    return [change = std::move(change)](bool /*up*/, Bytes& bytes) {
        auto message = decode_message(bytes);
        auto* wanted = message ? std::get_if<Kind>(&*message) : nullptr;
        if (wanted == nullptr) return;
        change(*wanted);
        bytes = encode_message(*wanted);
    };
}

TEST(Evidence, EverythingThatPassesIsSigned) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(7);
    Wire wire{log, hub, keys.device};
    std::vector<RunReceipt> receipts;
    wire.tamper = [&](bool up, Bytes& m) {
        const auto decoded = decode_message(m);
        if (const auto* push = std::get_if<Push>(&*decoded); up && push != nullptr)
            EXPECT_TRUE(verify_batch(*hub.device_key,
                                     kDevice,
                                     push->first_seq + push->count - 1,
                                     push->head_hash,
                                     push->signature));
        if (const auto* ack = std::get_if<PushAck>(&*decoded); !up && ack != nullptr) {
            receipts.insert(receipts.end(), ack->receipts.begin(), ack->receipts.end());
            if (!ack->receipts.empty())
                EXPECT_TRUE(verified_head(hub.key->public_key(), ack->signed_head));
        }
    };
    wire.run();
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(receipts.size(), 3u);
    for (const RunReceipt& r : receipts) EXPECT_TRUE(verify_receipt(hub.key->public_key(), r));
    const auto head = verified_head(hub.key->public_key(), log.signed_head);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->head.seq, hub.head().seq);
    EXPECT_EQ(head->head.hash, hub.head().hash);
    EXPECT_EQ(hub.nonce, 1u);
    EXPECT_EQ(number_of_nonce(*hub.key, kDevice, log.session_nonce), 1u);
    EXPECT_TRUE(hub.suspicions.empty());
}

TEST(Evidence, NothingOfAReceiptCanBeChanged) {
    const SigningKey key = key_of(1);
    RunReceipt good{kDevice, 3, 4, Hash{{1}}, {5}, {6}, {{{7}, {{8}, {9}}}, {{1}, {{2}, {3}}}}, {}};
    sign_receipt(key, good);
    ASSERT_TRUE(verify_receipt(key.public_key(), good));
    const auto changed = [&](auto change) {
        RunReceipt other = good;
        change(other);
        return verify_receipt(key.public_key(), other);
    };
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.replica.incarnation; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { r.replica.device.bytes[3] ^= 1; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.first_seq; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.last_seq; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { r.last_hash[31] ^= 1; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { --r.received.ms; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.first_hub_seq.value; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.times[1].hlc_hub.value; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { --r.times[0].saved.lo.ms; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { ++r.times[0].saved.hi.ms; }));
    EXPECT_FALSE(changed([](RunReceipt& r) { r.times.pop_back(); }));
    EXPECT_FALSE(changed([](RunReceipt& r) { r.signature[5] ^= 1; }));
    EXPECT_FALSE(verify_receipt(key_of(2).public_key(), good));
}

TEST(Evidence, ANonceIsGoodForOneReplicaAndHubAndHasANumber) {
    const SigningKey hub = key_of(1);
    const Bytes nonce = make_nonce(hub, kDevice, 41);
    EXPECT_EQ(number_of_nonce(hub, kDevice, nonce), 41u);
    EXPECT_EQ(number_of_nonce(hub, kDevice, {}), 0u);
    EXPECT_FALSE(number_of_nonce(key_of(2), kDevice, nonce));
    EXPECT_FALSE(number_of_nonce(hub, {kDevice.device, 4}, nonce));
    Bytes other = nonce;
    ++other[0];
    EXPECT_FALSE(number_of_nonce(hub, kDevice, other));
    EXPECT_FALSE(number_of_nonce(hub, kDevice, make_nonce(hub, kDevice, 0)));
}

TEST(Evidence, AHelloIsGoodForOneChallenge) {
    const SigningKey key = key_of(2);
    Hello hello;
    hello.replica = kDevice;
    hello.last_seq = 4;
    hello.head_hash = Hash{{9}};
    hello.session_nonce = {1, 2};
    hello.signature = sign_hello(key, Bytes{1}, hello);
    EXPECT_TRUE(verify_hello(key.public_key(), Bytes{1}, hello));
    EXPECT_FALSE(verify_hello(key.public_key(), Bytes{2}, hello));
    Hello other = hello;
    ++other.last_seq;
    EXPECT_FALSE(verify_hello(key.public_key(), Bytes{1}, other));
    other = hello;
    other.head_hash[0] ^= 1;
    EXPECT_FALSE(verify_hello(key.public_key(), Bytes{1}, other));
    other = hello;
    other.session_nonce.push_back(3);
    EXPECT_FALSE(verify_hello(key.public_key(), Bytes{1}, other));
    other = hello;
    ++other.replica.incarnation;
    EXPECT_FALSE(verify_hello(key.public_key(), Bytes{1}, other));
}

TEST(Evidence, AHelloThatWasRecordedOpensNothing) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    Wire wire{log, hub, keys.device};
    Bytes recorded;
    wire.tamper = [&](bool up, Bytes& m) {
        if (up && recorded.empty()) recorded = m;
    };
    wire.run();
    HubSession other{hub, Wire::with_key({}, hub)};
    other.start(Bytes(16, 8), {1});
    (void)other.take_actions();
    other.on_message(recorded, {1});
    const auto actions = other.take_actions();
    ASSERT_EQ(actions.size(), 1u);
    const auto& who = std::get<Authenticate>(actions[0]);
    EXPECT_FALSE(verify_hello(*hub.device_key, who.challenge, who.hello));
}

TEST(Evidence, ABatchThatTheDeviceDidNotSignIsKeptAndSetAside) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(9);
    Wire wire{log, hub, keys.device};
    wire.tamper = on_the_way<Push>([&](Push& push) {
        if (push.first_seq != 4) return;
        push.signature = sign_batch(key_of(3), kDevice, 6, push.head_hash);
    });
    wire.run();
    ASSERT_EQ(hub.runs.size(), 3u);
    EXPECT_FALSE(hub.runs[0].unproven);
    EXPECT_TRUE(hub.runs[1].unproven);
    EXPECT_FALSE(hub.runs[1].opaque);
    EXPECT_FALSE(hub.runs[2].unproven);
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_EQ(hub.suspicions.size(), 1u);
    EXPECT_EQ(log.acked, 9u);
}

/// What a session does with an ack whose receipt is changed on the way.
void expect_receipt_refused(const std::function<void(RunReceipt&)>& change) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(3);
    Wire wire{log, hub, keys.device};
    wire.tamper = on_the_way<PushAck>([&](PushAck& ack) {
        if (ack.receipts.empty()) return;
        change(ack.receipts[0]);
    });
    wire.run();
    EXPECT_TRUE(log.receipted.empty());
    EXPECT_EQ(wire.seen<Retry>().size(), 1u);
}

TEST(Evidence, AForgedReceiptIsNotKept) {
    expect_receipt_refused([](RunReceipt& r) { r.received = {1}; });
    expect_receipt_refused([](RunReceipt& r) { sign_receipt(key_of(3), r); });
    expect_receipt_refused([](RunReceipt& r) { r.signature.clear(); });
}

TEST(Evidence, AReceiptOfAnotherBranchIsNotKept) {
    expect_receipt_refused([](RunReceipt& r) {
        r.last_hash[0] ^= 1;
        sign_receipt(key_of(1), r);
    });
}

TEST(Evidence, AForgedHeadEndsTheSession) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(3);
    Wire wire{log, hub, keys.device};
    wire.tamper = on_the_way<Page>([&](Page& page) {
        if (page.signed_head.empty()) return;
        page.signed_head = sign_head(key_of(3), {0, page.next});
    });
    wire.run();
    EXPECT_TRUE(wire.agent.done());
    EXPECT_NE(log.cursor, hub.head());
}

TEST(Recovery, AHubThatFellBackGetsRecordsWithTheirReceiptsAgain) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    RunReceipt receipt{kDevice, 1, 3, {}, {5}, {6}, {}, {}};
    log.save(3);
    receipt.last_hash = log.hashes[3];
    receipt.times.resize(3);
    RunReceipt forged = receipt;
    sign_receipt(*hub.key, receipt);
    sign_receipt(key_of(3), forged);
    for (const RunReceipt& brought : {receipt, forged}) {
        MemoryHub restored;
        restored.key = hub.key;
        restored.device_key = hub.device_key;
        MemoryLog again;
        again.save(3);
        again.own_receipts = {brought};
        meet(again, restored, keys.device);
        EXPECT_EQ(restored.stored, again.records);
        const bool good = brought == receipt;
        EXPECT_EQ(restored.brought.size(), good ? 1u : 0u);
        EXPECT_EQ(restored.suspicions.size(), good ? 0u : 1u);
    }
}

TEST(Recovery, ADeviceThatFellBackGetsItsOwnRecordsBack) {
    for (const bool with_keys : {false, true}) {
        MemoryLog log;
        MemoryHub hub;
        AgentSessionConfig config;
        config.batch_records_max = 3;
        if (with_keys) config = Keys{hub}.device;
        log.save(20);
        meet(log, hub, config);
        for (const std::size_t left : {std::size_t{0}, std::size_t{4}, std::size_t{18}}) {
            MemoryLog older;
            older.save(left);
            meet(older, hub, config);
            EXPECT_EQ(older.records, log.records);
            EXPECT_EQ(older.hashes, log.hashes);
            EXPECT_FALSE(older.renamed);
            older.save(2);
            meet(older, hub, config);
            log.save(2);
            EXPECT_EQ(hub.stored, older.records);
        }
        EXPECT_TRUE(hub.granted.empty());
    }
}

TEST(Recovery, OwnRecordsThatDoNotFitAreNotTaken) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(9);
    meet(log, hub, keys.device);
    MemoryLog older;
    older.save(4);
    Wire wire{older, hub, keys.device};
    wire.tamper = on_the_way<OwnRecords>([&](OwnRecords& own) {
        if (own.runs[0].receipt.last_seq < 9) return;
        own.runs[0].receipt.last_hash[0] ^= 1;  // signed by the hub, and for other content
        sign_receipt(*hub.key, own.runs[0].receipt);
    });
    wire.run();
    // What cannot be shown to be its own it does not go on from.
    ASSERT_TRUE(older.renamed);
    EXPECT_EQ(older.renamed->common, 6u);
    EXPECT_EQ(hub.granted, std::vector<std::uint64_t>{6});
}

/// A copy that shares `common` records with the device whose log the hub has, and has others after.
void expect_fork_found(std::uint64_t at_hub, std::uint64_t common, std::uint64_t at_copy) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(at_hub);
    meet(log, hub, keys.device);
    MemoryLog copy;
    copy.save(common);
    copy.save(at_copy - common, 30);
    const auto rest = at_copy - common;
    Wire wire{copy, hub, keys.device};
    wire.run();
    ASSERT_TRUE(copy.renamed);
    EXPECT_EQ(copy.renamed->common, common);
    EXPECT_EQ(hub.granted, std::vector<std::uint64_t>{common});
    EXPECT_EQ(copy.records.size(), rest);
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_TRUE(wire.seen<ApplyPage>().empty());
    EXPECT_TRUE(wire.seen<SessionReady>().empty());
    ASSERT_EQ(wire.seen<Retry>().size(), 1u);
    EXPECT_TRUE(wire.seen<Retry>()[0].at_once);
}

TEST(Recovery, ACopyFindsTheLastRecordItShares) {
    for (const std::uint64_t at_hub : {1u, 2u, 5u, 70u, 400u}) {
        for (const std::uint64_t common : {0u, 1u, 4u, 69u, 399u}) {
            if (common >= at_hub) continue;
            for (const std::uint64_t more : {1u, 3u, 90u})
                expect_fork_found(at_hub, common, common + more);
        }
    }
}

TEST(Recovery, APossibleCopyHandsOverWhatIsSharedAndGoesOnUnderAnotherNumber) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(5);
    meet(log, hub, keys.device);
    log.save(6);
    log.shared_seq = 8;
    Wire wire{log, hub, keys.device};
    const auto before = log.records;
    wire.run();
    EXPECT_EQ(hub.stored, std::vector(before.begin(), before.begin() + 8));
    EXPECT_EQ(hub.granted, std::vector<std::uint64_t>{8});
    EXPECT_EQ(log.records.size(), 3u);
    EXPECT_TRUE(wire.seen<ApplyPage>().empty());
}

TEST(Recovery, AnErrorThatTheDeviceIsACopyLeadsToANewSession) {
    for (const WireCode code : {WireCode::kForked, WireCode::kRolledBack}) {
        MemoryLog log;
        MemoryHub hub;
        Wire wire{log, hub};
        wire.server.refuse(code, Millis{0}, "another session");
        wire.carry();
        wire.run();
        ASSERT_EQ(wire.seen<Retry>().size(), 1u);
        EXPECT_TRUE(wire.seen<Retry>()[0].at_once);
    }
}

/// A record of the hub's own as it comes with a page.
PageRun hub_record(const SigningKey& key, std::uint64_t seq, const Hash& before) {
    const Replica self{kHubId, 9};
    const auto record = encode(record_of(self, seq));
    const auto view = view_of(record);
    PageRun out;
    out.body = encode_batch({&view, 1});
    out.raw_bytes = static_cast<std::uint32_t>(out.body.size());
    out.hub_seq = {seq};
    out.receipt = {self, seq, seq, chain_hash(before, sync::hash_of(view)), {5}, {seq}, {{}}, {}};
    sign_receipt(key, out.receipt);
    return out;
}

TEST(Recovery, TheHubsOwnRecordsComeBackToAHubThatLostThem) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    Hash before{};
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
        log.hub_records.push_back(hub_record(*hub.key, seq, before));
        before = log.hub_records.back().receipt.last_hash;
    }
    log.cursor = {{50}, Hash{{1}}};
    log.save(2);
    hub.knows_cursors = false;
    const Replica self{kHubId, 9};
    hub.own_heads[{self, 1}] = log.hub_records[0].receipt.last_hash;
    meet(log, hub, keys.device);
    EXPECT_EQ(hub.own_heads.size(), 5u);
    EXPECT_EQ(hub.stored, log.records);
    EXPECT_TRUE(hub.suspicions.empty());
    EXPECT_TRUE(log.reads_anew);
}

TEST(Recovery, WhatTheHubDidNotSignIsNotTakenBack) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.cursor = {{50}, Hash{{1}}};
    hub.knows_cursors = false;
    PageRun of_another_key = hub_record(key_of(3), 1, {});
    PageRun of_a_device = hub_record(*hub.key, 1, {});
    of_a_device.receipt.replica = kDevice;
    sign_receipt(*hub.key, of_a_device.receipt);
    PageRun other_content = hub_record(*hub.key, 1, {});
    other_content.body = hub_record(*hub.key, 2, {}).body;
    for (const PageRun& run : {of_another_key, of_a_device, other_content}) {
        hub.suspicions.clear();
        log.cursor = {{50}, Hash{{1}}};
        log.hub_records = {run};
        meet(log, hub, keys.device);
        EXPECT_TRUE(hub.own_heads.empty());
        EXPECT_EQ(hub.suspicions.size(), 1u);
    }
}

TEST(Recovery, ReceiptsThatTheDeviceHasEarlierReachTheHub) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    log.save(2);
    Wire wire{log, hub, keys.device};
    wire.run();
    RunReceipt good{kDevice, 1, 2, log.hashes[2], {5}, {6}, {{}, {}}, {}};
    sign_receipt(*hub.key, good);
    RunReceipt forged = good;
    forged.received = {4};
    wire.agent.on_earlier({good, forged});
    wire.carry();
    wire.run();
    EXPECT_EQ(hub.earlier, std::vector{good});
    EXPECT_EQ(hub.suspicions.size(), 1u);
    EXPECT_FALSE(wire.closed);
}

TEST(Recovery, ANonceCountsOnceTheDeviceSaysItHasIt) {
    MemoryLog log;
    MemoryHub hub;
    const Keys keys{hub};
    {
        Wire wire{log, hub, keys.device};
        wire.forgets_nonces = true;
        wire.run();
    }
    EXPECT_EQ(hub.nonce, 0u);
    meet(log, hub, keys.device);
    EXPECT_EQ(hub.nonce, 1u);
    Wire wire{log, hub, keys.device};
    wire.server.on_message(encode_message(NonceKept{Bytes(32, 1)}), {wire.now});
    EXPECT_TRUE(wire.server.done());
}

TEST(Recovery, NothingIsPushedOrPulledBeforeTheHeadsFit) {
    MemoryLog log;
    MemoryHub hub;
    log.save(5);
    meet(log, hub, {});
    for (const Message& m : {Message{Push{}}, Message{Pull{1, {}, 1000}}}) {
        MemoryLog older;
        older.save(3);
        Wire wire{older, hub};
        for (int i = 0; i < 2; ++i) wire.step();  // Challenge, Hello
        wire.server.on_message(encode_message(m), {wire.now});
        wire.carry();
        ASSERT_TRUE(wire.closed);
        EXPECT_EQ(wire.closed->reason, WireCode::kProtocolViolation);
    }
}

}  // namespace
}  // namespace streetlog::sync::testing

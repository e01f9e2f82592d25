#pragma once

#include "loopback.hpp"

namespace streetlog::sync::testing {

/// One message of every kind, all fields that can be told apart filled.
inline std::vector<Message> samples() {
    MemoryLog log;
    log.save(3);
    const auto run = log.read_run(1, 3, 10'000);
    std::vector<EncodedView> views;
    for (const auto& r : run->records) views.push_back(view_of(r));
    // Not compressed: golden bytes must not depend on the version of zstd.
    Packed packed;
    packed.body = encode_batch(views);
    packed.raw_bytes = static_cast<std::uint32_t>(packed.body.size());
    RunReceipt receipt{
        kDevice, 1, 2, Hash{{4}}, {77}, {5}, {{{1}, {{2}, {3}}}, {{4}, {{5}, {6}}}}, {8}};
    Push push;
    push.first_seq = 1;
    push.count = 3;
    push.raw_bytes = packed.raw_bytes;
    push.encoding = packed.encoding;
    push.head_hash = log.hashes[3];
    push.body = packed.body;
    push.receipts = {receipt};
    Page page;
    page.scope = 1;
    page.next = {{9}, Hash{{1}}};
    page.signed_head = {1, 2};
    page.runs.push_back({receipt, {5}, push.encoding, push.raw_bytes, push.body, {}});
    HiddenWrite write{EntityId{{1}}, 2, 3, 4, true, {{kDevice, 5, 6}}};
    page.runs[0].hidden.push_back({2, RecordStatus::kHeld, StatusCode::kNewerSchema, {write}});
    Hello hello;
    hello.replica = kDevice;
    hello.secret = {1, 2, 3};
    hello.last_seq = 4;
    hello.head_hash = Hash{{9}};
    hello.scopes = {{1, {{3}, Hash{{3}}}, {{4}, Hash{{4}}}}};
    hello.app_version = "0.1.0";
    hello.reidentify = true;
    hello.snapshot = Hash{{5}};
    HelloAck hello_ack;
    hello_ack.acked_seq = 3;
    hello_ack.acked_hash = Hash{{7}};
    hello_ack.scopes = {{1, true}};
    hello_ack.credit = 1000;
    hello_ack.older = {{2, 5, Hash{{6}}}};
    hello_ack.hubs = {{8, 9, Hash{{10}}}};
    hello_ack.features = kFeatureCarry;
    PushAck ack{2, {receipt}, {{1, RecordStatus::kQuarantined, StatusCode::kMalformed}}, 1, 55, {}};
    SnapshotManifest manifest;
    manifest.scope = 1;
    manifest.at = {{9}, Hash{{1}}};
    manifest.bundle = 1;
    manifest.entities = 12;
    manifest.chunks = {{Hash{{2}}, 300, 1'000, Encoding::kZstd},
                       {Hash{{3}}, 7, 7, Encoding::kPlain}};
    manifest.own.push_back({receipt, {5}, Encoding::kNone, 0, {}, {}});
    manifest.own_more = true;
    return {Challenge{{1, 2}, {3}, 1, 4, DeviceId{{5}}, {6}},
            hello,
            hello_ack,
            Probe{1, 2, 3, 4, 5},
            ProbeAck{1, 2, {3}},
            push,
            ack,
            Pull{1, {{2}, Hash{{2}}}, 3},
            page,
            ErrorMessage{WireCode::kGap, ErrorClass::kRewind, 5, 6, "why"},
            Bye{WireCode::kMaintenance, "later"},
            SnapshotAsk{1, 7, Hash{{4}}},
            manifest,
            SnapshotGet{1, Hash{{4}}, 2, 3, 400},
            SnapshotPiece{1, Hash{{4}}, 2, 3, {5, 6, 7}},
            NonceKept{{1, 2, 3}},
            AskOwn{7},
            OwnRecords{page.runs, true},
            Compare{{{3, Hash{{3}}}, {9, Hash{{9}}}}},
            Common{3},
            AskIncarnation{3},
            Incarnation{77},
            Reoffer{page.runs},
            ReofferAck{},
            Earlier{{receipt}},
            CarryOffer{Hash{{4}}, 5'000},
            CarryPiece{Hash{{4}}, 300, {5, 6, 7}},
            CarryAnswer{Hash{{4}}, 303, CarryOutcome::kWaits, "why"}};
}

}  // namespace streetlog::sync::testing

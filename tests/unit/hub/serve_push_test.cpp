// Pushes of devices that were let in and are broken or mean it ill: what they may cost is their own
// session, never the hub, the records of others or the words that say so.
#include <functional>

#include <gtest/gtest.h>

#include "tests/support/words.hpp"
#include "tests/unit/hub/serve_fixture.hpp"

namespace streetlog::hub {
namespace {

using sync::ErrorMessage;
using sync::PushAck;
using sync::WireCode;
using test::Opcode;

sync::Bytes cut(sync::Bytes bytes, std::size_t by) {
    bytes.resize(bytes.size() - by);
    return bytes;
}

/// A zstd frame (RFC 8878) of 24 blocks that each repeat a zero 128 KiB times.
sync::Bytes three_megabytes_of_zeros() {
    constexpr int kBlocks = 24;
    sync::Bytes out{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38};  // magic; no size; a window of 128 KiB
    for (int i = 0; i < kBlocks; ++i) {
        const std::uint32_t header = 131'072U << 3 | 1U << 1 | (i + 1 == kBlocks ? 1U : 0U);
        for (int byte = 0; byte < 3; ++byte) out.push_back(static_cast<Byte>(header >> (8 * byte)));
        out.push_back(0);
    }
    return out;
}

TEST_F(ServeTest, APushOverItsLimitsEndsTheSessionAndNothingOfItIsStored) {
    struct Case {
        const char* name;
        std::function<void(sync::Push&)> change;
        WireCode code;
    };

    const Case cases[] = {
        {"more records than a batch may hold",
         [](sync::Push& p) { p.count = sync::kBatchRecordsMax + 1; },
         WireCode::kProtocolViolation},
        {"no records", [](sync::Push& p) { p.count = 0; }, WireCode::kProtocolViolation},
        {"record nought", [](sync::Push& p) { p.first_seq = 0; }, WireCode::kProtocolViolation},
        {"a number at the end of numbers",
         [](sync::Push& p) { p.first_seq = UINT64_MAX; },
         WireCode::kProtocolViolation},
        {"a body that says it unfolds to 4 GB",
         [](sync::Push& p) { p.raw_bytes = UINT32_MAX; },
         WireCode::kProtocolViolation},
        {"another past", [](sync::Push& p) { p.prev_hash[0] ^= 1; }, WireCode::kForked},
        {"receipts for others",
         [](sync::Push& p) {
             p.receipts.push_back({{}, p.first_seq, p.first_seq, {}, {}, {}, {{}}, {}});
         },
         WireCode::kProtocolViolation},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        TestDevice device = enrol(c.name);
        Peer peer{hub_.port(), device.credentials()};
        enter(peer, device);
        sync::Push push = device.save();
        c.change(push);
        const std::uint64_t before = hub_.head();
        ASSERT_TRUE(peer.send(push));
        expect_end(peer, c.code);
        EXPECT_EQ(hub_.head(), before);
    }
    expect_all_is_well();
}

TEST_F(ServeTest, ADeviceThatDiesInTheMiddleOfAPushLeavesNothingAndComesAgain) {
    TestDevice device = enrol("in a tunnel");
    const sync::Push push = device.save();
    const sync::Bytes bytes = sync::encode_message(push);
    const std::string frame = test::client_frame(
        Opcode::kBinary, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const std::uint64_t before = hub_.head();
    for (const std::size_t part : {std::size_t{1}, frame.size() / 2, frame.size() - 1}) {
        Peer peer{hub_.port(), device.credentials()};
        const auto challenge = peer.next_as<sync::Challenge>();
        ASSERT_TRUE(challenge);
        ASSERT_TRUE(peer.send(device.hello(*challenge)));
        ASSERT_TRUE(peer.next_as<sync::HelloAck>());
        ASSERT_TRUE(peer.socket().write(std::string_view{frame}.substr(0, part)));
        peer.hang_up();
    }
    EXPECT_EQ(hub_.head(), before);
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    ASSERT_TRUE(peer.send(push));
    EXPECT_EQ(peer.next_as<PushAck>()->acked_seq, 1U);
    expect_all_is_well(1);
}

/// What cannot be unfolded three times over is not the line's doing: the hub takes custody of the
/// bytes, so that the device's next records get through, and shows them to nobody.
class DamagedPush : public ServeTest, public testing::WithParamInterface<int> {};

TEST_P(DamagedPush, IsAskedForAgainAndThenSetAsideWhole) {
    TestDevice device = enrol("broken");
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    sync::Push push = device.save();
    switch (GetParam()) {
        case 0:  // not the records the hash was made of
            push.body[push.body.size() / 2] ^= 1;
            break;
        case 1:  // the end is missing
            push.body = cut(push.body, 16);
            push.raw_bytes -= 16;
            break;
        case 2:  // a decompression bomb
            push.body = three_megabytes_of_zeros();
            push.encoding = sync::Encoding::kZstd;
            break;
        case 3:  // records of no size
            push.body = test::Words{}
                            .add_struct(0, 0, 1)
                            .add_list(0, 0)
                            .add_tag(500, 0, 0)
                            .pad(200)
                            .bytes();
            push.raw_bytes = static_cast<std::uint32_t>(push.body.size());
            break;
        default:  // an encoding nobody knows
            push.encoding = static_cast<sync::Encoding>(77);
            break;
    }
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(peer.send(push));
        const auto error = peer.next_as<ErrorMessage>();
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, WireCode::kDamaged);
        EXPECT_EQ(error->expected_seq, 1U);
        EXPECT_EQ(peer.next_as<PushAck>()->acked_seq, 0U);
    }
    ASSERT_TRUE(peer.send(push));
    const auto ack = peer.next_as<PushAck>();
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->acked_seq, 1U);
    ASSERT_EQ(ack->exceptions.size(), 1U);
    EXPECT_EQ(ack->exceptions[0].status, sync::RecordStatus::kQuarantined);
    EXPECT_EQ(ack->exceptions[0].code, sync::StatusCode::kMalformed);
    hand_over(peer, device);

    EXPECT_EQ(peer_->pull_all(), 1U);
    expect_all_is_well(1);
}

INSTANTIATE_TEST_SUITE_P(Serve, DamagedPush, testing::Range(0, 5));

/// Sends `push` until the hub takes it as it is; the number of records it then has.
std::uint64_t force(Peer& peer, const sync::Push& push) {
    for (int i = 0; i < 2; ++i) {
        if (!peer.send(push) || !peer.next_as<ErrorMessage>() || !peer.next_as<PushAck>()) return 0;
    }
    if (!peer.send(push)) return 0;
    const auto ack = peer.next_as<PushAck>();
    return ack ? ack->acked_seq : 0;
}

TEST_F(ServeTest, GoingBackIntoWhatWasSetAsideUnreadIsHarmless) {
    TestDevice device = enrol("broken");
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    std::vector<sync::EncodedRecord> ten;
    while (ten.size() < 10) ten.push_back(device.client());
    sync::Push bad = device.push_of(ten);
    const sync::Push one = device.sign(push_of(1, {}, std::span{ten}.first(1)));
    bad.body = one.body;  // where ten should be
    bad.raw_bytes = one.raw_bytes;
    ASSERT_EQ(force(peer, bad), 10U);

    ASSERT_TRUE(peer.send(device.sign(push_of(1, {}, std::span{ten}.first(5)))));
    const auto ack = peer.next_as<PushAck>();
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->acked_seq, 10U);
    expect_all_is_well(10);
}

TEST_F(ServeTest, TwoSessionsOfOneDeviceDoNotTripOverEachOther) {
    TestDevice device = enrol("reconnecting");
    Peer old_one{hub_.port(), device.credentials()};
    enter(old_one, device);
    Peer new_one{hub_.port(), device.credentials()};
    enter(new_one, device);
    const sync::Push pushes[] = {device.save(), device.save(), device.save()};
    for (const sync::Push& push : pushes) {
        ASSERT_TRUE(old_one.send(push));
        ASSERT_TRUE(old_one.next_as<PushAck>());
    }
    std::uint64_t acked = 0;
    for (const sync::Push& push : pushes) {
        ASSERT_TRUE(new_one.send(push));
        const auto ack = new_one.next_as<PushAck>();
        ASSERT_TRUE(ack);
        EXPECT_GE(ack->acked_seq, push.first_seq);
        EXPECT_GE(ack->acked_seq, acked);
        ASSERT_EQ(ack->receipts.size(), 1U);
        acked = ack->acked_seq;
    }
    EXPECT_EQ(acked, 3U);
    hand_over(new_one, device);
    expect_all_is_well(3);
}

TEST_F(ServeTest, AnEmptyRecordIsSetAsideAndThoseBesideItAreTaken) {
    TestDevice device = enrol("half empty");
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    std::vector<sync::EncodedRecord> records{device.nothing()};
    records.push_back(device.client());
    ASSERT_TRUE(peer.send(device.push_of(records)));
    const auto ack = peer.next_as<PushAck>();
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->acked_seq, 2U);
    ASSERT_EQ(ack->exceptions.size(), 1U);
    EXPECT_EQ(ack->exceptions[0].seq, 1U);
    EXPECT_EQ(ack->exceptions[0].code, sync::StatusCode::kMalformed);
    expect_all_is_well(2);
}

class FullPush : public ServeTest, public testing::WithParamInterface<int> {};

TEST_P(FullPush, IsTakenAndEverybodyCanPullIt) {
    constexpr std::size_t kRoom = sync::kBatchRawBytesMax - 1'000;
    TestDevice device = enrol("full");
    test::SeededRandom noise{9};
    const EntityId one = noise.id<EntityId>();
    const auto record = [&](sync::Record& r) {
        if (GetParam() == 0) {  // text that cannot be packed
            std::string text(400, '\0');
            noise.fill({reinterpret_cast<Byte*>(text.data()), text.size()});
            r.ops[0].cells[0].value = std::move(text);
            return;
        }
        r.ops[0].entity = one;  // taken after the first, so that the rest is set aside
        if (GetParam() != 2) {  // many dots in each of a few, or too many in a single one
            const std::uint64_t dots = GetParam() == 1 ? 3'000 : 7'000;
            for (std::uint64_t i = 0; i < dots; ++i)
                r.ops[0].supersedes.push_back({device.replica(), i, 0});
        } else {  // as many writes
            r.ops.resize(2'000, r.ops[0]);
            for (sync::Op& op : r.ops) op.cells.clear();
        }
    };
    std::vector<sync::EncodedRecord> records;
    for (std::size_t bytes = 0; records.size() < sync::kBatchRecordsMax;) {
        sync::EncodedRecord next = device.client(record);
        bytes += 24 + next.header.size();
        for (const auto& op : next.ops) bytes += 8 + op.size();
        if (bytes > kRoom) break;
        records.push_back(std::move(next));
    }
    ASSERT_FALSE(records.empty());
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    ASSERT_TRUE(peer.send(device.push_of(records)));
    const auto ack = peer.next_as<PushAck>();
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->acked_seq, records.size());
    EXPECT_EQ(peer_->pull_all(), ack->exceptions.size());
    expect_all_is_well(records.size());
}

INSTANTIATE_TEST_SUITE_P(Serve, FullPush, testing::Range(0, 4));

TEST_F(ServeTest, ABodyThatLeavesAPageNoRoomIsRefused) {
    TestDevice device = enrol("over the brim");
    Peer peer{hub_.port(), device.credentials()};
    enter(peer, device);
    sync::Push push = device.save();
    push.body.resize(sync::kBatchRawBytesMax + 8);
    ASSERT_TRUE(peer.send(push));
    expect_end(peer, WireCode::kProtocolViolation, "limits");
    expect_all_is_well();
}

}  // namespace
}  // namespace streetlog::hub

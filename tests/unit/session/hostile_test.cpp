#include "samples.hpp"

namespace streetlog::sync::testing {
namespace {

TEST(Messages, EveryKindSurvivesTheWire) {
    for (const Message& m : samples()) {
        const auto back = decode_message(encode_message(m));
        ASSERT_TRUE(back) << m.index() << back.error().message;
        EXPECT_EQ(*back, m) << m.index();
    }
}

TEST(Messages, ReadAtAnyAlignment) {
    for (const Message& m : samples()) {
        Bytes shifted = encode_message(m);
        shifted.insert(shifted.begin(), 0);
        EXPECT_EQ(*decode_message(BytesView{shifted}.subspan(1)), m);
    }
}

TEST(Messages, TruncatedAtAnyLengthIsAnErrorOrAnotherMessageNeverACrash) {
    for (const Message& m : samples()) {
        const Bytes whole = encode_message(m);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto cut = decode_message(BytesView{whole}.first(n));
            if (n % 8 != 0 || n == 0) EXPECT_FALSE(cut) << m.index() << " at " << n;
        }
    }
}

TEST(Messages, OversizeIsRefusedUnread) {
    const auto big = decode_message(Bytes(kMessageBytesMax + 8));
    ASSERT_FALSE(big);
    EXPECT_EQ(big.error().code, ErrorCode::kTooLarge);
}

TEST(Messages, ShortHashAndReceiptWithoutTimesAreMalformed) {
    RunReceipt receipt{kDevice, 1, 9, {}, {}, {}, {{}}, {}};
    EXPECT_EQ(decode_message(encode_message(PushAck{9, {receipt}, {}, 0, 0, {}})).error().code,
              ErrorCode::kMalformed);
}

/// Any single changed bit, given to either side in the middle of a session, must end in an orderly
/// way: an error, a skipped message or a different value, and nothing acked that is not stored.
TEST(Messages, NoFlippedBitBringsASessionDown) {
    for (const Message& m : samples()) {
        const Bytes whole = encode_message(m);
        for (std::size_t bit = 0; bit < whole.size() * 8; bit += 3) {
            Bytes bad = whole;
            bad[bit / 8] ^= static_cast<Byte>(1U << bit % 8);
            if (!decode_message(bad)) continue;
            MemoryLog log;
            MemoryHub hub;
            Wire wire{log, hub};
            wire.run();
            wire.agent.on_message(bad, boot_clock(1 << 20));
            wire.server.on_message(bad, {wire.now});
            (void)wire.agent.take_actions();
            (void)wire.server.take_actions();
        }
    }
}

TEST(Messages, AnUnknownMessageIsSkippedUnlessCritical) {
    // Word 1 of the root's data: critical is bit 0, the union's tag the second 16 bits.
    Bytes later = encode_message(Probe{1, 2});
    later[10] = 200;
    const auto decoded = decode_message(later);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, Message{Unknown{false}});
    MemoryLog log;
    MemoryHub hub;
    Wire wire{log, hub};
    wire.run();
    wire.server.on_message(later, {wire.now});
    wire.agent.on_message(later, boot_clock(5000));
    EXPECT_FALSE(wire.server.done());
    EXPECT_FALSE(wire.agent.done());
    later[8] |= 1;
    wire.server.on_message(later, {wire.now});
    wire.agent.on_message(later, boot_clock(5000));
    EXPECT_TRUE(wire.server.done());
    EXPECT_TRUE(wire.agent.done());
}

}  // namespace
}  // namespace streetlog::sync::testing

#include <gtest/gtest.h>

#include "sync/change/codec.hpp"
#include "sync/change/compress.hpp"
#include "sync/change/hlc.hpp"
#include "sync/change/inspect.hpp"
#include "tests/support/words.hpp"

namespace streetlog::sync {
namespace {

Record sample() {
    Record r;
    r.header.replica = {DeviceId{{1}}, 2};
    r.header.seq = 3;
    r.header.kind = EventKind::kExit;
    Op op;
    op.entity = EntityId{{4}};
    op.table = 5;
    op.group = 6;
    op.cells = {{1, Absent{}},
                {2, std::int64_t{-7}},
                {3, "text"},
                {4, Bytes{1, 2, 3}},
                {5, std::vector<std::uint16_t>{8, 9}},
                {6, Redacted{}}};
    op.supersedes = {{r.header.replica, 1, 0}, {{DeviceId{{9}}, 1}, 10, 11}};
    op.profile = {EntityId{{12}}};
    r.ops = {op};
    return r;
}

TEST(Codec, EveryKindOfCellSurvives) {
    const auto back = decode(view_of(encode(sample())));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, sample());
}

TEST(Codec, AnUnknownKindOfOpIsUnsupportedAndStillShowsItsEdges) {
    Record r = sample();
    r.ops[0].kind = static_cast<OpKind>(900);
    const EncodedRecord encoded = encode(r);
    EXPECT_EQ(decode(view_of(encoded)).error().code, ErrorCode::kUnsupported);
    const auto edges = edges_of(view_of(encoded));
    ASSERT_EQ(edges.size(), 1u);
    EXPECT_EQ(edges[0].supersedes, r.ops[0].supersedes);
    EXPECT_TRUE(edges[0].redacted);
}

/// A Batch of `records` records of `words` words each, up to and with the tag of the list.
test::Words batch_of(std::uint64_t records, std::uint64_t words) {
    test::Words out;
    return out.add_struct(0, 0, 1).add_list(0, records * words).add_tag(records, 0, words);
}

TEST(Codec, ABatchOfRecordsThatTakeNoRoomIsMalformed) {
    EXPECT_EQ(decode_batch(batch_of(50, 0).bytes()).error().code, ErrorCode::kMalformed);
    const Bytes many = batch_of(60'000, 0).pad(10'000).bytes();
    EXPECT_EQ(decode_batch(many).error().message, "a batch claims more records than it can hold");
    EXPECT_TRUE(decode_batch(batch_of(4'000, 0).pad(10'000).bytes()));
}

TEST(Codec, RecordsThatShareOneListOfOpsAreMalformed) {
    constexpr std::uint32_t kOps = 100;
    const auto shared_by = [](std::uint32_t records) {
        test::Words words = batch_of(records, 2);
        for (std::uint32_t i = 0; i < records; ++i)
            words.add(0).add_pointers(static_cast<std::int32_t>(2 * (records - i - 1)), kOps);
        return words.pad(kOps).bytes();
    };
    const Bytes of_one = shared_by(1);
    const auto one = decode_batch(of_one);
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(one->at(0).ops.size(), kOps);
    const auto eight = decode_batch(shared_by(8));
    ASSERT_FALSE(eight);
    EXPECT_EQ(eight.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(eight.error().message, "a batch claims more ops than it can hold");
}

TEST(Codec, AnOpWhoseDotsTakeNoRoomIsMalformed) {
    EncodedRecord encoded = encode(sample());
    test::Words op;
    op.add_struct(0, 1, 4).add(1).add(0).add(0).add_list(1, 0).add(0).add_tag(40, 0, 0);
    encoded.ops[0] = op.bytes();
    const auto back = decode(view_of(encoded));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(inspect(view_of(encoded)).error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(edges_of(view_of(encoded)).empty());
}

TEST(Codec, EdgesThatWouldOutweighTheirRecordAreNone) {
    Record r = sample();
    EXPECT_EQ(edges_of(view_of(encode(r))).size(), 1U);
    for (std::uint64_t i = 0; i < 200; ++i) r.ops[0].supersedes.push_back({r.header.replica, i, 0});
    EXPECT_TRUE(edges_of(view_of(encode(r))).empty());
    r.ops[0].cells[2].value = std::string(8'000, 'x');
    EXPECT_EQ(edges_of(view_of(encode(r))).at(0).supersedes.size(), 202U);
}

TEST(Codec, ABatchOfEmptyRecordsOnlyIsWhole) {
    const std::vector<EncodedView> hidden(500);
    const Bytes body = encode_batch(hidden);
    const auto back = decode_batch(body);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->size(), 500U);
}

TEST(Codec, BrokenBytesAreMalformedAndHaveNoEdges) {
    EncodedRecord encoded = encode(sample());
    encoded.ops[0].resize(encoded.ops[0].size() - 3);
    EXPECT_EQ(decode(view_of(encoded)).error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(edges_of(view_of(encoded)).empty());
}

TEST(Codec, CellsOutOfOrderAreMalformed) {
    Record r = sample();
    std::swap(r.ops[0].cells[0], r.ops[0].cells[1]);
    EXPECT_EQ(decode(view_of(encode(r))).error().code, ErrorCode::kMalformed);
}

TEST(Hash, AChainDependsOnEveryRecordAndItsOrder) {
    const Hash a = sha256(Bytes{1});
    const Hash b = sha256(Bytes{2});
    EXPECT_NE(chain_hash(chain_hash({}, a), b), chain_hash(chain_hash({}, b), a));
    EXPECT_EQ(to_hex(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Compress, LargeBodiesShrinkAndComeBack) {
    Bytes raw(10'000);
    for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<Byte>(i % 251 + i / 500);
    const Packed packed = pack(raw);
    EXPECT_EQ(packed.encoding, Encoding::kZstd);
    EXPECT_EQ(*unpack(packed.encoding, packed.raw_bytes, packed.body), raw);
    EXPECT_FALSE(unpack(packed.encoding, packed.raw_bytes - 1, packed.body));
}

TEST(Compress, WhatIsPackedCanAlwaysBeUnpacked) {
    for (std::size_t n :
         {std::size_t{0}, std::size_t{511}, std::size_t{512}, std::size_t{200'000}}) {
        const Bytes raw(n, 5);  // shrinks further than unpacking allows
        const Packed packed = pack(raw);
        const auto back = unpack(packed.encoding, packed.raw_bytes, packed.body);
        ASSERT_TRUE(back) << n;
        EXPECT_EQ(*back, raw) << n;
    }
}

TEST(Compress, ABombIsRefusedBeforeItUnfolds) {
    const Bytes small(16);
    EXPECT_EQ(unpack(Encoding::kZstd, kBodyBytesMax + 1, small).error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(unpack(Encoding::kZstd, 1'000'000, small).error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(unpack(Encoding::kNone, 16, small).error().code, ErrorCode::kMalformed);
}

TEST(Hlc, NeverGoesBackAndAbsorbsTheHub) {
    Hlc clock;
    const HlcStamp first = clock.tick({1000});
    EXPECT_EQ(first.ms(), 1000);
    EXPECT_GT(clock.tick({10}), first);
    clock.absorb({5000ULL << 16});
    EXPECT_GT(clock.tick({2000}), HlcStamp{5000ULL << 16});
}

TEST(Hlc, ClampsIntoTheBracketOfTheSave) {
    const Interval saved{{100}, {200}};
    EXPECT_EQ(clamp_hlc({50ULL << 16}, saved).ms(), 100);
    EXPECT_EQ(clamp_hlc({150ULL << 16}, saved).ms(), 150);
    EXPECT_EQ(clamp_hlc({900ULL << 16}, saved).ms(), 200);
}

}  // namespace
}  // namespace streetlog::sync

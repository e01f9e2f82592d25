#include <cstring>

#include <gtest/gtest.h>

#include "sync/change/codec.hpp"
#include "sync/change/compress.hpp"
#include "sync/change/hlc.hpp"

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

/// A Batch of `records` structs of `words` words each, as a hostile peer writes it by hand: the
/// root, the list, its tag, then `rest`.
Bytes batch_of(std::uint32_t records, std::uint32_t words, const std::vector<std::uint64_t>& rest) {
    std::vector<std::uint64_t> out{
        std::uint64_t{1} << 48,                               // one pointer
        (std::uint64_t{records} * words << 3 | 7) << 32 | 1,  // a list of structs
        std::uint64_t{words} << 48 | static_cast<std::uint64_t>(records) << 2};  // of pointers only
    out.insert(out.end(), rest.begin(), rest.end());
    Bytes bytes(out.size() * sizeof out[0]);
    std::memcpy(bytes.data(), out.data(), bytes.size());
    return bytes;
}

TEST(Codec, ABatchOfRecordsThatTakeNoRoomIsMalformed) {
    EXPECT_EQ(decode_batch(batch_of(50, 0, {})).error().code, ErrorCode::kMalformed);
    const std::vector<std::uint64_t> padding(10'000);
    EXPECT_EQ(decode_batch(batch_of(60'000, 0, padding)).error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(decode_batch(batch_of(4'000, 0, padding)));
}

TEST(Codec, RecordsThatShareOneListOfOpsAreMalformed) {
    constexpr std::uint32_t kOps = 100;
    const auto shared_by = [](std::uint32_t records) {
        std::vector<std::uint64_t> rest;
        for (std::uint64_t i = 0; i < records; ++i) {
            const std::uint64_t to_the_list = 2 * (records - i - 1);
            rest.push_back(0);  // no header
            rest.push_back(std::uint64_t{kOps << 3 | 6} << 32 | to_the_list << 2 | 1);
        }
        rest.resize(rest.size() + kOps);
        return decode_batch(batch_of(records, 2, rest));
    };
    const auto one = shared_by(1);
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(one->at(0).ops.size(), kOps);
    const auto eight = shared_by(8);
    ASSERT_FALSE(eight);
    EXPECT_EQ(eight.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(eight.error().message, "a batch claims more ops than it can hold");
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

#include "sync/merge/state_codec.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "sync/merge/canonical.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;
namespace client = hud::col::client;

/// One of everything the format has.
EntityState full_state() {
    EntityState state;
    TestWrite(1, 1).name("Ana").received(5).stamped(77 << 16 | 3).put(state);
    auto edit = TestWrite(2, 7).name("An", 2).over({dot(9, 4), dot(1, 3)}).beside({entity(8)});
    edit.header.recorded = {-5};
    edit.header.user = 12;
    edit.put(state);
    TestWrite(3, 1).over({dot(1, 1)}).received(6).hide(state);
    TestWrite(4, 1)
        .kind(OpKind::kResolve)
        .cell(client::kFirstName, Redacted{})
        .cell(client::kMiddleName, Absent{})
        .cell(client::kLastName, Bytes{1, 2, 3})
        .cell(client::kNameSuffix, std::vector<std::uint16_t>{1, 65535})
        .cell(client::kNameDataQuality, std::numeric_limits<std::int64_t>::min())
        .received(8)
        .over({dot(2, 6)})
        .put(state);
    TestWrite(5, 2)
        .in({hud::tbl::kEnrollment, 0})
        .kind(OpKind::kCreate)
        .cell(hud::col::enrollment::kPersonalID, Bytes(16, 3))
        .received(2)
        .put(state);
    return state;
}

TEST(StateCodec, RoundTripKeepsEverything) {
    const EntityState state = full_state();
    CountedReplicas numbers;
    const Bytes bytes = encode_state(state, numbers);
    const auto back = decode_state(bytes, numbers);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, state);
    EXPECT_EQ(encode_state(*back, numbers), bytes);
}

TEST(StateCodec, EmptyStateIsAHandfulOfBytes) {
    CountedReplicas numbers;
    const Bytes bytes = encode_state({}, numbers);
    EXPECT_EQ(bytes, (Bytes{1, 0, 0}));
    EXPECT_EQ(decode_state(bytes, numbers), EntityState{});
}

TEST(StateCodec, ExtremeClocksSurvive) {
    for (const auto ms :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        EntityState state;
        auto write = TestWrite(1, std::numeric_limits<std::uint64_t>::max()).name("Ana");
        write.header.recorded = {ms};
        write.header.hlc = {std::numeric_limits<std::uint64_t>::max()};
        write.given = Receipt{{{-ms}, {~std::uint64_t{0}}}, {0}, {{ms}, {~ms}}};
        write.put(state);
        CountedReplicas numbers;
        EXPECT_EQ(decode_state(encode_state(state, numbers), numbers), state);
    }
}

TEST(StateCodec, RefusesEveryProperPrefixAndATail) {
    CountedReplicas numbers;
    Bytes bytes = encode_state(full_state(), numbers);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto cut = decode_state(BytesView{bytes}.first(size), numbers);
        ASSERT_FALSE(cut) << size;
        EXPECT_EQ(cut.error().code, ErrorCode::kMalformed);
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_state(bytes, numbers));
}

TEST(StateCodec, WhateverItAcceptsItWritesBackTheSame) {
    CountedReplicas numbers;
    const Bytes good = encode_state(full_state(), numbers);
    std::mt19937 random{1};
    int accepted = 0;
    for (int i = 0; i < 4'000; ++i) {
        Bytes bytes = good;
        for (auto hits = 1 + random() % 3; hits > 0; --hits)
            bytes[random() % bytes.size()] = static_cast<Byte>(random());
        const auto state = decode_state(bytes, numbers);
        if (!state) continue;
        ++accepted;
        ASSERT_EQ(decode_state(encode_state(*state, numbers), numbers), *state);
    }
    EXPECT_GT(accepted, 0);
}

TEST(StateCodec, RefusesAReplicaItHasNoNumberFor) {
    CountedReplicas numbers;
    const Bytes bytes = encode_state(full_state(), numbers);
    EXPECT_FALSE(decode_state(bytes, CountedReplicas{}));
}

TEST(StateCodec, RefusesACountThatTheInputCannotHold) {
    const Bytes claims_many_registers{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f};
    EXPECT_FALSE(decode_state(claims_many_registers, CountedReplicas{}));
}

TEST(StateCodec, OneShortValueIsShort) {
    EntityState state;
    auto write = TestWrite(1, 1).name("Ana").received(1);
    write.header.recorded = {write.given->saved.lo.ms - 200};
    write.header.hlc = {static_cast<std::uint64_t>(write.header.recorded.ms) << 16};
    write.given->hlc_hub = write.header.hlc;
    write.put(state);
    CountedReplicas numbers;
    EXPECT_LE(encode_state(state, numbers).size(), 45U);
}

TEST(Canonical, DumpTellsEveryDifference) {
    const auto dump = [](const EntityState& state) {
        std::string out;
        append_canonical(out, entity(1), state);
        return out;
    };
    const EntityState state = full_state();
    EXPECT_EQ(dump(state), dump(full_state()));
    auto differs = [&](auto change) {
        EntityState other = state;
        change(other, other.registers.at(kName));
        return dump(other) != dump(state);
    };
    EXPECT_TRUE(differs([](auto& s, auto&) { s.first.reset(); }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.gone.pop_back(); }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.hidden.clear(); }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.siblings.front().receipt.reset(); }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.siblings.front().cells.front().value = Absent{}; }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.siblings.at(1).profile.clear(); }));
    EXPECT_TRUE(differs([](auto&, auto& r) { r.gone.front().by_redacted = true; }));
}

TEST(Canonical, HashCoversEntitiesAndCanonRows) {
    const EntityState state = full_state();
    const auto hash = [&](std::uint64_t second, std::uint64_t root) {
        CanonicalHash out;
        out.add(entity(1), state);
        out.add(entity(second), state);
        out.add_canon(entity(1), entity(1));
        out.add_canon(entity(second), entity(root));
        return out.finish();
    };
    EXPECT_EQ(hash(2, 1), hash(2, 1));
    EXPECT_NE(hash(2, 1), hash(3, 1));
    EXPECT_NE(hash(2, 1), hash(2, 2));
}

}  // namespace
}  // namespace streetlog::sync

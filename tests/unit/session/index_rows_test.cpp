#include "sync/session/index_rows.hpp"

#include <gtest/gtest.h>

namespace streetlog::sync {
namespace {

template <class IdType = EntityId>
IdType id_of(Byte n) {
    IdType id;
    id.bytes[15] = n;
    return id;
}

IndexMember member(Byte n, std::string name) {
    Sibling sibling;
    sibling.dot = {{id_of<DeviceId>(n), 3}, 7, 1};
    sibling.hlc = {n};
    sibling.kind = OpKind::kSetGroup;
    sibling.answer = hud::AnswerClass::kFull;
    sibling.cells = {{11'020, std::move(name)}};
    IndexMember out{id_of(n), {}};
    out.state.registers[{110, 1'110}].siblings.push_back(std::move(sibling));
    return out;
}

std::vector<IndexRow> samples() {
    IndexRow one{id_of(1), {40}, 20'000, IndexPerson{}};
    one.person->members = {member(1, "Ann"), member(2, "Anna"), {id_of(3), {}}};
    one.person->traces = {{"6789", {}, {}}, {"", Hash{{1}}, {}}, {"", Hash{{2}}, Hash{{3}}}};
    IndexRow two{id_of(4), {41}, std::nullopt, IndexPerson{}};
    two.person->members = {member(4, "Bea")};
    return {one, two, {id_of(5), {42}, std::nullopt, std::nullopt}};
}

Bytes body_of(const std::vector<IndexRow>& rows) {
    IndexRows out;
    for (const auto& row : rows) out.add(row);
    return std::move(out).take();
}

TEST(IndexRows, ComeBackAsTheyWere) {
    const auto back = decode_index_rows(body_of(samples()));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, samples());
}

TEST(IndexRows, ThoseThatAreTakenBackWereNeverThere) {
    IndexRows rows;
    for (const auto& row : samples()) rows.add(row);
    EXPECT_EQ(rows.count(), 3U);
    rows.cut(1);
    const auto back = decode_index_rows(std::move(rows).take());
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, std::vector{samples().front()});
}

TEST(IndexRows, BytesThatAreNoRowsAreRefused) {
    const auto body = body_of(samples());
    const auto whole = decode_index_rows(body);
    for (std::size_t size = 0; size < body.size(); ++size) {
        const auto part = decode_index_rows(BytesView{body}.first(size));
        if (part) EXPECT_LT(part->size(), whole->size()) << size;  // cut between two rows
    }
    for (std::size_t i = 0; i < body.size(); ++i) {
        auto other = body;
        other[i] ^= 0xff;
        if (const auto read = decode_index_rows(other)) EXPECT_NE(*read, *whole) << i;
    }
    auto later = body;
    later.front() = 2;
    EXPECT_FALSE(decode_index_rows(later)) << "a later version";
}

}  // namespace
}  // namespace streetlog::sync

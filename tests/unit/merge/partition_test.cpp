#include "sync/identity/partition.hpp"

#include <gtest/gtest.h>

#include "sync/merge/view.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;
using enum LinkVerdict;
using enum LinkStrength;

/// Received in the order of their numbers.
std::optional<Place> in_order(EntityId id) { return Place{{id.bytes[15]}, {id.bytes[15]}}; }

Link link(std::uint64_t n,
          std::uint64_t a,
          std::uint64_t b,
          LinkVerdict verdict = kSame,
          LinkStrength strength = kHuman,
          std::int64_t millibits = 0) {
    return {dot(1, n), entity(a), entity(b), verdict, strength, millibits};
}

TEST(Partition, UnlinkedEntityIsItsOwn) {
    const Partition out = partition({}, in_order);
    EXPECT_EQ(out, Partition{});
    EXPECT_EQ(out.canon_of(entity(3)), entity(3));
}

TEST(Partition, ProfileIsNamedAfterTheMemberReceivedFirst) {
    const Link links[] = {link(1, 9, 4), link(2, 9, 2)};
    const Partition out = partition(links, in_order);
    for (const auto n : {2, 4, 9})
        EXPECT_EQ(out.canon_of(entity(static_cast<unsigned>(n))), entity(2));
    EXPECT_EQ(out.canon.size(), 3U);
    const auto late_two = [](EntityId id) { return id == entity(2) ? std::nullopt : in_order(id); };
    EXPECT_EQ(partition(links, late_two).canon_of(entity(2)), entity(4));
}

TEST(Partition, DifferentKeepsApartAgainstAnythingNotStronger) {
    const Link equal[] = {link(1, 1, 2, kSame, kRule), link(2, 2, 1, kDifferent, kRule)};
    EXPECT_EQ(partition(equal, in_order).contradictions, std::vector{dot(1, 1)});
    const Link stronger[] = {link(1, 1, 2, kSame, kHuman), link(2, 2, 1, kDifferent, kRule)};
    EXPECT_EQ(partition(stronger, in_order).canon_of(entity(2)), entity(1));
}

TEST(Partition, DifferentHoldsAcrossAChainOfLinks) {
    const Link links[] = {link(1, 1, 2, kSame, kHuman),
                          link(2, 2, 3, kSame, kScore, 900),
                          link(3, 1, 3, kDifferent, kHuman)};
    const Partition out = partition(links, in_order);
    EXPECT_EQ(out.canon_of(entity(2)), entity(1));
    EXPECT_EQ(out.canon_of(entity(3)), entity(3));
    EXPECT_EQ(out.contradictions, std::vector{dot(1, 2)});
}

TEST(Partition, SurerLinkIsTakenFirst) {
    const Link links[] = {link(1, 1, 2, kSame, kScore, 500),
                          link(2, 2, 3, kSame, kScore, 800),
                          link(3, 1, 3, kDifferent, kHuman)};
    const Partition out = partition(links, in_order);
    EXPECT_EQ(out.canon_of(entity(3)), entity(2));
    EXPECT_EQ(out.contradictions, std::vector{dot(1, 1)});
}

TEST(Partition, ComponentIsAllThatItsPartitionDependsOn) {
    const Link links[] = {link(1, 1, 2), link(2, 2, 3), link(3, 4, 5), link(4, 3, 4, kDifferent)};
    const auto component = component_of(links, entity(3));
    EXPECT_EQ(component, (std::vector{entity(1), entity(2), entity(3)}));
    const auto within = links_within(links, component);
    EXPECT_EQ(within, (std::vector{links[0], links[1]}));
    EXPECT_EQ(partition(within, in_order).canon_of(entity(3)),
              partition(links, in_order).canon_of(entity(3)));
    EXPECT_EQ(component_of(links, entity(7)), std::vector{entity(7)});
}

/// Puts `op` as device 1's record `seq`, received as the `seq`th.
void put_op(EntityState& state, std::uint64_t seq, const Op& op) {
    Header header;
    header.replica = replica(1);
    header.seq = seq;
    put(state, {{header.replica, seq, 0}, &header, &op, receipt(seq)});
}

TEST(Link, OpOfALinkReadsBackUntilItIsWithdrawn) {
    const Link asserted = link(1, 3, 4, kDifferent, kRule, 712);
    EntityState state;
    put_op(state, 1, link_op(entity(50), asserted));
    const auto live = visible(state, kLinkRegister);
    ASSERT_EQ(live.size(), 1U);
    EXPECT_EQ(link_of(*live.front()), asserted);

    Op unlink;
    unlink.kind = OpKind::kUnlink;
    unlink.entity = entity(50);
    unlink.table = kLinkRegister.table;
    unlink.group = kLinkRegister.group;
    unlink.supersedes = {asserted.dot};
    put_op(state, 2, unlink);
    EXPECT_TRUE(visible(state, kLinkRegister).empty());
}

TEST(Link, CellsThatAreNoLinkGiveNone) {
    const Op good = link_op(entity(50), link(1, 3, 4));
    Sibling sibling;
    sibling.cells = good.cells;
    ASSERT_TRUE(link_of(sibling));
    for (std::size_t i = 0; i < 4; ++i) {
        sibling.cells = good.cells;
        sibling.cells.erase(sibling.cells.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(link_of(sibling)) << i;
    }
    for (const std::size_t i : {2U, 3U}) {
        sibling.cells = good.cells;
        sibling.cells[i].value = std::int64_t{9};
        EXPECT_FALSE(link_of(sibling)) << i;
    }
    sibling.cells = good.cells;
    sibling.cells[0].value = Bytes(15, 1);
    EXPECT_FALSE(link_of(sibling));
}

}  // namespace
}  // namespace streetlog::sync

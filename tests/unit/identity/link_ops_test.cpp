#include "sync/identity/link_ops.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/cells.hpp"
#include "sync/change/codec.hpp"
#include "sync/merge/view.hpp"
#include "tests/support/writes.hpp"

namespace streetlog::sync {
namespace {

using namespace testing;
using enum Agreement;

namespace column = hud::col::client_link;

constexpr FirstTierEvidence kEvidence{kEqual, kMissing, kEqual};

/// A hub's log of links: takes ops in, shows what is live.
class LinkLog {
  public:
    /// A hub takes an assertion on an entity that exists for a mistake and sets it aside.
    void save(std::vector<Op> ops) {
        for (const Op& op : ops)
            ASSERT_FALSE(op.kind == OpKind::kLink && states_.contains(op.entity));
        Header header;
        header.replica = replica(1);
        header.seq = ++seq_;
        for (std::uint16_t i = 0; i < ops.size(); ++i) {
            const Write write{{header.replica, seq_, i}, &header, &ops[i], receipt(seq_)};
            put(states_[ops[i].entity], write);
        }
    }

    [[nodiscard]] std::uint32_t next(LinkIds ids, const ClientPair& pair) const {
        return next_round(ids, pair, [this](EntityId link) { return states_.contains(link); });
    }

    void save(Op op) { save(std::vector{std::move(op)}); }

    [[nodiscard]] std::vector<LiveLink> live() const {
        std::vector<LiveLink> out;
        for (const auto& [id, state] : states_)
            for (const Sibling* sibling : visible(state, kLinkRegister))
                if (const auto link = link_of(*sibling)) out.push_back({id, *link});
        return out;
    }

    [[nodiscard]] EntityId canon_of(EntityId client) const {
        std::vector<Link> links;
        for (const LiveLink& at : live()) links.push_back(at.link);
        const auto by_number = [](EntityId id) { return Place{{id.bytes[15]}, {id.bytes[15]}}; };
        return partition(links, by_number).canon_of(client);
    }

    [[nodiscard]] bool joined(std::uint64_t a, std::uint64_t b) const {
        return canon_of(entity(a)) == canon_of(entity(b));
    }

  private:
    std::map<EntityId, EntityState> states_;
    std::uint64_t seq_ = 0;
};

ClientPair pair(std::uint64_t x, std::uint64_t y) { return {entity(x), entity(y)}; }

Unlink unlink(std::uint64_t x, std::uint64_t y) {
    return {.pair = pair(x, y), .by = std::nullopt, .reason = {}, .round = 0};
}

TEST(LinkOps, ThePairDecidesTheEntityNotItsOrder) {
    EXPECT_EQ(pair(4, 9), pair(9, 4));
    EXPECT_EQ(rule_link_id(pair(4, 9)), rule_link_id(pair(9, 4)));
    EXPECT_NE(rule_link_id(pair(4, 9)), rule_link_id(pair(4, 8)));
    EXPECT_NE(rule_link_id(pair(4, 9)), human_link_id(pair(4, 9)));
    EXPECT_NE(rule_link_id(pair(4, 9)), rule_link_id(pair(4, 9), 1));
    EXPECT_EQ(link_op(pair(4, 9), kEvidence), link_op(pair(9, 4), kEvidence));
}

TEST(LinkOps, IdsNeverChange) {
    // Links of this version stand in logs: another id for the same pair would link it twice.
    EXPECT_EQ(to_string(rule_link_id(pair(1, 2))), "528672752221eb9ce2b27a17bf066b46");
    EXPECT_EQ(to_string(human_link_id(pair(1, 2), 258)), "e36591f9d7b63e92de10d1f45060afac");
}

TEST(LinkOps, ALinkSaysWhoWhatAndWhy) {
    const Op op = link_op(pair(9, 4), kEvidence);
    EXPECT_EQ(op.kind, OpKind::kLink);
    EXPECT_EQ(std::ranges::adjacent_find(op.cells, std::ranges::greater_equal{}, &Cell::column),
              op.cells.end());
    Sibling sibling;
    sibling.cells = op.cells;
    const auto link = link_of(sibling);
    ASSERT_TRUE(link);
    EXPECT_EQ(link->a, entity(4));
    EXPECT_EQ(link->b, entity(9));
    EXPECT_EQ(link->verdict, LinkVerdict::kSame);
    EXPECT_EQ(link->strength, LinkStrength::kRule);
    EXPECT_EQ(link->millibits, kSsnMillibits + kBirthMillibits);
    EXPECT_EQ(evidence_of(op.cells), kEvidence);
    EXPECT_EQ(text_in(find_cell(op.cells, column::kReason)), to_text(kEvidence));
}

TEST(LinkOps, EveryColumnIsOneOfTheCatalogue) {
    std::vector<Op> ops = unlink_ops({pair(1, 2), entity(77), "two people", 0}, {});
    ops.push_back(link_op(pair(1, 2), kEvidence));
    for (const Op& op : ops) {
        EXPECT_TRUE(hud::known_op_target(op.table, op.group));
        for (const Cell& cell : op.cells) {
            const hud::Column* found = hud::find_column(cell.column);
            ASSERT_NE(found, nullptr);
            EXPECT_EQ(found->table, op.table);
            EXPECT_TRUE(found->group == op.group || found->role == hud::Role::kIdentity);
        }
    }
}

TEST(LinkOps, EvidenceOfAnotherVersionOrShapeIsNone) {
    EXPECT_FALSE(evidence_of({}));
    const auto with = [](std::int64_t model, Bytes bytes) {
        return std::vector<Cell>{{column::kEvidenceDigest, std::move(bytes)},
                                 {column::kModelVersion, model}};
    };
    EXPECT_TRUE(evidence_of(with(1, {1, 1, 1, 0})));
    EXPECT_FALSE(evidence_of(with(2, {1, 1, 1, 0})));
    EXPECT_FALSE(evidence_of(with(1, {2, 1, 1, 0})));
    EXPECT_FALSE(evidence_of(with(1, {1, 1, 1})));
    EXPECT_FALSE(evidence_of(with(1, {1, 1, 1, 4})));
}

TEST(LinkOps, UnlinkingSeparatesAndTheRuleCannotJoinAgain) {
    LinkLog log;
    log.save(link_op(pair(1, 2), kEvidence));
    ASSERT_TRUE(log.joined(1, 2));
    log.save(unlink_ops(unlink(2, 1), log.live()));
    EXPECT_FALSE(log.joined(1, 2));
    ASSERT_EQ(log.live().size(), 1U);  // the withdrawn link left nothing
    EXPECT_EQ(log.live()[0].link.verdict, LinkVerdict::kDifferent);
    log.save(link_op(pair(1, 2), {kEqual, kEqual, kEqual}, log.next(rule_link_id, pair(1, 2))));
    ASSERT_EQ(log.live().size(), 2U);
    EXPECT_FALSE(log.joined(1, 2));
}

TEST(LinkOps, UnlinkingHoldsThroughAThirdProfile) {
    LinkLog log;
    log.save(link_op(pair(1, 3), {kEqual, kEqual, kEqual}));
    log.save(link_op(pair(2, 3), kEvidence));
    ASSERT_TRUE(log.joined(1, 2));
    log.save(unlink_ops(unlink(1, 2), log.live()));
    EXPECT_FALSE(log.joined(1, 2));
    EXPECT_TRUE(log.joined(1, 3));  // the surer of the two links stands
}

TEST(LinkOps, UnlinkingLeavesOtherPairsAlone) {
    LinkLog log;
    log.save({link_op(pair(1, 2), kEvidence), link_op(pair(3, 4), kEvidence)});
    log.save(unlink_ops(unlink(1, 2), log.live()));
    EXPECT_TRUE(log.joined(3, 4));
}

TEST(LinkOps, UnlinkingWithdrawsEveryAssertionOfThePairWhoeverMadeIt) {
    LinkLog log;
    Link by_person;
    by_person.a = entity(2);
    by_person.b = entity(1);
    by_person.strength = LinkStrength::kHuman;
    log.save(link_op(pair(1, 2), kEvidence));
    log.save(link_op(pair(1, 2), kEvidence, 1));
    log.save(link_op(human_link_id(pair(1, 2)), by_person));
    ASSERT_EQ(log.live().size(), 3U);
    Unlink request = unlink(1, 2);
    request.round = log.next(human_link_id, pair(1, 2));
    EXPECT_EQ(request.round, 1U);
    const auto ops = unlink_ops(request, log.live());
    ASSERT_EQ(ops.size(), 4U);
    log.save(ops);
    EXPECT_EQ(log.live().size(), 1U);
    EXPECT_FALSE(log.joined(1, 2));
}

TEST(LinkOps, AnUnlinkCanBeTakenBack) {
    LinkLog log;
    log.save(link_op(pair(1, 2), kEvidence));
    log.save(unlink_ops(unlink(1, 2), log.live()));
    const LiveLink apart = log.live().at(0);
    EXPECT_EQ(apart.entity, human_link_id(pair(1, 2)));
    log.save(withdraw_op(apart.entity, {apart.link.dot}));
    log.save(link_op(pair(1, 2), kEvidence, log.next(rule_link_id, pair(1, 2))));
    EXPECT_TRUE(log.joined(1, 2));
    Unlink again = unlink(1, 2);
    again.round = log.next(human_link_id, pair(1, 2));
    log.save(unlink_ops(again, log.live()));
    EXPECT_FALSE(log.joined(1, 2));
}

TEST(LinkOps, OpsSurviveTheirEncoding) {
    Record record;
    record.header.replica = replica(1);
    record.header.seq = 3;
    const LiveLink live{rule_link_id(pair(1, 2)),
                        {dot(1, 2), entity(1), entity(2), LinkVerdict::kSame}};
    record.ops = unlink_ops({pair(1, 2), entity(77), "two people", 0}, std::vector{live});
    record.ops.push_back(link_op(pair(3, 4), kEvidence));
    const EncodedRecord bytes = encode(record);
    const auto back = decode(view_of(bytes));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, record);
}

}  // namespace
}  // namespace streetlog::sync

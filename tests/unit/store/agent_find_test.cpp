#include "tests/unit/store/agent_fixture.hpp"

namespace streetlog::store::test {
namespace {

class AgentFind : public AgentStoreTest {
  protected:
    void SetUp() override {
        store_.emplace(create());
        add(1, "Rosa", "Diaz", "123456789", "1980-04-04");
        add(2, "José", "Smith-Jones", "xxxxx6789", "1994-04-04");
        add(3, "Smithson", "Joyce", "234567801", "1975-12-31");
        add(4, "Mary Ann", "de la Cruz", "", "");
    }

    void add(std::uint32_t n,
             const std::string& first,
             const std::string& last,
             const std::string& ssn,
             const std::string& dob) {
        std::vector<sync::Op> ops{create_client(client_id(n), first, last)};
        if (!ssn.empty()) ops.push_back(set_ssn(client_id(n), ssn));
        if (!dob.empty()) ops.push_back(set_dob(client_id(n), dob));
        ASSERT_TRUE(store_->save(save_of(std::move(ops))));
    }

    std::set<std::uint32_t> find(const std::string& text) {
        const auto found = store_->read().find({text});
        EXPECT_TRUE(found) << found.error().message;
        std::set<std::uint32_t> out;
        if (!found) return out;
        EXPECT_EQ(found->total, found->hits.size());
        for (const auto& hit : found->hits) out.insert(hit.root.bytes[15]);
        return out;
    }

    using Set = std::set<std::uint32_t>;
    std::optional<AgentStore> store_;
};

TEST_F(AgentFind, NameBeginningsInEitherOrderFind) {
    EXPECT_EQ(find("di"), Set{1});
    EXPECT_EQ(find("jo sm"), (Set{2, 3}));
    EXPECT_EQ(find("sm, jo"), (Set{2, 3}));
    EXPECT_EQ(find("JOSE"), Set{2});
    EXPECT_EQ(find("smithjones"), Set{2});
    EXPECT_EQ(find("de la"), Set{4});
    EXPECT_EQ(find("mary ann de"), Set{4});
    EXPECT_EQ(find("zz"), Set{});
}

TEST_F(AgentFind, PartsOfAnSsnFind) {
    EXPECT_EQ(find("6789"), (Set{1, 2}));
    EXPECT_EQ(find("xxx-xx-6789"), (Set{1, 2}));
    EXPECT_EQ(find("123-45-6789"), Set{1});
    EXPECT_EQ(find("34"), (Set{1, 3}));
    EXPECT_EQ(find("5678"), (Set{1, 3}));
    EXPECT_EQ(find("6789 di"), Set{1});
}

TEST_F(AgentFind, ADateOfBirthFindsInBothForms) {
    EXPECT_EQ(find("1980-04-04"), Set{1});
    EXPECT_EQ(find("4/4/1980"), Set{1});
    EXPECT_EQ(find("12/31/1975"), Set{3});
    EXPECT_EQ(find("smith 4/4/1994"), Set{2});
}

TEST_F(AgentFind, WhatIsTooShortOrEmptyIsRefusedWithAReason) {
    for (const char* text : {"", "  ,", "7", "12345678901"}) {
        const auto found = store_->read().find({text});
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().code, ErrorCode::kInvalidInput);
        EXPECT_FALSE(found.error().hint.empty());
    }
}

TEST_F(AgentFind, EachHitSaysWhyAndTheAnswerSaysWhatWasSearched) {
    const auto found = store_->read().find({"6789"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hits[0].reasons, static_cast<std::uint16_t>(FindReason::kSsnLastFour));
    EXPECT_EQ(found->clients_here, 4u);
    EXPECT_FALSE(found->last_pull);
    const auto both = store_->read().find({"ros 1980-04-04"});
    ASSERT_EQ(both->hits.size(), 1u);
    EXPECT_EQ(both->hits[0].reasons,
              static_cast<std::uint16_t>(FindReason::kFirstName) |
                  static_cast<std::uint16_t>(FindReason::kBirthDate));
}

TEST_F(AgentFind, RowsOfOnePersonComeAsOneHit) {
    sync::Link link;
    link.a = client_id(1);
    link.b = client_id(2);
    link.strength = sync::LinkStrength::kHuman;
    ASSERT_TRUE(store_->save(save_of({sync::link_op(id_from(0xaa, 1), link)})));
    const auto found = store_->read().find({"6789"});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->hits.size(), 1u);
    EXPECT_EQ(found->hits[0].members.size(), 2u);
}

TEST_F(AgentFind, AtMostTheLimitIsShownAndAllAreCounted) {
    for (std::uint32_t n = 100; n < 160; ++n) add(n, "Kim", "Lopez", "", "");
    const auto found = store_->read().find({"lop"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hits.size(), 50u);
    EXPECT_EQ(found->total, 60u);
}

TEST_F(AgentFind, AVoidedClientIsNotFound) {
    sync::Op op{client_id(1), sync::OpKind::kVoid, tbl::kClient, grp::kLife, {}, {}, {}};
    op.cells = {{col::life::kState, std::int64_t{2}}};
    ASSERT_TRUE(store_->save(save_of({op})));
    EXPECT_EQ(find("diaz"), Set{});
}

}  // namespace
}  // namespace streetlog::store::test

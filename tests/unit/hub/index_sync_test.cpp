// Devices that are told of some projects know of every other client who they are, can act on them,
// and come to nothing but what the hub has.
#include <algorithm>

#include "hub/desk/desk.hpp"
#include "sync/identity/link_ops.hpp"
#include "told_devices.hpp"

namespace streetlog::hub {
namespace {

constexpr sync::RegisterId kName{tbl::kClient, grp::kClientName};

class IndexSyncTest : public ToldDevices {
  protected:
    /// With a stay in the device's first project.
    EntityId add_client(Told& at, std::string first, std::string last, std::string ssn = {}) {
        const auto client = id_of(0xc1, ++made_ids_);
        sync::Op who{client, sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
        who.cells = {{col::client::kFirstName, std::move(first)},
                     {col::client::kLastName, std::move(last)},
                     {col::client::kNameDataQuality, std::int64_t{1}}};
        std::vector<sync::Op> ops{who, stay_op(client, at.projects.front())};
        if (!ssn.empty()) {
            sync::Op number{client, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientSsn};
            number.cells = {{col::client::kSSN, std::move(ssn)},
                            {col::client::kSSNDataQuality, std::int64_t{1}}};
            ops.push_back(number);
        }
        save(at, std::move(ops));
        return client;
    }

    sync::Op stay_op(EntityId client, EntityId project) {
        return ToldDevices::stay_op(id_of(0xe1, ++made_ids_), client, project);
    }

    void meet(Told& at, EntityId stay, std::int64_t day) {
        sync::Op op{id_of(0xcc, ++made_ids_),
                    sync::OpKind::kCreate,
                    tbl::kCurrentLivingSituation,
                    grp::kContactContact};
        op.cells = {{col::current_living_situation::kEnrollmentID, bytes_of(stay)},
                    {col::current_living_situation::kInformationDate, day}};
        save(at, {op});
    }

    /// An edit of what is on screen there.
    void rename(Told& at, EntityId client, std::string first) {
        const auto view = need(at.store.read().group(client, kName, store::View::kMerged));
        sync::Op op{client, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientName};
        op.cells = {{col::client::kFirstName, std::move(first)},
                    {col::client::kLastName, std::string{"Edited"}},
                    {col::client::kNameDataQuality, std::int64_t{1}}};
        op.supersedes = view.supersedes;
        op.profile = view.profile;
        save(at, {op});
    }

    void desk(std::string_view command, boost::json::object arguments) {
        Follower follower{std::move(hub_.projection),
                          need(store::HubLog::open(hub_.path(), store::Access::kRead)),
                          [&](Drafts drafts) { return hub_.ledger.author_all(std::move(drafts)); }};
        need(Desk{follower, random_, [](const std::string&) {}}.run(command, arguments));
        hub_.projection = std::move(follower.projection());
    }

    std::vector<std::uint32_t> scopes_of(const Told& at) {
        if (at.projects.empty()) return {kScopeAll};
        auto out = need(hub_.pages.scopes_of(at.projects));
        out.push_back(kScopeIndex);
        return out;
    }

    void pull(Told& at, std::size_t max_bytes = 64 * 1024) {
        for (const auto scope : scopes_of(at)) {
            std::optional<sync::RowPlace> within;
            for (bool more = true; more;) {
                const auto cursor = need(at.store.cursor(scope)).value_or(sync::Position{});
                const auto read = need(hub_.pages.read(
                    sync::ReadPage{scope, cursor, max_bytes, within}, at.store.settings().self));
                within = read.within;
                const auto page = std::get<sync::Page>(
                    need(sync::decode_message(sync::encode_message(read.page))));
                need(at.store.apply_page(page, {1}));
                more = !page.caught_up;
            }
        }
    }

    void bring(std::initializer_list<Told*> from) {
        for (auto* at : from) push(*at);
        project();
        for (auto* at : from) pull(*at);
        for (auto* at : from) pull(*at);
    }

    static store::FindResult find(Told& at, std::string text) {
        return need(at.store.read().find({std::move(text)}));
    }

    static std::vector<EntityId> found(Told& at, std::string text) {
        std::vector<EntityId> out;
        for (const auto& hit : find(at, std::move(text)).hits) out.push_back(hit.root);
        return out;
    }

    static std::string first_name(Told& at, EntityId client) {
        const auto view = need(at.store.read().group(client, kName, store::View::kMerged));
        for (const auto& cell : view.cells)
            if (cell.column == col::client::kFirstName) return std::get<std::string>(cell.value);
        return {};
    }

    SeededRandom random_{5};
};

TEST_F(IndexSyncTest, AClientOfAnotherProjectIsFoundAndShown) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer", "123456789");
    bring({&north, &south});
    const auto result = find(south, "arch");
    ASSERT_EQ(result.hits.size(), 1U);
    const auto& hit = result.hits.front();
    EXPECT_TRUE(hit.from_index);
    EXPECT_EQ(hit.root, ann);
    EXPECT_EQ(hit.last_seen, "2024-10-04");
    EXPECT_EQ(hit.last_contact, "");
    ASSERT_EQ(hit.members.size(), 1U);
    EXPECT_EQ(hit.members.front().first_name, "Ann");
    EXPECT_EQ(hit.members.front().ssn, "xxxxx6789");
    EXPECT_EQ(result.clients_here, 0U);
    EXPECT_EQ(result.clients_in_index, 1U);
    EXPECT_EQ(need(south.store.read().entity_of(ann)).table, tbl::kClient);
    EXPECT_EQ(first_name(south, ann), "Ann");
    EXPECT_TRUE(need(south.store.read().enrollments_of(ann)).empty());
    // Where she is a client in her own right she stands once, with what the index adds.
    const auto at_home = find(north, "arch");
    ASSERT_EQ(at_home.hits.size(), 1U);
    EXPECT_FALSE(at_home.hits.front().from_index);
    EXPECT_EQ(at_home.hits.front().last_seen, "2024-10-04");
}

TEST_F(IndexSyncTest, ANumberIsFoundAsThePolicyLetsIt) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const std::vector ann{add_client(north, "Ann", "Archer", "123456789")};
    const std::vector<EntityId> nobody;
    bring({&north, &south});
    const auto expect = [&](std::string_view text, bool is) {
        EXPECT_EQ(found(south, std::string{text}), is ? ann : nobody) << text;
    };
    expect("6789", true);
    expect("arch 6789", true);
    expect("78", true);  // of the last four
    expect("123-45-6789", true);
    expect("345", false);
    expect("987-65-4321", false);
    for (const std::string_view policy : {"full", "keyed"}) {
        desk("policy ssn", {{"POLICY", policy}});
        pull(south);
        expect("6789", true);
        expect("ann 123-45-6789", true);
        expect("345", policy == "full");
        expect("987-65-6789", false);
        const auto hit = find(south, "123456789");
        ASSERT_EQ(hit.hits.size(), 1U);
        EXPECT_NE(hit.hits.front().reasons & static_cast<int>(store::FindReason::kSsnWhole), 0);
        EXPECT_EQ(hit.hits.front().members.front().ssn, policy == "full" ? "123456789" : "");
    }
}

TEST_F(IndexSyncTest, WhatIsRecordedOnSomebodyKnownFromTheIndexNamesThem) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer", "123456789");
    bring({&north, &south});
    const auto stay = stay_op(ann, projects_[1]);
    save(south, {stay});
    meet(south, stay.entity, 20'010);
    EXPECT_EQ(need(south.store.read().enrollments_of(ann)).size(), 1U);
    auto hit = find(south, "arch").hits;
    ASSERT_EQ(hit.size(), 1U);
    EXPECT_EQ(hit.front().root, ann);
    push(south);
    project();
    pull(south);
    // The first stay brought her here, with everything.
    EXPECT_EQ(need(south.store.read().load(ann)), need(hub_.projection.read().load(ann)));
    hit = find(south, "arch").hits;
    ASSERT_EQ(hit.size(), 1U);
    EXPECT_FALSE(hit.front().from_index);
    EXPECT_EQ(hit.front().members.front().ssn, "123456789");
    pull(north);
    EXPECT_EQ(find(north, "arch").hits.front().last_seen, "2024-10-14");
    EXPECT_EQ(need(hub_.projection.read().enrollments_of(ann)).size(), 2U);
}

TEST_F(IndexSyncTest, AnEditLiesOnTopUntilTheHubSaysTheSame) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer");
    bring({&north, &south});
    rename(south, ann, "Anna");
    EXPECT_EQ(first_name(south, ann), "Anna") << "at once";
    EXPECT_FALSE(need(south.store.read().group(ann, kName, store::View::kMerged)).conflict);
    EXPECT_EQ(found(south, "anna"), std::vector{ann});
    EXPECT_EQ(found(south, "edited"), std::vector{ann});
    EXPECT_EQ(found(south, "archer"), std::vector{ann}) << "the name she is known by elsewhere";
    EXPECT_TRUE(find(south, "anna").hits.front().from_index);
    // A newer row meanwhile.
    meet(north, need(north.store.read().enrollments_of(ann)).front().id, 20'020);
    push(north);
    project();
    pull(south);
    EXPECT_EQ(first_name(south, ann), "Anna");
    // Received, but the pages are not so far.
    push(south);
    pull(south);
    EXPECT_EQ(first_name(south, ann), "Anna");
    project();
    pull(south);
    EXPECT_EQ(need(south.store.read().load(ann)), sync::EntityState{}) << "the row says it now";
    EXPECT_EQ(first_name(south, ann), "Anna");
    EXPECT_EQ(found(south, "edited"), std::vector{ann});
    EXPECT_TRUE(found(south, "archer").empty());
    pull(north);
    EXPECT_FALSE(need(north.store.read().group(ann, kName, store::View::kMerged)).conflict)
        << "it named what it took the place of";
    EXPECT_EQ(first_name(north, ann), "Anna");
}

TEST_F(IndexSyncTest, NobodySavesOverANumberTheyDidNotSee) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer", "123456789");
    bring({&north, &south});
    const sync::RegisterId ssn{tbl::kClient, grp::kClientSsn};
    const auto view = need(south.store.read().group(ann, ssn, store::View::kMerged));
    ASSERT_EQ(view.cells.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<sync::Redacted>(view.cells.front().value));
    sync::Op op{ann, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientSsn};
    op.cells = view.cells;
    op.cells.back().value = std::int64_t{2};
    op.supersedes = view.supersedes;
    save(south, {op});
    bring({&south, &north});
    const auto at_home = need(north.store.read().group(ann, ssn, store::View::kMerged));
    EXPECT_EQ(at_home.others.size(), 1U);
    EXPECT_TRUE(at_home.conflict);
    EXPECT_EQ(found(north, "123456789"), std::vector{ann});
}

TEST_F(IndexSyncTest, WhoIsJoinedAtTheHubIsOnePersonHere) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer");
    push(north);
    const auto bea = add_client(north, "Bea", "Baker");
    bring({&north, &south});
    EXPECT_EQ(found(south, "bak"), std::vector{bea});
    need(hub_.ledger.author(
        {},
        {sync::link_op(id_of(0x11, 1),
                       {{}, ann, bea, sync::LinkVerdict::kSame, sync::LinkStrength::kHuman, 0})}));
    project();
    pull(south);
    EXPECT_EQ(found(south, "bak"), std::vector{ann});
    EXPECT_EQ(found(south, "arch"), std::vector{ann});
    EXPECT_EQ(find(south, "a").total, 1U);
    // An edit on the profile names what both entries said.
    rename(south, ann, "Anna");
    EXPECT_EQ(first_name(south, ann), "Anna");
    push(south);
    project();
    pull(south);
    EXPECT_EQ(need(hub_.projection.read().group(bea, kName, store::View::kMerged)).others.size(),
              0U);
    desk("duplicates unlink", {{"A", to_string(ann)}, {"B", to_string(bea)}});
    pull(south);
    EXPECT_EQ(found(south, "bak"), std::vector{bea});
    EXPECT_EQ(found(south, "edited"), std::vector{ann});
}

/// One of the two is a client here, the other is known from the index: own state wins.
TEST_F(IndexSyncTest, SomebodyHereIsFoundByTheNameTheyHaveElsewhere) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer");
    push(north);
    const auto bea = add_client(south, "Bea", "Baker");
    bring({&north, &south});
    need(hub_.ledger.author(
        {},
        {sync::link_op(id_of(0x11, 1),
                       {{}, ann, bea, sync::LinkVerdict::kSame, sync::LinkStrength::kHuman, 0})}));
    project();
    pull(south);
    const auto hits = find(south, "arch").hits;
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_FALSE(hits.front().from_index);
    EXPECT_EQ(hits.front().members.front().id, bea);
    EXPECT_EQ(find(south, "b").hits.size(), 1U);
}

TEST_F(IndexSyncTest, WhoIsRestrictedGoesAndTheScopeIsLeftWhole) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer");
    const auto bea = add_client(north, "Bea", "Baker");
    bring({&north, &south});
    rename(south, ann, "Anna");  // unsent
    desk("restrict", {{"CLIENT", to_string(ann)}});
    pull(south);
    EXPECT_TRUE(found(south, "arch").empty());
    EXPECT_TRUE(found(south, "anna").empty()) << "nothing here says who that is";
    EXPECT_EQ(found(south, "bak"), std::vector{bea});
    need(south.store.leave_scope(kScopeIndex));
    EXPECT_TRUE(found(south, "bak").empty());
    EXPECT_EQ(need(south.store.cursor(kScopeIndex)), std::nullopt);
    EXPECT_FALSE(south.store.read().entity_of(bea));
    push(south);
    project();
    pull(south, 1);
    EXPECT_EQ(found(south, "bak"), std::vector{bea});
    EXPECT_EQ(need(hub_.projection.read().client(ann)).first_name, "Anna") << "taken all the same";
    // Told of everything it needs no index.
    south.projects.clear();
    for (const auto& known : need(south.store.log().cursors()))
        need(south.store.leave_scope(known.scope));
    pull(south);
    EXPECT_EQ(need(south.store.dump_hash()), hub_.dump_hash());
    EXPECT_EQ(find(south, "bak").clients_in_index, 0U);
    EXPECT_FALSE(find(south, "bak").hits.front().from_index);
}

TEST_F(IndexSyncTest, MakingEverythingAnewKeepsTheIndexAndWhatWasWrittenOnIt) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, "Ann", "Archer");
    bring({&north, &south});
    rename(south, ann, "Anna");
    need(south.store.rebuild_state());
    EXPECT_EQ(found(south, "anna"), std::vector{ann});
    EXPECT_EQ(first_name(south, ann), "Anna");
    bring({&south});
    need(south.store.rebuild_state());
    EXPECT_EQ(need(south.store.read().load(ann)), sync::EntityState{});
    EXPECT_EQ(found(south, "anna"), std::vector{ann});
}

}  // namespace
}  // namespace streetlog::hub

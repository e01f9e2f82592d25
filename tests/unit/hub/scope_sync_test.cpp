// What devices come to hold that are told of some projects.
#include "scope_sync.hpp"

#include "sync/change/verdict.hpp"
#include "sync/identity/link_ops.hpp"

namespace streetlog::hub {
namespace {

TEST_F(ScopeSyncTest, ADeviceHoldsItsProjectsAndNothingElse) {
    auto north = device({projects_[0]});
    auto south = device({projects_[1]});
    const auto ann = add_client(north, projects_[0]);
    const auto bea = add_client(south, projects_[1]);
    push(north);
    push(south);
    project();
    pull(north);
    pull(south);
    EXPECT_EQ(need(north.store.read().client(ann)).first_name, "Client 1");
    EXPECT_FALSE(north.store.read().client(bea));
    EXPECT_EQ(need(north.store.read().projects()).size(), 3U) << "every device knows the projects";
    expect_exactly_its_own(north);
    expect_exactly_its_own(south);

    // The first stay elsewhere brings the client there, with all that others knew.
    rename(north, ann, "Anna");
    push(north);
    auto both = device({projects_[0], projects_[1]});
    pull(both);
    enroll(both, ann, projects_[1]);
    push(both);
    project();
    for (auto* one : {&north, &south, &both}) pull(*one);
    EXPECT_EQ(need(south.store.read().client(ann)).first_name, "Anna");
    for (auto* one : {&north, &south, &both}) expect_exactly_its_own(*one);
}

/// A device drops what it is not told of, so nobody says what that is from a projection which is
/// being made anew.
TEST_F(ScopeSyncTest, NobodyIsToldOfLessBecauseTheHubIsStillReadingItsLog) {
    PageReader pages{need(store::HubLog::open(hub_.path(), store::Access::kRead))};
    const auto before = pages.scopes_of(projects_);
    ASSERT_FALSE(before);
    EXPECT_EQ(before.error().code, ErrorCode::kUnavailable);
    pages.follow(need(StatePages::open(hub_.path())));
    const auto meanwhile = pages.scopes_of(projects_);
    ASSERT_FALSE(meanwhile);
    EXPECT_EQ(meanwhile.error().code, ErrorCode::kUnavailable);
    project();
    EXPECT_TRUE(pages.scopes_of(projects_));
}

TEST_F(ScopeSyncTest, WhatIsNotAtTheHubYetStaysOnTopOfWhatComes) {
    auto one = device({projects_[0]});
    auto two = device({projects_[0]});
    const auto ann = add_client(one, projects_[0]);
    push(one);
    project();
    pull(two);
    rename(two, ann, "Annie");  // unsent
    rename(one, ann, "Anna");
    push(one);
    project();
    pull(two);
    EXPECT_EQ(need(two.store.read().client(ann)).first_name, "Annie") << "a Save never vanishes";
    // Received, but the hub's pages are not as far yet.
    push(two);
    pull(two);
    EXPECT_EQ(need(two.store.read().group(ann, {tbl::kClient, grp::kClientName}, store::View::kOwn))
                  .others.size(),
              1U);
    project();
    pull(one);
    pull(two);
    expect_exactly_its_own(one);
    expect_exactly_its_own(two);
}

TEST_F(ScopeSyncTest, MakingEverythingAnewKeepsWhatOnlyPagesBring) {
    auto one = device({projects_[0]});
    auto two = device({projects_[0]});
    const auto ann = add_client(one, projects_[0]);
    push(one);
    project();
    pull(two);
    rename(two, ann, "Annie");
    need(two.store.rebuild_state());
    EXPECT_EQ(need(two.store.read().client(ann)).first_name, "Annie");
    push(two);
    need(two.store.rebuild_state());
    project();
    pull(one);
    pull(two);
    expect_exactly_its_own(one);
    expect_exactly_its_own(two);
}

TEST_F(ScopeSyncTest, WhatTheHubDidNotSayItHasMergedStaysOnTheScreen) {
    auto one = device({projects_[0]});
    add_client(one, projects_[0]);
    push(one);
    const auto ann = add_client(one, projects_[0]);
    project();
    // The hub has it, but its pages are not so far, and nobody knows the place it took.
    push_and_lose_the_ack(one);
    pull(one);
    EXPECT_TRUE(one.store.read().client(ann)) << "a Save never vanishes";
    project();
    pull(one);
    need(one.store.stamp_receipts(1'000));
    expect_exactly_its_own(one);
}

/// Only people at the hub join two clients; a device may say so, and somebody let it count.
TEST_F(ScopeSyncTest, ALinkThatWasReleasedReachesEveryDevice) {
    auto one = device({projects_[0]});
    auto other = device({projects_[1]});
    const auto ann = add_client(one, projects_[0]);
    const auto bea = add_client(one, projects_[0]);
    push(one);
    const auto link = id_of(0x11, 1);
    const auto secret = id_of(0xc1, ++made_ids_);
    sync::Op who{secret, sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
    who.cells = {{col::client::kFirstName, std::string{"Zoe"}}};
    save(other,
         {sync::link_op(link,
                        {{}, ann, bea, sync::LinkVerdict::kSame, sync::LinkStrength::kHuman, 0}),
          who});
    push(other);
    project();
    pull(one);
    EXPECT_EQ(need(one.store.read().canon_of(bea)), bea);
    need(hub_.ledger.author(
        {}, {sync::verdict_op({{other.store.settings().self, 1}, sync::VerdictAct::kRelease})}));
    project();
    pull(one, 1);
    EXPECT_EQ(need(one.store.read().canon_of(bea)), ann);
    EXPECT_EQ(need(one.store.read().load(link)), need(hub_.projection.read().load(link)));
    EXPECT_FALSE(one.store.read().entity_of(secret)) << "what else is in that record stays away";
    pull(other);
    need(other.store.stamp_receipts(1'000));
    pull(other);
    EXPECT_EQ(need(other.store.read().load(link)), need(hub_.projection.read().load(link)));

    one.projects.clear();
    meet_the_hub(one);
    pull(one);
    EXPECT_EQ(need(one.store.dump_hash()), hub_.dump_hash());
}

/// Everybody does anything, in any order, with pages of any size.
TEST_F(ScopeSyncTest, AnyOrderOfEventsEndsTheSame) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SeededRandom random{seed};
        const auto below = [&](std::size_t n) {
            std::array<Byte, 4> bytes{};
            random.fill(bytes);
            return (std::size_t{bytes[0]} | std::size_t{bytes[1]} << 8) % n;
        };
        std::vector<Told> told;
        told.push_back(device({projects_[0]}));
        told.push_back(device({projects_[0], projects_[1]}));
        told.push_back(device({projects_[1], projects_[2]}));
        told.push_back(device({}));
        std::vector<EntityId> clients;
        for (int step = 0; step < 200; ++step) {
            Told& at = told[below(told.size())];
            const auto own = at.projects.empty() || below(8) == 0
                                 ? projects_[2]
                                 : at.projects[below(at.projects.size())];
            switch (below(11)) {
                case 0:
                    clients.push_back(add_client(at, own));
                    break;
                case 1:
                case 2: {
                    if (clients.empty()) break;
                    const auto client = clients[below(clients.size())];
                    if (at.store.read().client(client)) rename(at, client, std::to_string(step));
                    break;
                }
                case 3: {
                    if (clients.empty()) break;
                    const auto client = clients[below(clients.size())];
                    if (!at.store.read().client(client)) break;
                    const auto stays = need(at.store.read().enrollments_of(client));
                    if (stays.empty())
                        enroll(at, client, own);
                    else
                        meet(at, stays[below(stays.size())].id);
                    break;
                }
                case 4:
                    if (!clients.empty()) enroll(at, clients[below(clients.size())], own);
                    break;
                case 5:
                    push(at);
                    break;
                case 6:
                    project();
                    break;
                case 7:
                    push_and_lose_the_ack(at);
                    break;
                case 8:
                    need(at.store.stamp_receipts(1 + below(5)));
                    break;
                case 9:
                    if (below(4) == 0 && &at != &told.back())
                        at.projects = {projects_[below(projects_.size())]};
                    meet_the_hub(at);
                    break;
                default: {
                    const auto scopes = scopes_of(at);
                    pull_page(at, scopes[below(scopes.size())], 1 + below(2'000));
                    break;
                }
            }
        }
        for (Told& at : told) push(at);
        project();
        for (Told& at : told) meet_the_hub(at);
        for (Told& at : told) pull(at);
        for (Told& at : told) need(at.store.stamp_receipts(1'000));
        for (Told& at : told)
            if (!at.projects.empty()) expect_exactly_its_own(at);
        EXPECT_EQ(need(told.back().store.dump_hash()), hub_.dump_hash());
        if (HasFailure()) {
            ADD_FAILURE() << "seed " << seed;
            return;
        }
    }
}

}  // namespace
}  // namespace streetlog::hub

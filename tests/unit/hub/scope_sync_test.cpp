// Devices that are told of some projects only: each holds of every entity in its scopes exactly
// what the hub has, and nothing else but what is its own.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "schema/hud/fields.hpp"
#include "sync/change/verdict.hpp"
#include "sync/identity/link_ops.hpp"
#include "tests/support/clocks.hpp"
#include "tests/support/failing_vfs.hpp"
#include "tests/support/office.hpp"

namespace streetlog::hub {
namespace {

using namespace streetlog::test;

namespace grp = hud::grp;
namespace tbl = hud::tbl;
namespace col = hud::col;

template <class IdType = EntityId>
IdType id_of(Byte kind, std::uint32_t n) {
    IdType id;
    id.bytes[0] = kind;
    for (unsigned i = 0; i < 4; ++i) id.bytes[15 - i] = static_cast<Byte>(n >> (8 * i));
    return id;
}

const DeviceId kHub = id_of<DeviceId>(0xdb, 1);

sync::Bytes bytes_of(EntityId id) { return {id.bytes.begin(), id.bytes.end()}; }

class ScopeSyncTest : public testing::Test {
  protected:
    /// A device and the projects it is told of.
    struct Told {
        store::AgentStore store;
        std::vector<EntityId> projects;
    };

    void SetUp() override {
        hub_.pages.follow(need(StatePages::open(hub_.path())));
        for (std::uint32_t n = 0; n < 3; ++n) {
            projects_.push_back(id_of(0xa1, n));
            sync::Op op{projects_.back(), sync::OpKind::kCreate, tbl::kProject, grp::kProjectName};
            op.cells = {{col::project::kProjectName, "Project " + std::to_string(n)}};
            need(hub_.ledger.author({}, {op}));
        }
    }

    Told device(std::vector<EntityId> projects) {
        store::AgentSettings settings;
        settings.self = {id_of<DeviceId>(0xde, ++made_), 1};
        settings.hub = kHub;
        const auto file = dir_.path() / ("agent" + std::to_string(made_) + ".db");
        return {need(store::AgentStore::create(file, settings)), std::move(projects)};
    }

    void save(Told& at, std::vector<sync::Op> ops) {
        store::SaveRequest request;
        request.header.recorded = {++clock_ms_};
        request.ops = std::move(ops);
        need(at.store.save(request));
    }

    EntityId add_client(Told& at, EntityId project) {
        const auto client = id_of(0xc1, ++made_ids_);
        const auto stay = id_of(0xe1, made_ids_);
        sync::Op who{client, sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
        who.cells = {{col::client::kFirstName, "Client " + std::to_string(made_ids_)},
                     {col::client::kNameDataQuality, std::int64_t{1}}};
        save(at, {who, stay_op(stay, client, project)});
        return client;
    }

    static sync::Op stay_op(EntityId stay, EntityId client, EntityId project) {
        sync::Op op{stay, sync::OpKind::kCreate, tbl::kEnrollment, grp::kEnrollmentEntry};
        op.cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                    {col::enrollment::kProjectID, bytes_of(project)},
                    {col::enrollment::kEntryDate, std::int64_t{20'000}}};
        return op;
    }

    EntityId enroll(Told& at, EntityId client, EntityId project) {
        const auto stay = id_of(0xe1, ++made_ids_);
        save(at, {stay_op(stay, client, project)});
        return stay;
    }

    void meet(Told& at, EntityId stay) {
        sync::Op op{id_of(0xcc, ++made_ids_),
                    sync::OpKind::kCreate,
                    tbl::kCurrentLivingSituation,
                    grp::kContactContact};
        op.cells = {{col::current_living_situation::kEnrollmentID, bytes_of(stay)}};
        save(at, {op});
    }

    /// An edit of what is on screen there.
    void rename(Told& at, EntityId client, std::string name) {
        const auto view = need(
            at.store.read().group(client, {tbl::kClient, grp::kClientName}, store::View::kOwn));
        sync::Op op{client, sync::OpKind::kSetGroup, tbl::kClient, grp::kClientName};
        op.cells = {{col::client::kFirstName, std::move(name)},
                    {col::client::kNameDataQuality, std::int64_t{1}}};
        op.supersedes = view.supersedes;
        save(at, {op});
    }

    void project() { need(hub_.projection.catch_up(hub_.log)); }

    std::vector<std::uint32_t> scopes_of(const Told& at) {
        if (at.projects.empty()) return {kScopeAll};
        return need(hub_.pages.scopes_of(at.projects));
    }

    /// The next page of a scope, as it comes out of the wire's bytes. Nothing while the hub itself
    /// has not read so far.
    bool pull_page(Told& at, std::uint32_t scope, std::size_t max_bytes) {
        auto& within = within_[{at.store.settings().self.device, scope}];
        const auto cursor = need(at.store.cursor(scope)).value_or(sync::Position{});
        auto read = hub_.pages.read(sync::ReadPage{scope, cursor, max_bytes, within},
                                    at.store.settings().self);
        if (!read && read.error().code == ErrorCode::kUnavailable) return false;
        const auto one = need(std::move(read));
        within = one.within;
        const auto page =
            std::get<sync::Page>(need(sync::decode_message(sync::encode_message(one.page))));
        need(at.store.apply_page(page, {1}));
        return !page.caught_up;
    }

    void pull(Told& at, std::size_t max_bytes = 64 * 1024) {
        for (const auto scope : scopes_of(at))
            while (pull_page(at, scope, max_bytes)) {
            }
    }

    void push(Told& at) {
        while (hub_.push(at.store)) {
        }
        need(at.store.stamp_receipts(1'000));
    }

    /// The hub takes everything, and the device learns no more than that it did: as the next
    /// HelloAck says when the ack was lost.
    void push_and_lose_the_ack(Told& at) {
        const auto first = at.store.oldest_unsent();
        if (first == 0) return;
        const auto& self = at.store.settings().self;
        const auto run =
            need(at.store.log().read_run(first, sync::kBatchRecordsMax, sync::kBatchRawBytesMax));
        sync::PushAck late;
        late.acked_seq = hub_.take(prepared_run(self, run, {})).acked_seq;
        need(at.store.store_ack(late));
    }

    /// What a session does first: scopes that are granted no more are left.
    void meet_the_hub(Told& at) {
        const auto granted = scopes_of(at);
        for (const auto& known : need(at.store.log().cursors()))
            if (std::ranges::find(granted, known.scope) == granted.end())
                need(at.store.leave_scope(known.scope));
        std::erase_if(within_, [&](const auto& one) {
            return one.first.first == at.store.settings().self.device;
        });
    }

    /// What the hub has of clients, stays and contacts, by whether it is in one of the projects.
    std::map<EntityId, bool> hub_entities(const std::set<EntityId>& projects) {
        std::map<EntityId, bool> out;
        auto& reader = hub_.projection.read();
        for (std::uint32_t n = 1; n <= made_ids_; ++n) {
            const auto client = id_of(0xc1, n);
            if (!reader.entity_of(client)) continue;
            bool any = false;
            for (const auto& stay : need(reader.enrollments_of(client))) {
                if (stay.client != client) continue;
                const bool here = projects.contains(stay.project);
                any = any || here;
                out[stay.id] = here;
                for (const auto& contact : need(reader.contacts_of(stay.id)))
                    out[contact.id] = here;
            }
            out[client] = any;
        }
        return out;
    }

    void expect_exactly_its_own(Told& at) {
        auto& there = at.store.read();
        for (const auto& [id, here] : hub_entities({at.projects.begin(), at.projects.end()})) {
            const auto known = need(there.load(id));
            const auto hub = need(hub_.projection.read().load(id));
            if (here)
                EXPECT_EQ(known, hub) << to_string(id);
            else
                EXPECT_TRUE(known.registers.empty()) << to_string(id) << " is none of its business";
        }
    }

    TempDir dir_;
    ManualClock clock_;
    OfficeHub hub_{clock_, kHub};
    std::vector<EntityId> projects_;
    std::map<std::pair<DeviceId, std::uint32_t>, std::optional<sync::RowPlace>> within_;
    std::uint32_t made_ = 0;
    std::uint32_t made_ids_ = 0;
    std::int64_t clock_ms_ = 1'000;
};

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

TEST_F(ScopeSyncTest, LeavingAProjectRemovesItButNothingUnsent) {
    auto one = device({projects_[0], projects_[1]});
    const auto ann = add_client(one, projects_[0]);
    const auto bea = add_client(one, projects_[1]);
    const auto cat = add_client(one, projects_[1]);
    push(one);
    project();
    pull(one);
    rename(one, cat, "Catherine");  // unsent
    const auto left = need(hub_.pages.scopes_of(std::vector{projects_[1]})).back();
    one.projects = {projects_[0]};
    need(one.store.leave_scope(left));
    EXPECT_TRUE(one.store.read().client(ann));
    EXPECT_FALSE(one.store.read().client(bea));
    EXPECT_EQ(need(one.store.read().client(cat)).first_name, "Catherine");
    EXPECT_EQ(need(one.store.cursor(left)), std::nullopt);

    // It arrives all the same: writing outside one's scope is accepted. Then nothing keeps it here.
    push(one);
    EXPECT_TRUE(one.store.read().client(cat));
    project();
    pull(one);
    EXPECT_EQ(need(hub_.projection.read().client(cat)).first_name, "Catherine");
    EXPECT_FALSE(one.store.read().client(cat));
    expect_exactly_its_own(one);

    // Told of everything again, it has all of it again, its own records among them.
    one.projects.clear();
    need(one.store.leave_scope(need(hub_.pages.scopes_of(std::vector{projects_[0]})).back()));
    need(one.store.leave_scope(kScopeOffice));
    pull(one);
    EXPECT_EQ(need(one.store.dump_hash()), hub_.dump_hash());
}

TEST_F(ScopeSyncTest, ADeviceThatWasToldEverythingKeepsOnlyItsProjects) {
    auto one = device({});
    auto other = device({projects_[1]});
    const auto ann = add_client(one, projects_[0]);
    const auto bea = add_client(other, projects_[1]);
    push(one);
    push(other);
    project();
    pull(one);
    EXPECT_TRUE(one.store.read().client(bea));
    one.projects = {projects_[0]};
    need(one.store.leave_scope(kScopeAll));
    EXPECT_FALSE(one.store.read().client(bea));
    pull(one);
    EXPECT_TRUE(one.store.read().client(ann));
    EXPECT_FALSE(one.store.read().client(bea));
    EXPECT_EQ(need(one.store.read().projects()).size(), 3U);
    expect_exactly_its_own(one);
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

TEST_F(ScopeSyncTest, WhatWasWrittenElsewhereDoesNotComeBackWithItsReceipt) {
    auto one = device({projects_[0]});
    const auto ann = add_client(one, projects_[1]);
    push_and_lose_the_ack(one);
    project();
    pull(one);
    need(one.store.stamp_receipts(1'000));
    EXPECT_EQ(need(hub_.projection.read().client(ann)).first_name, "Client 1");
    expect_exactly_its_own(one);
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

TEST_F(ScopeSyncTest, MakingEverythingAnewBringsBackNothingThatIsNoneOfItsBusiness) {
    auto one = device({projects_[0]});
    add_client(one, projects_[1]);
    push(one);
    project();
    pull(one);
    expect_exactly_its_own(one);
    need(one.store.rebuild_state());
    expect_exactly_its_own(one);
}

TEST_F(ScopeSyncTest, WhatWasHiddenLeavesWithTheRest) {
    auto one = device({});
    auto other = device({projects_[1]});
    hub_.ledger.set_admit([&](const PreparedRun& run, const sync::RecordShape&) {
        return run.replica == other.store.settings().self ? sync::StatusCode::kUnauthorised
                                                          : sync::StatusCode::kNone;
    });
    const auto bea = add_client(other, projects_[1]);
    push(other);
    project();
    pull(one);
    EXPECT_NE(need(one.store.read().load(bea)), sync::EntityState{})
        << "when it was first heard of";
    one.projects = {projects_[0]};
    meet_the_hub(one);
    EXPECT_EQ(need(one.store.read().load(bea)), sync::EntityState{});
    need(hub_.ledger.author(
        {}, {sync::verdict_op({{other.store.settings().self, 1}, sync::VerdictAct::kRelease})}));
    project();
    pull(one);
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

/// A scope is left in steps. If that ends early and the scope is granted again, what went comes
/// again.
TEST_F(ScopeSyncTest, LeavingThatWasCutShortLosesNothing) {
    const FailingVfs disk;
    auto one = device({projects_[0]});
    std::vector<store::SaveRequest> many;
    for (int i = 0; i < 600; ++i) {
        sync::Op who{
            id_of(0xc1, ++made_ids_), sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
        who.cells = {{col::client::kFirstName, std::to_string(i)}};
        auto& request = many.emplace_back();
        request.header.recorded = {++clock_ms_};
        request.ops = {who, stay_op(id_of(0xe1, made_ids_), who.entity, projects_[0])};
    }
    need(one.store.save_many(many));
    push(one);
    project();
    bool failed = true;
    for (std::uint64_t nth = 1; failed; nth *= 2) {
        pull(one);
        expect_exactly_its_own(one);
        if (HasFailure()) return;
        FailingVfs::fail(nth, FailingVfs::Fault::kIoError, true);
        static_cast<void>(one.store.leave_scope(scopes_of(one).back()));
        failed = FailingVfs::failed();
        FailingVfs::forgive();
        within_.clear();
    }
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

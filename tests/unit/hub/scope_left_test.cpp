// What is no longer a device's business goes, and nothing that only it has.
#include "scope_sync.hpp"
#include "sync/change/verdict.hpp"
#include "tests/support/failing_vfs.hpp"

namespace streetlog::hub {
namespace {

class ScopeLeftTest : public ScopeSyncTest {};

TEST_F(ScopeLeftTest, LeavingAProjectRemovesItButNothingUnsent) {
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

TEST_F(ScopeLeftTest, ADeviceThatWasToldEverythingKeepsOnlyItsProjects) {
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

TEST_F(ScopeLeftTest, WhatWasWrittenElsewhereDoesNotComeBackWithItsReceipt) {
    auto one = device({projects_[0]});
    const auto ann = add_client(one, projects_[1]);
    push_and_lose_the_ack(one);
    project();
    pull(one);
    need(one.store.stamp_receipts(1'000));
    EXPECT_EQ(need(hub_.projection.read().client(ann)).first_name, "Client 1");
    expect_exactly_its_own(one);
}

TEST_F(ScopeLeftTest, MakingEverythingAnewBringsBackNothingThatIsNoneOfItsBusiness) {
    auto one = device({projects_[0]});
    add_client(one, projects_[1]);
    push(one);
    project();
    pull(one);
    expect_exactly_its_own(one);
    need(one.store.rebuild_state());
    expect_exactly_its_own(one);
}

TEST_F(ScopeLeftTest, WhatWasHiddenLeavesWithTheRest) {
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

/// A scope is left in steps. If that ends early and the scope is granted again, what went comes
/// again.
TEST_F(ScopeLeftTest, LeavingThatWasCutShortLosesNothing) {
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

}  // namespace
}  // namespace streetlog::hub

#include <map>

#include "sync/change/verdict.hpp"
#include "sync/session/state_rows.hpp"
#include "tests/unit/hub/followed_hub.hpp"

/// Which entities a project's scope holds, and that its pages bring each of them, whole, wherever
/// they are cut.
namespace streetlog::hub {
namespace {

class ScopeTest : public FollowedHub {
  protected:
    void SetUp() override {
        FollowedHub::SetUp();
        north_ = add_project("Outreach North");
        south_ = add_project("Outreach South");
    }

    EntityId add_project(std::string_view name) {
        const auto id = device_.random_.id<EntityId>();
        EXPECT_TRUE(
            ledger_->author({},
                            {{.entity = id,
                              .kind = sync::OpKind::kCreate,
                              .table = tbl::kProject,
                              .group = grp::kProjectName,
                              .cells = {{col::project::kProjectName, std::string{name}}}}}));
        return id;
    }

    static sync::Op stay(EntityId id, EntityId client, EntityId project) {
        return {.entity = id,
                .kind = sync::OpKind::kCreate,
                .table = tbl::kEnrollment,
                .group = grp::kEnrollmentEntry,
                .cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                          {col::enrollment::kProjectID, bytes_of(project)},
                          {col::enrollment::kEntryDate, std::int64_t{20'000}}}};
    }

    static sync::Op met(EntityId id, EntityId stay) {
        return {.entity = id,
                .kind = sync::OpKind::kCreate,
                .table = tbl::kCurrentLivingSituation,
                .group = grp::kContactContact,
                .cells = {{col::current_living_situation::kEnrollmentID, bytes_of(stay)}}};
    }

    static sync::Op renamed(EntityId client, std::string_view to) {
        return {.entity = client,
                .kind = sync::OpKind::kSetGroup,
                .table = tbl::kClient,
                .group = grp::kClientName,
                .cells = {{col::client::kFirstName, std::string{to}}}};
    }

    EntityId enroll(EntityId client, EntityId project) {
        const auto id = device_.random_.id<EntityId>();
        device_.save({stay(id, client, project)});
        return id;
    }

    EntityId contact(EntityId stay) {
        const auto id = device_.random_.id<EntityId>();
        device_.save({met(id, stay)});
        return id;
    }

    void bring() {
        push(device_);
        ASSERT_TRUE(follower_->catch_up());
    }

    std::uint32_t scope_of(EntityId project) {
        const auto scopes = pages_->scopes_of({&project, 1});
        EXPECT_TRUE(scopes && scopes->size() == 2);
        return scopes ? scopes->back() : 0;
    }

    using Rows = std::map<EntityId, sync::EntityState>;

    /// Everything from `cursor` on, in pages of `max_bytes`; the cursor moves. `pages` counts.
    Rows read(std::uint32_t scope, sync::Position& cursor, std::size_t max_bytes, int* pages) {
        Rows out;
        std::optional<sync::RowPlace> within;
        for (int n = 0; n < 10'000; ++n) {
            const sync::ReadPage request{scope, cursor, max_bytes, within};
            auto read = pages_->read(request, device_.replica_);
            EXPECT_TRUE(read) << read.error().message;
            if (!read) return out;
            if (pages != nullptr) ++*pages;
            EXPECT_GE(read->page.next.reach(), cursor.reach());
            if (!read->page.states.empty()) {
                auto raw =
                    sync::unpack(read->page.encoding, read->page.raw_bytes, read->page.states);
                EXPECT_TRUE(raw);
                auto rows = sync::decode_state_rows(*raw);
                EXPECT_TRUE(rows);
                for (auto& row : *rows) out[row.entity] = std::move(row.state);
            }
            cursor = read->page.next;
            within = read->within;
            if (read->page.caught_up) return out;
        }
        ADD_FAILURE() << "pages without end";
        return out;
    }

    Rows all(EntityId project) {
        sync::Position cursor;
        return read(scope_of(project), cursor, 100'000, nullptr);
    }

    void expect_as_the_hub_has(const Rows& rows) {
        for (const auto& [id, state] : rows) {
            const auto own = follower_->projection().read().load(id);
            ASSERT_TRUE(own);
            EXPECT_EQ(state, *own) << to_string(id);
        }
    }

    EntityId north_, south_;
};

std::vector<EntityId> ids(const std::map<EntityId, sync::EntityState>& rows) {
    std::vector<EntityId> out;
    for (const auto& row : rows) out.push_back(row.first);
    return out;
}

std::vector<EntityId> sorted(std::vector<EntityId> ids) {
    std::ranges::sort(ids);
    return ids;
}

TEST_F(ScopeTest, AProjectIsToldOfItsClientsTheirStaysThereAndWhatHangsOnThem) {
    const auto ann = device_.save_client();
    const auto bea = device_.save_client();
    const auto ann_north = enroll(ann, north_);
    const auto bea_south = enroll(bea, south_);
    const auto call = contact(ann_north);
    const auto visit = contact(bea_south);
    bring();

    EXPECT_EQ(ids(all(north_)), sorted({ann, ann_north, call}));
    EXPECT_EQ(ids(all(south_)), sorted({bea, bea_south, visit}));
    expect_as_the_hub_has(all(north_));
}

TEST_F(ScopeTest, AClientEntersASecondProjectWithTheFirstStayThere) {
    const auto ann = device_.save_client();
    enroll(ann, north_);
    bring();
    sync::Position cursor;
    EXPECT_TRUE(read(scope_of(south_), cursor, 100'000, nullptr).empty());

    const auto ann_south = enroll(ann, south_);
    bring();
    EXPECT_EQ(ids(read(scope_of(south_), cursor, 100'000, nullptr)), sorted({ann, ann_south}));

    device_.save({renamed(ann, "Anna")});
    bring();
    EXPECT_EQ(ids(read(scope_of(south_), cursor, 100'000, nullptr)), std::vector{ann});
    EXPECT_EQ(all(north_).at(ann), all(south_).at(ann));
}

TEST_F(ScopeTest, PagesOfAnySizeBringTheSame) {
    std::vector<EntityId> stays;
    for (int i = 0; i < 40; ++i) stays.push_back(enroll(device_.save_client(), north_));
    for (int i = 0; i < 60; ++i) contact(stays[static_cast<std::size_t>(i) % stays.size()]);
    bring();
    const auto whole = all(north_);
    EXPECT_EQ(whole.size(), 140U);
    for (const std::size_t size : {1U, 200U, 1'000U, 5'000U}) {
        sync::Position cursor;
        int pages = 0;
        EXPECT_EQ(read(scope_of(north_), cursor, size, &pages), whole) << size;
        EXPECT_GT(pages, 1);
        EXPECT_EQ(cursor.seq, follower_->projection().at());
        EXPECT_TRUE(read(scope_of(north_), cursor, size, nullptr).empty());
    }
}

TEST_F(ScopeTest, ARecordThatNoPageHoldsComesInSeveralBeforeTheCursorMoves) {
    const auto ann = device_.save_client();
    const auto ann_north = enroll(ann, north_);
    std::vector<sync::Op> ops;
    for (int i = 0; i < 3'000; ++i) ops.push_back(met(device_.random_.id<EntityId>(), ann_north));
    // Each contact is small, and thousands of them more than a message.
    for (auto& op : ops)
        op.cells.push_back({col::current_living_situation::kLocationDetails,
                            std::string(100, 'x') + to_string(device_.random_.id<EntityId>())});
    device_.save(std::move(ops));
    bring();
    sync::Position cursor;
    int pages = 0;
    EXPECT_EQ(read(scope_of(north_), cursor, 1'000, &pages).size(), 3'002U);
    EXPECT_GT(pages, 3);
}

TEST_F(ScopeTest, AfterARebuildTheSameIsRead) {
    for (int i = 0; i < 30; ++i)
        contact(enroll(device_.save_client(), i % 3 == 0 ? south_ : north_));
    bring();
    const auto north = all(north_);
    const auto scope = scope_of(north_);
    ASSERT_TRUE(follower_->projection().rebuild(follower_->log()));
    EXPECT_EQ(scope_of(north_), scope);
    EXPECT_EQ(all(north_), north);
}

TEST_F(ScopeTest, TheOfficeTellsEveryoneOfProjectsAndNothingOfClients) {
    device_.save_client();
    bring();
    auto page = pages_->read({kScopeOffice, {}, 100'000, {}}, device_.replica_);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_TRUE(page->page.caught_up);
    std::size_t own = 0;
    std::size_t projects = 0;
    for (const auto& run : page->page.runs) {
        if (run.receipt.replica == device_.replica_) {
            EXPECT_EQ(run.encoding, sync::Encoding::kNone) << "an own record comes as a receipt";
            ++own;
            continue;
        }
        EXPECT_EQ(run.receipt.replica.device, ledger_->self().device);
        auto raw = sync::unpack(run.encoding, run.raw_bytes, run.body);
        ASSERT_TRUE(raw);
        for (const auto& view : *sync::decode_batch(*raw))
            for (const auto& op : sync::decode(view)->ops) projects += op.table == tbl::kProject;
    }
    EXPECT_EQ(own, 1U);
    EXPECT_EQ(projects, 2U);
}

/// A projection that is read anew, or that lost its newest transactions with the power, is asked
/// for what follows cursors it gave out before.
TEST_F(ScopeTest, PlacesDoNotDependOnHowMuchIsTakenInAtOnce) {
    const auto places = [&] {
        std::string out;
        auto rows = follower_->projection().db().prepare(
            "SELECT c.scope, c.hub_seq, hex(e.id) FROM scope_change c JOIN entity e ON e.eno = "
            "c.eno ORDER BY c.scope, e.id");
        while (rows.step()) {
            for (int column = 0; column < 3; ++column) out.append(rows.text(column)).append(" ");
            out += "\n";
        }
        return out;
    };
    const auto ann = device_.save_client();
    bring();
    const auto ann_north = enroll(ann, north_);
    bring();
    contact(ann_north);
    bring();
    const auto ann_south = enroll(ann, south_);
    bring();
    device_.save({{.entity = ann_south,
                   .kind = sync::OpKind::kVoid,
                   .table = tbl::kEnrollment,
                   .group = grp::kLife}});
    bring();
    // A stay that is set aside, what hangs on it, and its release.
    Device other{7};
    const auto bea = other.save_client();
    const auto bea_north = other.random_.id<EntityId>();
    ledger_->set_admit([&](const PreparedRun& run, const sync::RecordShape& shape) {
        return run.replica == other.replica_ && shape.header.seq == 2
                   ? sync::StatusCode::kUnauthorised
                   : sync::StatusCode::kNone;
    });
    other.save({stay(bea_north, bea, north_)});
    other.save({met(other.random_.id<EntityId>(), bea_north)});
    push(other);
    bring();
    ASSERT_TRUE(
        ledger_->author({}, {sync::verdict_op({{other.replica_, 2}, sync::VerdictAct::kRelease})}));
    bring();
    const auto one_by_one = places();
    ASSERT_TRUE(follower_->projection().rebuild(follower_->log()));
    EXPECT_EQ(places(), one_by_one);
}

/// Of whom the hub so far only knows what others wrote.
TEST_F(ScopeTest, WhatIsWrittenOnAClientWhoseCreateWasSetAsideIsToldAllTheSame) {
    ledger_->set_admit([](const PreparedRun& run, const sync::RecordShape& shape) {
        return !run.authored_here && shape.header.seq == 1 ? sync::StatusCode::kUnauthorised
                                                           : sync::StatusCode::kNone;
    });
    const auto ann = device_.save_client();
    const auto ann_north = enroll(ann, north_);
    bring();
    sync::Position cursor;
    EXPECT_EQ(ids(read(scope_of(north_), cursor, 100'000, nullptr)), sorted({ann, ann_north}));
    device_.save({renamed(ann, "Anna")});
    bring();
    const auto rows = read(scope_of(north_), cursor, 100'000, nullptr);
    EXPECT_EQ(ids(rows), sorted({ann}));
    expect_as_the_hub_has(rows);
}

TEST_F(ScopeTest, WhatWasSetAsideIsSentOnceItIsReleased) {
    const auto ann = device_.save_client();
    const auto ann_north = enroll(ann, north_);
    bring();
    // A second device takes the id of a stay, and hangs a contact on it.
    Device other{7};
    const auto stolen = other.random_.id<EntityId>();
    other.save({stay(ann_north, ann, south_)});
    other.save({met(stolen, ann_north)});
    ASSERT_EQ(push(other).exceptions.size(), 1U);
    ASSERT_TRUE(follower_->catch_up());
    EXPECT_EQ(ids(all(north_)), sorted({ann, ann_north, stolen}));
    EXPECT_TRUE(all(south_).empty());
    expect_as_the_hub_has(all(north_));
}

}  // namespace
}  // namespace streetlog::hub

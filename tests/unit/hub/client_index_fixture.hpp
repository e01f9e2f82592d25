#pragma once

#include <map>

#include <boost/json/serialize.hpp>

#include "hub/desk/desk.hpp"
#include "sync/change/cells.hpp"
#include "sync/identity/link_ops.hpp"
#include "sync/identity/ssn_hash.hpp"
#include "sync/session/index_rows.hpp"
#include "sync/store/cells.hpp"
#include "tests/unit/hub/followed_hub.hpp"

namespace streetlog::hub {

inline constexpr std::int64_t kMonday = 20'000;

/// A hub with a shelter and its project, and the pages of the client index read as a device does.
class ClientIndexTest : public FollowedHub {
  protected:
    void SetUp() override {
        FollowedHub::SetUp();
        shelter_ = add_organization(0);
        north_ = add_project(shelter_);
    }

    boost::json::object ask(std::string_view command, const boost::json::object& arguments = {}) {
        auto answer =
            Desk{*follower_, device_.random_, [](const std::string&) {}}.run(command, arguments);
        EXPECT_TRUE(answer) << answer.error().message;
        return answer.value_or(boost::json::object{});
    }

    void say(sync::Op op) { EXPECT_TRUE(ledger_->author({}, {std::move(op)})); }

    EntityId add_organization(std::int64_t victim_services) {
        const auto id = device_.random_.id<EntityId>();
        say({.entity = id,
             .kind = sync::OpKind::kCreate,
             .table = tbl::kOrganization,
             .group = grp::kOrganizationVictimServiceProvider,
             .cells = {{col::organization::kVictimServiceProvider, victim_services}}});
        return id;
    }

    EntityId add_project(EntityId organization) {
        const auto id = device_.random_.id<EntityId>();
        say({.entity = id,
             .kind = sync::OpKind::kCreate,
             .table = tbl::kProject,
             .group = grp::kProjectName,
             .cells = {{col::project::kOrganizationID, bytes_of(organization)},
                       {col::project::kProjectName, std::string{"A project"}}}});
        return id;
    }

    static sync::Op named(EntityId client, std::string_view first, sync::OpKind kind) {
        return {.entity = client,
                .kind = kind,
                .table = tbl::kClient,
                .group = grp::kClientName,
                .cells = {{col::client::kFirstName, std::string{first}},
                          {col::client::kNameDataQuality, std::int64_t{1}}}};
    }

    static sync::Op numbered(EntityId client, std::string_view ssn) {
        return {.entity = client,
                .kind = sync::OpKind::kSetGroup,
                .table = tbl::kClient,
                .group = grp::kClientSsn,
                .cells = {{col::client::kSSN, std::string{ssn}},
                          {col::client::kSSNDataQuality, std::int64_t{1}}}};
    }

    static sync::Op stay(EntityId id, EntityId client, EntityId project, std::int64_t day) {
        return {.entity = id,
                .kind = sync::OpKind::kCreate,
                .table = tbl::kEnrollment,
                .group = grp::kEnrollmentEntry,
                .cells = {{col::enrollment::kPersonalID, bytes_of(client)},
                          {col::enrollment::kProjectID, bytes_of(project)},
                          {col::enrollment::kEntryDate, day}}};
    }

    EntityId add_client(std::string_view first) {
        const auto id = device_.random_.id<EntityId>();
        device_.save({named(id, first, sync::OpKind::kCreate)});
        return id;
    }

    EntityId enroll(EntityId client, EntityId project, std::int64_t day = kMonday) {
        const auto id = device_.random_.id<EntityId>();
        device_.save({stay(id, client, project, day)});
        return id;
    }

    EntityId contact(EntityId stay, std::int64_t day) {
        const auto id = device_.random_.id<EntityId>();
        device_.save({{.entity = id,
                       .kind = sync::OpKind::kCreate,
                       .table = tbl::kCurrentLivingSituation,
                       .group = grp::kContactContact,
                       .cells = {{col::current_living_situation::kEnrollmentID, bytes_of(stay)},
                                 {col::current_living_situation::kInformationDate, day}}}});
        return id;
    }

    void make_void(EntityId entity, std::uint16_t table) {
        device_.save({{.entity = entity,
                       .kind = sync::OpKind::kVoid,
                       .table = table,
                       .group = grp::kLife,
                       .cells = {{col::life::kState, std::int64_t{2}}}}});
    }

    EntityId join(EntityId a, EntityId b) {
        const auto id = device_.random_.id<EntityId>();
        say(sync::link_op(id, {{}, a, b, sync::LinkVerdict::kSame, sync::LinkStrength::kHuman, 0}));
        return id;
    }

    /// What was done since, as one run, and the follower behind it.
    void bring() {
        const auto row = ledger_->replica(device_.replica_);
        if ((row ? row->acked_seq : 0) < device_.records_.size()) push(device_);
        ASSERT_TRUE(follower_->catch_up());
    }

    using Rows = std::map<EntityId, sync::IndexRow>;

    /// Rows after `cursor` in pages of `max_bytes`, as they come out of the wire's bytes.
    Rows read(sync::Position& cursor, std::size_t max_bytes) {
        Rows out;
        std::optional<sync::RowPlace> within;
        for (int n = 0; n < 1'000; ++n) {
            auto read = pages_->read({kScopeIndex, cursor, max_bytes, within}, device_.replica_);
            EXPECT_TRUE(read) << read.error().message;
            if (!read) return out;
            if (!read->page.states.empty()) {
                auto raw =
                    sync::unpack(read->page.encoding, read->page.raw_bytes, read->page.states);
                EXPECT_TRUE(raw);
                auto rows = sync::decode_index_rows(*raw);
                EXPECT_TRUE(rows);
                for (auto& row : *rows) out[row.root] = std::move(row);
            }
            cursor = read->page.next;
            within = read->within;
            if (read->page.caught_up) return out;
        }
        ADD_FAILURE() << "pages without end";
        return out;
    }

    Rows all() {
        sync::Position cursor;
        return read(cursor, 100'000);
    }

    Rows news() { return read(cursor_, 100'000); }

    static std::vector<std::string> names(const sync::IndexRow& row) {
        std::map<std::uint64_t, std::string, std::greater<>> by_rank;
        for (const auto& member : row.person->members)
            for (const auto& [reg, state] : member.state.registers)
                for (const auto& sibling : state.siblings)
                    if (reg.group == grp::kClientName)
                        by_rank[sibling.hlc.value] =
                            store::text_in(sibling.cells, col::client::kFirstName);
        std::vector<std::string> out;
        for (const auto& [rank, name] : by_rank) out.push_back(name);
        return out;
    }

    /// The table as it stands, by what every projection of this log agrees on.
    std::string table() {
        std::string out;
        auto rows = follower_->projection().db().prepare(
            "SELECT hex(e.id), c.hub_seq, coalesce(c.day, '-'), coalesce(hex(c.person), 'gone') "
            "FROM client_index c JOIN entity e ON e.eno = c.eno ORDER BY e.id");
        while (rows.step()) {
            for (int column = 0; column < 4; ++column) out.append(rows.text(column)).append(" ");
            out += "\n";
        }
        return out;
    }

    EntityId shelter_, north_;
    sync::Position cursor_;
};

}  // namespace streetlog::hub

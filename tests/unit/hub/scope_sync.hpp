#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "told_devices.hpp"

namespace streetlog::hub {

/// Devices that are told of some projects only: each holds of every entity in its scopes exactly
/// what the hub has, and nothing else but what is its own.
class ScopeSyncTest : public ToldDevices {
  protected:
    EntityId add_client(Told& at, EntityId project) {
        const auto client = id_of(0xc1, ++made_ids_);
        const auto stay = id_of(0xe1, made_ids_);
        sync::Op who{client, sync::OpKind::kCreate, tbl::kClient, grp::kClientName};
        who.cells = {{col::client::kFirstName, "Client " + std::to_string(made_ids_)},
                     {col::client::kNameDataQuality, std::int64_t{1}}};
        save(at, {who, stay_op(stay, client, project)});
        return client;
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

    std::map<std::pair<DeviceId, std::uint32_t>, std::optional<sync::RowPlace>> within_;
};

}  // namespace streetlog::hub

#pragma once

#include <set>

#include "sync/session/index_rows.hpp"
#include "sync/store/projection.hpp"

namespace streetlog::hub {

/// The table client_index: who is a client of the CoC, one row a person, for the devices that are
/// told of some projects only (sync/session/index_rows.hpp).
///
/// - Nobody who is restricted, or has a stay in a project of a victim service provider: of a
///   person who was entered several times that goes for all of them.
/// - A row has the run of the log that changed it last. One that would say the same is not
///   written: nobody is told of a second contact on one day.
/// - A row that went stays without a person, so that devices hear of it.
///
/// Settled run by run, so that it is a function of the log, and not of how many runs a transaction
/// takes in. One thread, inside the projection's transactions.
class ClientIndex {
  public:
    ClientIndex(store::Projection& projection, DeviceId hub);

    /// Call for each entity once its own row is written.
    void note(const store::EntitySlot& slot);
    /// Call when all rows of a run are; it ends at `at`.
    void settle(HubSeq at);

    void clear();
    /// After a rollback.
    void forget();

  private:
    struct Policy {
        sync::SsnPolicy ssn = sync::SsnPolicy::kLastFour;
        sync::Bytes key;

        friend bool operator==(const Policy&, const Policy&) = default;
    };

    /// A client of a person, with the state as the projection has it.
    struct Member {
        EntityId id;
        const sync::EntityState* state = nullptr;
        bool silent =
            false;  // void, or the create is not in force: an id that leads there, no more
    };

    void settle_policy();
    void settle_providers();
    void refresh(std::int64_t root, HubSeq at);
    void refresh_day(std::int64_t root, HubSeq at);
    [[nodiscard]] std::int64_t root_of(std::int64_t eno);
    [[nodiscard]] std::vector<std::int64_t> members_of(std::int64_t root);
    [[nodiscard]] std::vector<Member> states_of(std::span<const std::int64_t> enos);
    [[nodiscard]] bool is_kept_out(std::span<const Member> members,
                                   std::span<const std::int64_t> enos);
    [[nodiscard]] std::optional<sync::IndexPerson> person_of(std::span<const Member> members);
    void add_group(std::span<const Member> members,
                   sync::RegisterId reg,
                   sync::IndexPerson& person);
    void hide_ssn(sync::Sibling& sibling, sync::IndexPerson& person);
    [[nodiscard]] std::optional<std::int64_t> last_seen(std::span<const std::int64_t> enos);
    [[nodiscard]] bool is_victim_provider(EntityId project);
    [[nodiscard]] std::optional<EntityId> id_of(std::int64_t eno);
    [[nodiscard]] Policy policy_now();

    store::Projection& projection_;
    EntityId site_;  // whose registers are the site's policy
    std::set<std::int64_t> changed_, stays_, organizations_, projects_;
    std::optional<Policy> policy_;
    bool policy_noted_ = false;
    store::Stmt root_, members_, id_, stay_client_, seen_, kept_out_, hidden_add_, hidden_drop_,
        clients_of_, children_, row_, put_, all_, known_;
};

}  // namespace streetlog::hub

#pragma once

#include <set>

#include "sync/identity/partition.hpp"
#include "sync/store/entity_states.hpp"

namespace streetlog::store {

/// Tables `link` and `canon`: the live link assertions, and which clients they make one person.
class Links {
  public:
    Links(Db& db, DbReplicaNumbers& numbers, Generation of = Generation::kLive);

    /// Takes note of an entity that was just flushed: its assertions, and whether its first receipt
    /// moved, for that decides who is canonical.
    void note(const EntitySlot& slot);
    /// Recomputes the components that were touched; in the same transaction, after the flush.
    void settle(EntityStates& states);

    /// Everybody whose component the last settle() made anew, members of before and after.
    [[nodiscard]] const std::vector<EntityId>& settled() const { return settled_; }

    void forget() {
        touched_.clear();
        settled_.clear();
    }

    void clear(Db& db);

  private:
    [[nodiscard]] std::vector<sync::Link> around(std::set<EntityId>& members);

    DbReplicaNumbers& numbers_;
    Stmt ends_, drop_, add_, of_, root_, members_, uncanon_, canon_;
    std::set<EntityId> touched_;
    std::vector<EntityId> settled_;
};

}  // namespace streetlog::store

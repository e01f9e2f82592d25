#pragma once

#include <vector>

#include "sync/identity/link_ops.hpp"
#include "sync/store/entity_states.hpp"

namespace streetlog::hub {

/// Two clients that the first tier takes for one person.
struct FoundPair {
    sync::ClientPair pair;
    sync::FirstTierEvidence evidence;
};

/// Which clients have a key in common, kept as clients change; and which of those are one person.
/// Writes inside the caller's transaction.
class Matcher {
  public:
    Matcher(store::Db& db, store::EntityStates& states);

    /// The entity was just written: its keys follow its facts, and it is to be compared.
    void note(const store::EntitySlot& slot);
    void clear();

    /// Pairs among at most `clients_max` changed clients and everybody they share a key with, less
    /// those somebody has linked or separated before, and those of one household. Each once.
    struct Round {
        std::vector<std::int64_t> compared;
        std::vector<FoundPair> pairs;
    };

    [[nodiscard]] Round compare(std::size_t clients_max);
    /// What a round found has been written down. Requires a transaction.
    void done(const Round& round);

  private:
    class Joined;

    [[nodiscard]] std::int64_t root_of(std::int64_t eno);
    [[nodiscard]] sync::ClientFacts facts_of(const EntityId& id);
    [[nodiscard]] bool spoken(const EntityId& a, const EntityId& b);
    [[nodiscard]] std::vector<EntityId> households_of(std::int64_t eno);

    store::Db& db_;
    store::EntityStates& states_;
    store::Stmt drop_, add_, queue_, unqueue_, next_, sharing_, linked_, households_, root_;
};

}  // namespace streetlog::hub

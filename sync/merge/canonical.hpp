#pragma once

#include <string>

#include "sync/merge/register.hpp"

/// The one text of a state, the same in every store that holds the same set of writes and receipts:
/// device ids in full and never a store's own numbers. `verify --dump-hash` of both programs
/// compares stores by it.
namespace streetlog::sync {

/// Appends siblings, gone rows, hidden edges and first receipt of one entity. Holds what people
/// typed: hash it or keep it in tests, never log it.
void append_canonical(std::string& out, EntityId entity, const EntityState& state);

/// One hash over a whole store. Give it the entities in ascending id order and then the canon rows
/// in ascending entity order (an assertion watches the order); rows of an entity that is its own
/// canonical one are left out.
class CanonicalHash {
  public:
    void add(EntityId entity, const EntityState& state);
    void add_canon(EntityId entity, EntityId root);

    [[nodiscard]] Hash finish() const { return hash_; }

  private:
    void take(std::string_view section, EntityId entity);

    Hash hash_{};
    std::string text_;  // of the entry at hand; kept for its capacity
    std::string last_section_;
    EntityId last_;
};

}  // namespace streetlog::sync

#pragma once

#include <cstdint>
#include <vector>

#include "schema/id.hpp"

namespace streetlog::hub {

/// Which entity ids are taken, and the number of each: 1, 2, 3 ... in the order of creation. In
/// memory, because a SQL index on random 128-bit ids costs three to six times all the rest of an
/// ingest at a million rows. 16 bytes an entity and 8 a slot.
class EntityIndex {
  public:
    EntityIndex();

    /// Room for this many without growing.
    void reserve(std::size_t entities);

    /// The number of `id`, or 0.
    [[nodiscard]] std::uint32_t find(const EntityId& id) const;

    /// Requires: find(id) == 0. Returns its number.
    std::uint32_t add(const EntityId& id);

    [[nodiscard]] std::size_t size() const { return ids_.size(); }

  private:
    void rebuild(std::size_t slots);
    [[nodiscard]] std::size_t slot_of(const EntityId& id) const;

    std::vector<EntityId> ids_;  // number - 1
    std::vector<std::uint32_t>
        slots_;  // open addressing, power of two, at most two thirds full; 0: free
};

}  // namespace streetlog::hub
